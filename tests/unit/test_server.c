// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/net.h"

static void each_server_answers_from_its_own_table(void **state)
{
	struct server *a = net_serve(1, "127.0.0.1:0");
	struct server *b = net_serve(2, "127.0.0.1:0");

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		net_ask_at(server_address(a), SOCK_DGRAM, 1);
		net_ask_at(server_address(b), SOCK_DGRAM, 2);
		net_ask_at(server_address(a), SOCK_STREAM, 1);
		net_ask_at(server_address(b), SOCK_STREAM, 2);
	}
}

static void who_is_asked_is_looked_up_once_in_a_moment(void **state)
{
	static const struct {
		uint64_t id;
		int type;
		size_t moment;
		unsigned looked_up; /* so far */
	} asked[] = {
		{1, SOCK_DGRAM, 5, 1},	{1, SOCK_DGRAM, 5, 1},
		{1, SOCK_STREAM, 5, 1}, {2, SOCK_DGRAM, 5, 2},
		{2, SOCK_STREAM, 5, 2}, {2, SOCK_DGRAM, 6, 3},
		{1, SOCK_DGRAM, 6, 4},
	};
	struct server *servers[3] = {0};

	(void)state;
	net_start_anew();
	servers[1] = net_serve(1, "127.0.0.1:0");
	servers[2] = net_serve(2, "127.0.0.1:0");
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		atomic_store(&fake.moment, asked[i].moment);
		net_ask_at(server_address(servers[asked[i].id]), asked[i].type,
			   asked[i].id);
		assert_int_equal(atomic_load(&fake.looked_up),
				 asked[i].looked_up);
	}
	net_stop(servers[1]);
	net_stop(servers[2]);
}

static void two_servers_never_share_an_address(void **state)
{
	static const char *const texts[] = {"127.0.0.1", "0.0.0.0", ":1"};
	struct server *server = net_serve(1, "127.0.0.1:0");
	unsigned before = net_descriptors();
	struct server *second = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address at = net_at(texts[i], server_address(server));

		assert_int_equal(
			server_bind(&second, net_pool, net_traffic(2), &at),
			-EADDRINUSE);
		assert_null(second);
	}
	assert_int_equal(net_descriptors(), before);
	net_ask_at(server_address(server), SOCK_DGRAM, 1);
}

static void ask_in_vain(struct server *server, atomic_bool *fault)
{
	int udp = net_connect(SOCK_DGRAM, server_address(server));
	int tcp = net_connect(SOCK_STREAM, server_address(server));

	atomic_store(&fake.refused, 0);
	atomic_store(fault, true);
	net_send_queries(tcp, 1, 0);
	net_send_datagrams(udp, 1);
	net_expect_closed(tcp);
	net_await(NULL, atomic_load(&fake.refused) == 2);
	assert_int_equal(atomic_load(&fake.answers), 0);
	atomic_store(fault, false);
	close(tcp);
	close(udp);
}

static void a_store_that_cannot_be_read_costs_the_answers_only(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");

	(void)state;
	ask_in_vain(server, &fake.broken);
	ask_in_vain(server, &fake.unknown);
	net_ask_at(server_address(server), SOCK_DGRAM, 1);
	net_ask_at(server_address(server), SOCK_STREAM, 1);
}

static void a_query_that_was_read_is_answered_before_the_stop(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));
	unsigned done = 0;

	(void)state;
	atomic_store(&fake.gate, true);
	net_send_datagrams(fd, 1);
	net_await(&net_loop, atomic_load(&fake.waiting) == 1);
	server_stop(server, net_count_up, &done);
	for (unsigned i = 0; i < 50; i++)
		net_turn(&net_loop);
	assert_int_equal(done, 0);
	atomic_store(&fake.gate, false);
	net_await(&net_loop, done);
	net_expect_each_once(fd, 1);
	close(fd);
}

