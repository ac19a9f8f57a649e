// SPDX-License-Identifier: Apache-2.0
/*
 * test_spread.c - servers that are asked more than one worker answers
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/net.h"

/*
 * A socket has room for some 500, where the machine allows it no more; of each
 * client no more than he can take. When they are slow to answer, batches are
 * small, and this is more than what shows that a worker is behind.
 */
#define CLIENTS 16
#define EACH	16
#define SLOW_US 200

static int clients[CLIENTS];

static void clients_connect(const struct address *at)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i] = net_connect(SOCK_DGRAM, at);
}

static void clients_close(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

static void clients_send(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		net_send_datagrams(clients[i], EACH);
}

static void clients_expect(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		net_expect_each_once(clients[i], EACH);
}

/* Over UDP, by a worker. */
static uint64_t answered(uint64_t id, unsigned worker)
{
	struct lane *lane = &net_traffic(id)->lanes[worker];
	uint64_t sum = 0;

	for (unsigned i = 0; i < TRAFFIC_TYPES; i++)
		sum += atomic_load(&lane->counts[TRAFFIC_QUERIES + i]);
	return sum;
}

/* Somebody else of our user, or of another one: 0, or his descriptor. */
static int join(const struct address *at, bool reuse)
{
	struct sockaddr_storage name;
	socklen_t len = address_sockaddr(at, AF_INET, &name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int on = reuse;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&name, len) == 0)
		return fd;
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	return 0;
}

static bool can_join(const struct address *at)
{
	int fd = join(at, true);

	if (fd)
		close(fd);
	return fd;
}

/* What comes at once is seen by a worker that cannot keep up. */
static void be_behind(struct server *server)
{
	clients_connect(server_address(server));
	atomic_store(&fake.gate, true);
	atomic_store(&fake.busy_us, SLOW_US);
	clients_send();
	atomic_store(&fake.gate, false);
	clients_expect();
	atomic_store(&fake.busy_us, 0);
}

/* The same, until it shares. */
static void get_to_share(struct server *server)
{
	be_behind(server);
	net_await(&net_loop, can_join(server_address(server)));
}

static void a_server_that_keeps_up_is_one_workers(void **state)
{
	struct server *servers[] = {net_serve(0, "127.0.0.1:0"),
				    net_serve(1, "127.0.0.1:0")};
	unsigned before = net_descriptors();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		for (unsigned id = 0; id < 2; id++)
			net_ask_at(server_address(servers[id]), SOCK_DGRAM, id);
	/* Each another one's. */
	assert_int_equal(answered(0, 0) + answered(1, 1), 200);
	assert_int_equal(net_descriptors(), before);
}

static void one_that_is_behind_is_spread_and_loses_nothing(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	unsigned before = net_descriptors();

	(void)state;
	get_to_share(server);
	assert_int_equal(net_descriptors(), before + CLIENTS + 1);
	for (unsigned i = 0; i < 10; i++) {
		clients_send();
		clients_expect();
	}
	/* By their ids, which are as many even as odd. */
	assert_true(answered(1, 0) >= 10 * CLIENTS * EACH / 2);
	assert_true(answered(1, 1) >= 10 * CLIENTS * EACH / 2);
	assert_int_equal(answered(1, 0) + answered(1, 1), 11 * CLIENTS * EACH);
	clients_close();
	net_stop(server);
	assert_int_equal(net_descriptors(), before - 2);
}

static void who_joins_while_it_is_spread_gets_nothing(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	const struct address *at = server_address(server);
	uint8_t octet;
	int other;

	(void)state;
	assert_int_equal(join(at, true), 0);
	get_to_share(server);
	assert_int_equal(join(at, false), 0);
	other = join(at, true);
	assert_true(other > 0);
	clients_send();
	clients_expect();
	assert_int_equal(recv(other, &octet, 1, 0), -1);
	close(other);
	clients_close();
}

/* Ask a little, with all ids, until it is one worker's again. */
static void ask_until_it_shares_no_more(struct server *server)
{
	const struct address *at = server_address(server);
	double end = net_now() + NET_PATIENCE;
	int fd = net_connect(SOCK_DGRAM, at);

	do {
		net_send_datagrams(fd, 8);
		net_expect_each_once(fd, 8);
		for (unsigned i = 0; i < 100; i++)
			net_turn(&net_loop);
		assert_true(net_now() < end);
	} while (can_join(at));
	close(fd);
}

static void
one_that_is_quiet_again_shares_no_more_and_loses_nothing(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	unsigned before = net_descriptors();
	uint64_t counts[2];

	(void)state;
	get_to_share(server);
	ask_until_it_shares_no_more(server);
	for (unsigned i = 0; i < 2; i++)
		counts[i] = answered(1, i);
	for (unsigned i = 0; i < 10; i++)
		net_ask_at(server_address(server), SOCK_DGRAM, 1);
	assert_true(answered(1, 0) == counts[0] || answered(1, 1) == counts[1]);
	/* And back, with the same sockets. */
	clients_close();
	get_to_share(server);
	assert_int_equal(net_descriptors(), before + CLIENTS + 1);
	clients_send();
	clients_expect();
	clients_close();
}

