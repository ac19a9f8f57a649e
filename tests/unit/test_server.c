// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/server.h"
#include "dns/udp.h"
#include "tests/unit/net.h"

static uv_loop_t loop;
static struct server_pool *pool;

static void start_pool(unsigned workers)
{
	struct server_options options = {.workers = workers};

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(server_pool_new(&pool, &loop, NULL, &options), 0);
}

static int set_up(void **state)
{
	(void)state;
	fake_reset();
	start_pool(2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pool = server_pool_free(pool);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(atomic_load(&fake.opened), 0);
	return 0;
}

static struct server *bind_server(uint64_t id, const char *text)
{
	struct address at = net_address(text);
	struct server *server;

	assert_int_equal(server_bind(&server, pool, id, &at), 0);
	return server;
}

static struct server *make_server(uint64_t id, const char *text)
{
	struct server *server = bind_server(id, text);

	assert_int_equal(server_start(server), 0);
	return server;
}

static void count_up(void *arg)
{
	++*(unsigned *)arg;
}

static void stop_server(struct server *server)
{
	unsigned done = 0;

	server_stop(server, count_up, &done);
	net_await(&loop, done);
	assert_int_equal(done, 1);
}

static void ask(const struct address *at, int type, uint64_t id)
{
	int fd = net_connect(type, at);

	net_ask(fd, type, id);
	close(fd);
}

static void each_server_answers_from_its_own_table(void **state)
{
	struct server *a = make_server(1, "127.0.0.1:0");
	struct server *b = make_server(2, "127.0.0.1:0");

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ask(server_address(a), SOCK_DGRAM, 1);
		ask(server_address(b), SOCK_DGRAM, 2);
		ask(server_address(a), SOCK_STREAM, 1);
		ask(server_address(b), SOCK_STREAM, 2);
	}
}

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
		server = make_server(i, cases[i].bind);
		at = net_at(cases[i].ask, server_address(server));
		ask(&at, SOCK_DGRAM, i);
		ask(&at, SOCK_STREAM, i);
	}
}

static void two_servers_never_share_an_address(void **state)
{
	static const char *const texts[] = {"127.0.0.1", "0.0.0.0", ":1"};
	struct server *server = make_server(1, "127.0.0.1:0");
	unsigned before = net_descriptors();
	struct server *second = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address at = net_at(texts[i], server_address(server));

		assert_int_equal(server_bind(&second, pool, 2, &at),
				 -EADDRINUSE);
		assert_null(second);
	}
	assert_int_equal(net_descriptors(), before);
	ask(server_address(server), SOCK_DGRAM, 1);
}

static void send_queries(int fd, unsigned count)
{
	uint8_t query[14];

	for (unsigned i = 0; i < count; i++) {
		net_query(query, (uint16_t)i, (uint16_t)(100 + i));
		assert_int_equal(send(fd, query, sizeof(query), 0), 14);
	}
}

/* Each of @count queries has its own answer, in whatever order. */
static void expect_each_once(int fd, unsigned count)
{
	bool seen[256] = {false};
	uint8_t answer[2048];
	unsigned id;
	ssize_t len;

	for (unsigned i = 0; i < count; i++) {
		len = recv(fd, answer, sizeof(answer), 0);
		assert_true(len > 0);
		id = get_u16(answer);
		assert_true(id < count && !seen[id]);
		seen[id] = true;
		assert_int_equal(len, 100 + id);
	}
}

static void datagrams_that_came_together_are_one_batch(void **state)
{
	struct server *server = bind_server(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	(void)state;
	send_queries(fd, UDP_BATCH);
	assert_int_equal(server_start(server), 0);
	expect_each_once(fd, UDP_BATCH);
	/* The other worker may have taken what the first one left. */
	assert_true(atomic_load(&fake.snapshots) <= 2);
	close(fd);
}

static void one_batch_may_come_from_many_clients(void **state)
{
	struct server *server = bind_server(1, ":0");
	int fds[UDP_BATCH];

	(void)state;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		char ip[32];
		struct address at;

		snprintf(ip, sizeof(ip), "127.0.1.%u", i + 1);
		at = net_at(ip, server_address(server));
		fds[i] = net_connect(SOCK_DGRAM, &at);
		send_queries(fds[i], 1);
	}
	assert_int_equal(server_start(server), 0);
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		expect_each_once(fds[i], 1);
		close(fds[i]);
	}
}