static void an_address_is_free_as_soon_as_done_runs(void **state)
{
	struct server *server = net_bind(0, "127.0.0.1:0");
	struct address at = *server_address(server);
	unsigned before = 0;
	int udp = net_connect(SOCK_DGRAM, &at);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		int tcp = net_connect(SOCK_STREAM, &at);

		server_start(server);
		net_ask(udp, SOCK_DGRAM, i);
		net_ask(tcp, SOCK_STREAM, i);
		net_stop(server);
		/* We closed first, so that a TIME_WAIT is left with us. */
		net_expect_closed(tcp);
		close(tcp);
		assert_int_equal(
			server_bind(&server, net_pool, net_traffic(i + 1), &at),
			0);
		if (i == 0)
			before = net_descriptors();
	}
	/* A worker's first client makes libuv open one for itself. */
	assert_true(net_descriptors() <= before + 2);
	net_stop(server);
	close(udp);
}

static void a_stop_disconnects_its_own_clients_only(void **state)
{
	struct server *a = net_serve(1, "127.0.0.1:0");
	struct server *b = net_serve(2, "127.0.0.1:0");
	int fds[20];

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		fds[i] =
			net_connect(SOCK_STREAM, server_address(i % 2 ? b : a));
		net_ask(fds[i], SOCK_STREAM, i % 2 ? 2 : 1);
	}
	net_stop(a);
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
	struct server *bound = net_bind(1, "127.0.0.1:0");
	struct address at = *server_address(bound);

	(void)state;
	net_stop(bound);
	for (unsigned i = 0; i < 100; i++) {
		struct server *server;
		unsigned done = 0;

		assert_int_equal(
			server_bind(&server, net_pool, net_traffic(1), &at), 0);
		server_start(server);
		server_stop(server, net_count_up, &done);
		net_await(&net_loop, done);
	}
}

static void many_stop_at_once(void **state)
{
	struct server *servers[100];
	unsigned before = net_descriptors();
	unsigned done = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(servers); i++)
		servers[i] = net_serve(i, "127.0.0.1:0");
	for (unsigned i = 0; i < ARRAY_SIZE(servers); i++)
		server_stop(servers[i], net_count_up, &done);
	net_await(&net_loop, done == ARRAY_SIZE(servers));
	assert_int_equal(net_descriptors(), before);
}

static void a_pool_is_freed_with_all_that_it_serves(void **state)
{
	struct server *started = net_serve(1, "127.0.0.1:0");
	struct server *stopping = net_serve(2, "127.0.0.1:0");
	struct server *bound = net_bind(3, "127.0.0.1:0");
	int fd = net_connect(SOCK_STREAM, server_address(started));
	struct address at = *server_address(bound);
	unsigned done = 0;

	(void)state;
	net_ask(fd, SOCK_STREAM, 1);
	server_stop(stopping, net_count_up, &done);
	net_pool = server_pool_free(net_pool);
	net_expect_closed(fd);
	net_start_anew();
	assert_int_equal(done, 0);
	close(fd);
	assert_int_equal(server_bind(&bound, net_pool, net_traffic(1), &at), 0);
}

static void free_the_pool(void *arg)
{
	(void)arg;
	net_pool = server_pool_free(net_pool);
}

static void the_pool_may_be_freed_when_a_server_is_done(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");

	(void)state;
	net_serve(2, "127.0.0.1:0");
	server_stop(server, free_the_pool, NULL);
	net_await(&net_loop, !net_pool);
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
	struct server *server = net_serve(1, ":0");
	struct address at = net_at("127.0.0.1", server_address(server));
	double begin, used;
	int fd;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		net_serve(2 + i, "127.0.0.1:0");
	net_ask_at(&at, SOCK_STREAM, 1);
	fd = net_connect(SOCK_DGRAM, &at);
	net_send_datagrams(fd, 200);
	net_expect_each_once(fd, 200);
	begin = net_now();
	used = net_cpu();
	while (net_now() < begin + 0.2)
		usleep(100000);
	assert_true(net_cpu() - used < 0.02);
	close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_server_answers_from_its_own_table),
		TEST(who_is_asked_is_looked_up_once_in_a_moment),
		TEST(two_servers_never_share_an_address),
		TEST(a_store_that_cannot_be_read_costs_the_answers_only),
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