/* Queries that wait for each other at the gate show that both answer. */
static void expect_both_workers(struct server *server)
{
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	atomic_store(&fake.gate, true);
	net_send_datagrams(fd, 1);
	net_await(&net_loop, atomic_load(&fake.waiting) == 1);
	net_send_datagrams(fd, 1);
	net_await(&net_loop, atomic_load(&fake.waiting) == 2);
	atomic_store(&fake.gate, false);
	close(fd);
}

static void without_more_sockets_all_workers_watch_the_one(void **state)
{
	struct server *server;

	(void)state;
	net_start_with(2, 0);
	server = net_serve(1, "127.0.0.1:0");
	be_behind(server);
	for (unsigned i = 0; i < 50; i++)
		net_turn(&net_loop);
	assert_false(can_join(server_address(server)));
	expect_both_workers(server);
	clients_close();
	net_stop(server);
}

static void sockets_of_one_that_stopped_are_there_for_the_next(void **state)
{
	struct server *servers[3];

	(void)state;
	net_start_with(2, 1);
	for (unsigned i = 0; i < 3; i++)
		servers[i] = net_serve(i, "127.0.0.1:0");
	get_to_share(servers[0]);
	clients_close();
	be_behind(servers[1]);
	expect_both_workers(servers[1]);
	assert_false(can_join(server_address(servers[1])));
	clients_close();
	net_stop(servers[0]);
	get_to_share(servers[2]);
	clients_close();
}

static void one_may_stop_while_it_shares_and_loses_nothing(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	struct address at = *server_address(server);
	unsigned done = 0;

	(void)state;
	get_to_share(server);
	atomic_store(&fake.gate, true);
	clients_send();
	net_await(NULL, atomic_load(&fake.waiting) == 2);
	server_stop(server, net_count_up, &done);
	atomic_store(&fake.gate, false);
	net_await(&net_loop, done);
	clients_expect();
	clients_close();
	/* The address is free, and nobody's. */
	assert_int_equal(server_bind(&server, net_pool, net_traffic(2), &at),
			 0);
	net_stop(server);
}

static void one_that_stops_for_long_is_looked_at_and_left_alone(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	unsigned done = 0;
	double end;

	(void)state;
	get_to_share(server);
	atomic_store(&fake.gate, true);
	clients_send();
	net_await(NULL, atomic_load(&fake.waiting) == 2);
	server_stop(server, net_count_up, &done);
	/* Longer than it takes to see that it has little to do. */
	for (end = net_now() + 2.5; net_now() < end;)
		net_turn(&net_loop);
	assert_int_equal(done, 0);
	atomic_store(&fake.gate, false);
	net_await(&net_loop, done);
	clients_expect();
	clients_close();
}

/* ---- TCP ---- */

/* More than one worker takes of a server before it asks for others. */
#define CROWD 20

static uint64_t accepted(uint64_t id, unsigned worker)
{
	return atomic_load(
		&net_traffic(id)->lanes[worker].counts[TRAFFIC_CONNECTED]);
}

static void few_clients_are_one_workers(void **state)
{
	struct server *servers[] = {net_serve(0, "127.0.0.1:0"),
				    net_serve(1, "127.0.0.1:0")};

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		for (unsigned id = 0; id < 2; id++)
			net_ask_at(server_address(servers[id]), SOCK_STREAM,
				   id);
	assert_int_equal(accepted(0, 0) + accepted(1, 1), 100);
}

static void the_clients_of_many_are_accepted_by_all(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fds[CROWD + 1];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		fds[i] = net_connect(SOCK_STREAM, server_address(server));
		net_ask(fds[i], SOCK_STREAM, 1);
	}
	/* One worker waits with one of these, so the other has who comes. */
	atomic_store(&fake.gate, true);
	net_send_queries(fds[0], 1, FAKE_ANSWER_MIN);
	net_await(&net_loop, atomic_load(&fake.waiting) == 1);
	fds[CROWD] = net_connect(SOCK_STREAM, server_address(server));
	net_send_queries(fds[CROWD], 1, FAKE_ANSWER_MIN);
	net_await(&net_loop, atomic_load(&fake.waiting) == 2);
	atomic_store(&fake.gate, false);
	net_expect_answers(fds[CROWD], 1, FAKE_ANSWER_MIN, 1);
	for (unsigned i = 0; i <= CROWD; i++)
		close(fds[i]);
	net_stop(server);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_server_that_keeps_up_is_one_workers),
		TEST(one_that_is_behind_is_spread_and_loses_nothing),
		TEST(who_joins_while_it_is_spread_gets_nothing),
		TEST(one_that_is_quiet_again_shares_no_more_and_loses_nothing),
		TEST(without_more_sockets_all_workers_watch_the_one),
		TEST(sockets_of_one_that_stopped_are_there_for_the_next),
		TEST(one_may_stop_while_it_shares_and_loses_nothing),
		TEST(one_that_stops_for_long_is_looked_at_and_left_alone),
		TEST(few_clients_are_one_workers),
		TEST(the_clients_of_many_are_accepted_by_all),
	};

	/* One core has nobody to share with. */
	if (uv_available_parallelism() < 2)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