static void answers_larger_than_the_buffer_are_sent_in_turns(void **state)
{
	struct server *server = bind_server(1, "127.0.0.1:0");
	int fds[UDP_BATCH];
	uint8_t query[14];
	uint8_t answer[40001];

	(void)state;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		fds[i] = net_connect(SOCK_DGRAM, server_address(server));
		net_query(query, (uint16_t)i, 40000);
		assert_int_equal(send(fds[i], query, 14, 0), 14);
	}
	assert_int_equal(server_start(server), 0);
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		assert_int_equal(recv(fds[i], answer, sizeof(answer), 0),
				 40000);
		assert_int_equal(get_u16(answer), i);
		close(fds[i]);
	}
}

static void junk_gets_no_answer_and_does_no_harm(void **state)
{
	struct server *server = make_server(1, "127.0.0.1:0");
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

static void ask_in_vain(struct server *server, atomic_bool *fault)
{
	int udp = net_connect(SOCK_DGRAM, server_address(server));
	int tcp = net_connect(SOCK_STREAM, server_address(server));

	atomic_store(&fake.refused, 0);
	atomic_store(fault, true);
	net_send_queries(tcp, 1, 0);
	send_queries(udp, 1);
	net_expect_closed(tcp);
	net_await(NULL, atomic_load(&fake.refused) == 2);
	assert_int_equal(atomic_load(&fake.answers), 0);
	atomic_store(fault, false);
	close(tcp);
	close(udp);
}

static void a_store_that_cannot_be_read_costs_the_answers_only(void **state)
{
	struct server *server = make_server(1, "127.0.0.1:0");

	(void)state;
	ask_in_vain(server, &fake.broken);
	ask_in_vain(server, &fake.unknown);
	ask(server_address(server), SOCK_DGRAM, 1);
	ask(server_address(server), SOCK_STREAM, 1);
}

static void two_workers_answer_at_the_same_time(void **state)
{
	struct server *server = make_server(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	(void)state;
	atomic_store(&fake.gate, true);
	send_queries(fd, 1);
	net_await(NULL, atomic_load(&fake.waiting) == 1);
	send_queries(fd, 1);
	net_await(NULL, atomic_load(&fake.waiting) == 2);
	atomic_store(&fake.gate, false);
	close(fd);
}

static void a_query_that_was_read_is_answered_before_the_stop(void **state)
{
	struct server *server = make_server(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));
	unsigned done = 0;

	(void)state;
	atomic_store(&fake.gate, true);
	send_queries(fd, 1);
	net_await(&loop, atomic_load(&fake.waiting) == 1);
	server_stop(server, count_up, &done);
	for (unsigned i = 0; i < 50; i++)
		net_turn(&loop);
	assert_int_equal(done, 0);
	atomic_store(&fake.gate, false);
	net_await(&loop, done);
	expect_each_once(fd, 1);
	close(fd);
}

static void an_address_is_free_as_soon_as_done_runs(void **state)
{
	struct server *server = bind_server(0, "127.0.0.1:0");
	struct address at = *server_address(server);
	unsigned before = 0;
	int udp = net_connect(SOCK_DGRAM, &at);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		int tcp = net_connect(SOCK_STREAM, &at);

		assert_int_equal(server_start(server), 0);
		net_ask(udp, SOCK_DGRAM, i);
		net_ask(tcp, SOCK_STREAM, i);
		stop_server(server);
		/* We closed first, so that a TIME_WAIT is left with us. */
		net_expect_closed(tcp);
		close(tcp);
		assert_int_equal(server_bind(&server, pool, i + 1, &at), 0);
		if (i == 0)
			before = net_descriptors();
	}
	/* A worker's first client makes libuv open one for itself. */
	assert_true(net_descriptors() <= before + 2);
	stop_server(server);
	close(udp);
}

static void a_stop_disconnects_its_own_clients_only(void **state)
{
	struct server *a = make_server(1, "127.0.0.1:0");
	struct server *b = make_server(2, "127.0.0.1:0");
	int fds[20];

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		fds[i] =
			net_connect(SOCK_STREAM, server_address(i % 2 ? b : a));
		net_ask(fds[i], SOCK_STREAM, i % 2 ? 2 : 1);
	}
	stop_server(a);
	for (unsigned i = 0; i < 20; i++) {
		if (i % 2)
			net_ask(fds[i], SOCK_STREAM, 2);
		else
			net_expect_closed(fds[i]);
		close(fds[i]);
	}
}

