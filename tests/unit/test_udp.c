// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/udp.h"
#include "tests/unit/net.h"

/* The client is connected, so it takes no answer from another address. */
static void a_wildcard_answers_from_the_address_that_was_asked(void **state)
{
	static const struct {
		const char *bind, *ask;
	} cases[] = {
		{"0.0.0.0:0", "127.0.0.1"},
		{"0.0.0.0:0", "127.0.0.2"},
		{"[::]:0", "[::1]"},
		{":0", "127.0.0.1"},
		{":0", "127.0.0.2"},
		{":0", "127.9.8.7"},
		{":0", "[::1]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server *server;
		struct address at;

		if (strchr(cases[i].ask, ':') && !net_has_ipv6())
			continue;
		server = net_serve(i, cases[i].bind);
		at = net_at(cases[i].ask, server_address(server));
		net_ask_at(&at, SOCK_DGRAM, i);
		net_ask_at(&at, SOCK_STREAM, i);
	}
}

static void datagrams_that_came_together_are_one_batch(void **state)
{
	struct server *server = net_bind(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	(void)state;
	net_send_datagrams(fd, UDP_BATCH);
	server_start(server);
	net_expect_each_once(fd, UDP_BATCH);
	assert_int_equal(atomic_load(&fake.snapshots), 1);
	close(fd);
}

static void one_batch_may_come_from_many_clients(void **state)
{
	struct server *server = net_bind(1, ":0");
	int fds[UDP_BATCH];

	(void)state;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		char ip[32];
		struct address at;

		snprintf(ip, sizeof(ip), "127.0.1.%u", i + 1);
		at = net_at(ip, server_address(server));
		fds[i] = net_connect(SOCK_DGRAM, &at);
		net_send_datagrams(fds[i], 1);
	}
	server_start(server);
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		net_expect_each_once(fds[i], 1);
		close(fds[i]);
	}
}

/* Which the kernel may be asked to cut out of one message. */
static void a_burst_is_answered_from_the_address_that_was_asked(void **state)
{
	static const char *const asked[] = {"127.0.0.1", "127.9.8.7", "[::1]"};
	struct server *server = net_serve(1, ":0");
	uint8_t query[14], answer[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked) - !net_has_ipv6(); i++) {
		struct address at = net_at(asked[i], server_address(server));
		int fd = net_connect(SOCK_DGRAM, &at);
		uint32_t seen = 0;

		for (unsigned id = 0; id < UDP_BATCH; id++) {
			net_query(query, (uint16_t)id, 100);
			assert_int_equal(send(fd, query, 14, 0), 14);
		}
		for (unsigned id = 0; id < UDP_BATCH; id++) {
			assert_int_equal(net_recv(fd, answer, 512, 0), 100);
			seen |= 1u << get_u16(answer);
		}
		assert_int_equal(seen, UINT32_MAX);
		close(fd);
	}
}

static void answers_larger_than_the_buffer_are_sent_in_turns(void **state)
{
	struct server *server = net_bind(1, "127.0.0.1:0");
	int fds[UDP_BATCH];
	uint8_t query[14];
	uint8_t answer[40001];

	(void)state;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		fds[i] = net_connect(SOCK_DGRAM, server_address(server));
		net_query(query, (uint16_t)i, 40000);
		assert_int_equal(send(fds[i], query, 14, 0), 14);
	}
	server_start(server);
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		assert_int_equal(net_recv(fds[i], answer, sizeof(answer), 0),
				 40000);
		assert_int_equal(get_u16(answer), i);
		close(fds[i]);
	}
}

static void junk_gets_no_answer_and_does_no_harm(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));
	static uint8_t junk[60000];

	(void)state;
	assert_int_equal(send(fd, junk, 0, 0), 0);
	assert_int_equal(send(fd, junk, 11, 0), 11);
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(send(fd, junk, sizeof(junk), 0), sizeof(junk));
	net_ask(fd, SOCK_DGRAM, 1);
	close(fd);
}

