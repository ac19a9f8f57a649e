// SPDX-License-Identifier: Apache-2.0
/*
 * A server that one worker cannot serve has sockets in others, and gives them
 * back when it is quiet again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/udp.h"
#include "tests/unit/net.h"

/* Queries over UDP that a worker has answered. */
static uint64_t answered_by(unsigned worker)
{
	const struct lane *lane = &net_traffic(1)->lanes[worker];
	uint64_t sum = 0;

	for (unsigned i = 0; i < TRAFFIC_TYPES; i++)
		sum += atomic_load(
			&lane->counts[TRAFFIC_QUERIES +
				      ANSWER_UDP * TRAFFIC_TYPES + i]);
	return sum;
}

static bool both_answer(void)
{
	return answered_by(0) && answered_by(1);
}

/* Each answer is a query more, so that it is never empty: until it is fed no
 * more, and the socket is closed. */
static int crowd(const struct server *server)
{
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	atomic_store(&fake.feed, fd);
	net_send_datagrams(fd, 2 * UDP_BATCH);
	return fd;
}

static void end_crowd(int fd)
{
	atomic_store(&fake.feed, 0);
	net_await(&net_loop, atomic_load(&fake.opened) == 0);
	close(fd);
}

/* Somebody of our user id, who has read how to share a port. */
static int join(const struct server *server)
{
	struct sockaddr_storage name;
	socklen_t len =
		address_sockaddr(server_address(server), AF_INET, &name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&name, len) == 0)
		return fd;
	on = -errno;
	close(fd);
	return on;
}

static void who_is_crowded_is_helped(void **state)
{
	struct server *server;
	int fd;

	(void)state;
	net_start_sharing();
	server = net_serve(1, "127.0.0.1:0");
	fd = crowd(server);
	net_await(&net_loop, both_answer());
	end_crowd(fd);
}

static void who_is_not_is_one_workers(void **state)
{
	struct server *server;
	int fd;

	(void)state;
	net_start_sharing();
	server = net_serve(1, "127.0.0.1:0");
	fd = net_connect(SOCK_DGRAM, server_address(server));
	for (unsigned i = 0; i < 1000; i++) {
		net_ask(fd, SOCK_DGRAM, 1);
		uv_run(&net_loop, UV_RUN_NOWAIT);
	}
	assert_true(!answered_by(0) != !answered_by(1));
	close(fd);
}

static void servers_have_their_homes_in_turn(void **state)
{
	struct server *first, *second;
	int fds[2];

	(void)state;
	first = net_serve(1, "127.0.0.1:0");
	second = net_serve(2, "127.0.0.1:0");
	fds[0] = net_connect(SOCK_DGRAM, server_address(first));
	fds[1] = net_connect(SOCK_DGRAM, server_address(second));
	atomic_store(&fake.gate, true);
	net_send_datagrams(fds[0], 1);
	net_send_datagrams(fds[1], 1);
	net_await(NULL, atomic_load(&fake.waiting) == 2);
	atomic_store(&fake.gate, false);
	close(fds[0]);
	close(fds[1]);
}

static void what_is_quiet_again_is_gathered_and_nothing_is_lost(void **state)
{
	struct server *server;
	unsigned before;
	int fd;

	(void)state;
	net_start_sharing();
	server = net_serve(1, "127.0.0.1:0");
	before = net_descriptors();
	fd = crowd(server);
	net_await(&net_loop, both_answer());
	end_crowd(fd);
	assert_int_equal(net_descriptors(), before + 1);
	fd = net_connect(SOCK_DGRAM, server_address(server));
	while (net_descriptors() > before + 1) {
		net_ask(fd, SOCK_DGRAM, 1);
		uv_run(&net_loop, UV_RUN_NOWAIT);
	}
	for (unsigned i = 0; i < 100; i++)
		net_ask(fd, SOCK_DGRAM, 1);
	/* And all over again. */
	close(fd);
	assert_int_equal(join(server), -EADDRINUSE);
	for (unsigned i = 0; i < 3; i++) {
		fd = crowd(server);
		net_await(&net_loop, net_descriptors() == before + 2);
		end_crowd(fd);
		net_await(&net_loop, net_descriptors() == before);
	}
}

static void who_joins_gets_nothing(void **state)
{
	struct server *server;
	uint8_t query[14];
	int fd, other;

	(void)state;
	net_start_sharing();
	server = net_serve(1, "127.0.0.1:0");
	assert_int_equal(join(server), -EADDRINUSE);
	fd = crowd(server);
	net_await(&net_loop, both_answer());
	other = join(server);
	if (other >= 0) {
		for (unsigned i = 0; i < 100; i++)
			net_ask_at(server_address(server), SOCK_DGRAM, 1);
		assert_true(recv(other, query, sizeof(query), MSG_DONTWAIT) <
			    0);
		assert_int_equal(errno, EAGAIN);
		close(other);
	} else {
		assert_int_equal(other, -EADDRINUSE);
	}
	end_crowd(fd);
}

/* While it is spread, gathered, drained. */
static void a_server_may_stop_at_any_moment_of_it(void **state)
{
	(void)state;
	net_start_sharing();
	for (unsigned turns = 0; turns < 40; turns++) {
		unsigned before = net_descriptors();
		struct server *server = net_serve(1, "127.0.0.1:0");
		struct address at = *server_address(server);
		int fd = crowd(server);

		net_await(&net_loop, net_descriptors() == before + 4);
		atomic_store(&fake.feed, 0);
		for (double end = net_now() + turns * NET_SHARE_MS / 2 / 1000.0;
		     net_now() < end;)
			uv_run(&net_loop, UV_RUN_NOWAIT);
		net_stop(server);
		close(fd);
		assert_int_equal(net_descriptors(), before);
		/* Its address is free. */
		assert_int_equal(
			server_bind(&server, net_pool, net_traffic(1), &at), 0);
		net_stop(server);
	}
}

static void a_pool_may_be_freed_with_it(void **state)
{
	struct server *server;
	int fd;

	(void)state;
	net_start_sharing();
	server = net_serve(1, "127.0.0.1:0");
	fd = crowd(server);
	net_await(&net_loop, both_answer());
	atomic_store(&fake.feed, 0);
	net_pool = server_pool_free(net_pool);
	close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(who_is_crowded_is_helped),
		TEST(who_is_not_is_one_workers),
		TEST(servers_have_their_homes_in_turn),
		TEST(what_is_quiet_again_is_gathered_and_nothing_is_lost),
		TEST(who_joins_gets_nothing),
		TEST(a_server_may_stop_at_any_moment_of_it),
		TEST(a_pool_may_be_freed_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