static void a_server_may_stop_before_it_starts_or_serves(void **state)
{
	struct server *bound = bind_server(1, "127.0.0.1:0");
	struct address at = *server_address(bound);

	(void)state;
	stop_server(bound);
	for (unsigned i = 0; i < 100; i++) {
		struct server *server;
		unsigned done = 0;

		assert_int_equal(server_bind(&server, pool, 1, &at), 0);
		assert_int_equal(server_start(server), 0);
		server_stop(server, count_up, &done);
		net_await(&loop, done);
	}
}

static void many_stop_at_once(void **state)
{
	struct server *servers[100];
	unsigned before = net_descriptors();
	unsigned done = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(servers); i++)
		servers[i] = make_server(i, "127.0.0.1:0");
	for (unsigned i = 0; i < ARRAY_SIZE(servers); i++)
		server_stop(servers[i], count_up, &done);
	net_await(&loop, done == ARRAY_SIZE(servers));
	assert_int_equal(net_descriptors(), before);
}

static void a_pool_is_freed_with_all_that_it_serves(void **state)
{
	struct server *started = make_server(1, "127.0.0.1:0");
	struct server *stopping = make_server(2, "127.0.0.1:0");
	struct server *bound = bind_server(3, "127.0.0.1:0");
	int fd = net_connect(SOCK_STREAM, server_address(started));
	struct address at = *server_address(bound);
	unsigned done = 0;

	(void)state;
	net_ask(fd, SOCK_STREAM, 1);
	server_stop(stopping, count_up, &done);
	pool = server_pool_free(pool);
	net_expect_closed(fd);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(done, 0);
	uv_loop_close(&loop);
	close(fd);
	start_pool(1);
	assert_int_equal(server_bind(&bound, pool, 1, &at), 0);
}

static void free_the_pool(void *arg)
{
	(void)arg;
	pool = server_pool_free(pool);
}

static void the_pool_may_be_freed_when_a_server_is_done(void **state)
{
	struct server *server = make_server(1, "127.0.0.1:0");

	(void)state;
	make_server(2, "127.0.0.1:0");
	server_stop(server, free_the_pool, NULL);
	net_await(&loop, !pool);
}

static uint64_t blocked_signals(const char *task)
{
	unsigned long long mask = 0;
	char path[300], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %llx", &mask) == 1)
			break;
	fclose(file);
	return mask;
}

static void signals_do_not_reach_the_workers(void **state)
{
	DIR *tasks = opendir("/proc/self/task");
	uint64_t wanted = 1 << (SIGTERM - 1) | 1 << (SIGINT - 1) |
			  1 << (SIGPIPE - 1) | 1 << (SIGHUP - 1);
	unsigned blocking = 0;
	char self[16];
	struct dirent *entry;

	(void)state;
	assert_non_null(tasks);
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.' &&
		    (blocked_signals(entry->d_name) & wanted) == wanted)
			blocking++;
	closedir(tasks);
	/* ThreadSanitizer has a thread of its own that blocks them too. */
	assert_true(blocking >= 2);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	assert_false(blocked_signals(self) & wanted);
}

static void a_pool_that_serves_nobody_uses_no_processor_time(void **state)
{
	struct server *server = make_server(1, ":0");
	struct address at = net_at("127.0.0.1", server_address(server));
	double begin, used;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		make_server(2 + i, "127.0.0.1:0");
	ask(&at, SOCK_STREAM, 1);
	begin = net_now();
	used = net_cpu();
	while (net_now() < begin + 0.2)
		usleep(100000);
	assert_true(net_cpu() - used < 0.02);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_server_answers_from_its_own_table),
		TEST(a_wildcard_answers_from_the_address_that_was_asked),
		TEST(two_servers_never_share_an_address),
		TEST(datagrams_that_came_together_are_one_batch),
		TEST(one_batch_may_come_from_many_clients),
		TEST(answers_larger_than_the_buffer_are_sent_in_turns),
		TEST(junk_gets_no_answer_and_does_no_harm),
		TEST(a_store_that_cannot_be_read_costs_the_answers_only),
		TEST(two_workers_answer_at_the_same_time),
		TEST(a_query_that_was_read_is_answered_before_the_stop),
		TEST(an_address_is_free_as_soon_as_done_runs),
		TEST(a_stop_disconnects_its_own_clients_only),
		TEST(a_server_may_stop_before_it_starts_or_serves),
		TEST(many_stop_at_once),
		TEST(a_pool_is_freed_with_all_that_it_serves),
		TEST(the_pool_may_be_freed_when_a_server_is_done),
		TEST(signals_do_not_reach_the_workers),
		TEST(a_pool_that_serves_nobody_uses_no_processor_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