static void a_server_without_a_pause_leaves_others_their_turn(void **state)
{
	struct server *busy, *other;
	int fd;

	(void)state;
	net_start_anew();
	busy = net_bind(1, "127.0.0.1:0");
	other = net_serve(2, "127.0.0.1:0");
	fd = net_connect(SOCK_DGRAM, server_address(busy));
	atomic_store(&fake.feed, fd);
	net_send_datagrams(fd, 2 * UDP_BATCH);
	server_start(busy);
	net_await(NULL, atomic_load(&fake.answers) > 10 * UDP_BATCH);
	net_ask_at(server_address(other), SOCK_STREAM, 2);
	net_stop(other);
	atomic_store(&fake.feed, 0);
	net_stop(busy);
	close(fd);
}

/* A batch of many would take as many times as long. */
static void slow_answers_are_made_in_small_batches(void **state)
{
	struct server *slow, *other;
	int fd, probe;

	(void)state;
	net_start_anew();
	slow = net_serve(1, "127.0.0.1:0");
	other = net_serve(2, "127.0.0.1:0");
	fd = net_connect(SOCK_DGRAM, server_address(slow));
	probe = net_connect(SOCK_DGRAM, server_address(other));
	atomic_store(&fake.busy_us, 1000);
	atomic_store(&fake.probe, probe);
	net_send_datagrams(fd, 3 * UDP_BATCH);
	/* From the first batch on it is known that they are slow. */
	net_await(NULL, atomic_load(&fake.answers) > 3 * UDP_BATCH / 2);
	atomic_store(&fake.overtaken, 0);
	net_expect_each_once(fd, 3 * UDP_BATCH);
	assert_in_range(atomic_load(&fake.overtaken), 0, 4);
	/* Once they are not, they come together again. */
	atomic_store(&fake.probe, 0);
	atomic_store(&fake.busy_us, 0);
	atomic_store(&fake.gate, true);
	net_send_datagrams(fd, 4 * UDP_BATCH);
	atomic_store(&fake.snapshots, 0);
	atomic_store(&fake.gate, false);
	net_expect_each_once(fd, 4 * UDP_BATCH);
	assert_true(atomic_load(&fake.snapshots) < UDP_BATCH);
	net_stop(slow);
	net_stop(other);
	close(probe);
	close(fd);
}

static void who_was_busy_hears_of_a_single_query(void **state)
{
	struct server *server;
	int fd;

	(void)state;
	net_start_anew();
	server = net_bind(1, "127.0.0.1:0");
	fd = net_connect(SOCK_DGRAM, server_address(server));
	net_send_datagrams(fd, 200);
	server_start(server);
	net_expect_each_once(fd, 200);
	net_ask(fd, SOCK_DGRAM, 1);
	close(fd);
}

static void a_server_may_stop_while_it_is_busy(void **state)
{
	struct server *server = net_bind(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));
	unsigned done = 0;

	(void)state;
	net_send_datagrams(fd, 5 * UDP_BATCH);
	atomic_store(&fake.gate, true);
	server_start(server);
	net_await(NULL, atomic_load(&fake.waiting) == 1);
	server_stop(server, net_count_up, &done);
	atomic_store(&fake.gate, false);
	net_await(&net_loop, done);
	/* Not only what was read before, but all that had been received. */
	net_expect_each_once(fd, 5 * UDP_BATCH);
	close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_wildcard_answers_from_the_address_that_was_asked),
		TEST(datagrams_that_came_together_are_one_batch),
		TEST(one_batch_may_come_from_many_clients),
		TEST(a_burst_is_answered_from_the_address_that_was_asked),
		TEST(answers_larger_than_the_buffer_are_sent_in_turns),
		TEST(junk_gets_no_answer_and_does_no_harm),
		TEST(a_server_without_a_pause_leaves_others_their_turn),
		TEST(slow_answers_are_made_in_small_batches),
		TEST(who_was_busy_hears_of_a_single_query),
		TEST(a_server_may_stop_while_it_is_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
