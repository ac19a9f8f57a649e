// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/worker.h"
#include "tests/unit/net.h"

#define SERVER 5

/* One worker that serves one server, with limits that a test can reach. */
struct place {
	struct connection_limits limits;
	struct worker *worker;
	struct socket_pair sockets;
	struct address at;
	struct lane lane;
	struct seat seat;
	atomic_bool left;
};

static struct place place;

static void on_left(struct seat *seat)
{
	(void)seat;
	atomic_store(&place.left, true);
}

/* Take the seat that was left. */
static void come_back(void)
{
	atomic_store(&place.left, false);
	place.seat = (struct seat){
		.worker = place.worker,
		.sockets = &place.sockets,
		.lane = &place.lane,
		.left = on_left,
		.fd = -1,
	};
	worker_add(&place.seat, place.sockets.udp);
}

static int set_up_with(unsigned clients_max, uint64_t idle_ms)
{
	struct answer_options options = {.edns_size = ANSWER_EDNS_SIZE};
	struct address at = net_address("127.0.0.1:0");

	fake_reset();
	memset(&place, 0, sizeof(place));
	place.limits.clients_max = clients_max;
	place.limits.workers = 1;
	place.limits.idle_ms = idle_ms;
	assert_int_equal(
		worker_new(&place.worker, NULL, &options, &place.limits, NULL,
			   NULL),
		0);
	assert_int_equal(socket_bind(&place.sockets, &place.at, &at), 0);
	place.lane.server = SERVER;
	come_back();
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return set_up_with(1000, 60000);
}

static int tear_down(void **state)
{
	(void)state;
	worker_remove(&place.seat);
	net_await(NULL, atomic_load(&place.left));
	assert_int_equal(atomic_load(&place.limits.clients), 0);
	worker_free(place.worker);
	socket_close(&place.sockets);
	return 0;
}

static int client(void)
{
	return net_connect(SOCK_STREAM, &place.at);
}

static void a_query_may_come_one_octet_at_a_time(void **state)
{
	int on = 1, fd = client();
	uint8_t text[16];

	(void)state;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	put_u16(text, 14);
	for (unsigned round = 0; round < 3; round++) {
		net_query(text + 2, 0, 500);
		for (unsigned i = 0; i < sizeof(text); i++)
			assert_int_equal(send(fd, text + i, 1, 0), 1);
		net_expect_answers(fd, 1, 500, SERVER);
	}
	close(fd);
}

static void a_hundred_queries_in_one_piece_get_a_hundred_answers(void **state)
{
	int fd = client();

	(void)state;
	net_send_queries(fd, 100, 40);
	net_expect_answers(fd, 100, 40, SERVER);
	/* They came as one piece, so that a few looks at the store do. */
	assert_true(atomic_load(&fake.snapshots) < 10);
	net_ask(fd, SOCK_STREAM, SERVER);
	close(fd);
}

static void the_longest_query_and_answer_fit(void **state)
{
	static uint8_t text[2 + 65535];
	int fd = client();

	(void)state;
	put_u16(text, 65535);
	for (unsigned i = 0; i < 3; i++) {
		net_query(text + 2, 0, 65535);
		assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));
		net_expect_answers(fd, 1, 65535, SERVER);
	}
	close(fd);
}

/* What gets no answer is skipped, and the client is still in step. */
static void a_message_that_is_no_query_is_passed_over(void **state)
{
	static const uint8_t junk[] = {0, 0,  0, 3, 'a',  'b', 'c',
				       0, 12, 0, 0, 0x80, 0,   0,
				       0, 0,  0, 0, 0,	  0,   0};
	int fd = client();

	(void)state;
	assert_int_equal(send(fd, junk, sizeof(junk), 0), sizeof(junk));
	net_ask(fd, SOCK_STREAM, SERVER);
	close(fd);
}

static void who_closes_his_half_still_gets_the_answers(void **state)
{
	static const struct {
		unsigned count;
		uint16_t len;
	} cases[] = {{0, 0}, {1, 17}, {100, 100}, {200, 60000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = client();

		net_send_queries(fd, cases[i].count, cases[i].len);
		shutdown(fd, SHUT_WR);
		net_expect_answers(fd, cases[i].count, cases[i].len, SERVER);
		net_expect_closed(fd);
		close(fd);
	}
}

static void who_closes_early_does_no_harm(void **state)
{
	struct linger reset = {.l_onoff = 1};
	int fd;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		fd = client();
		if (i % 3)
			net_send_queries(fd, 50, i % 2 ? 60000 : 17);
		else
			assert_int_equal(send(fd, "\0", 1, 0), 1);
		if (i % 4 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		close(fd);
	}
	net_await(NULL, atomic_load(&place.limits.clients) == 0);
	fd = client();
	net_ask(fd, SOCK_STREAM, SERVER);
	close(fd);
}

/* Whole queries that came at once would otherwise be answered at once. */
static void udp_is_served_between_the_turns_of_tcp(void **state)
{
	int probe = net_connect(SOCK_DGRAM, &place.at);
	int fds[8];

	(void)state;
	atomic_store(&fake.busy_us, 100);
	atomic_store(&fake.probe, probe);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client();
		net_send_queries(fds[i], 500, FAKE_ANSWER_MIN);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		net_expect_answers(fds[i], 500, FAKE_ANSWER_MIN, SERVER);
		close(fds[i]);
	}
	/* What a slice holds, and those that came before it was asked. */
	assert_in_range(atomic_load(&fake.overtaken), 1, 8);
	assert_true(atomic_load(&place.lane.counts[TRAFFIC_DEFERRED]) > 100);
	close(probe);
}

static void who_asks_once_is_not_behind_all_that_another_asks(void **state)
{
	int many = client(), one = client();

	(void)state;
	net_ask(many, SOCK_STREAM, SERVER);
	net_ask(one, SOCK_STREAM, SERVER);
	atomic_store(&fake.gate, true);
	net_send_queries(many, 3000, FAKE_ANSWER_MIN);
	net_await(NULL, atomic_load(&fake.waiting) == 1);
	net_send_queries(one, 1, FAKE_SEEN);
	atomic_store(&fake.gate, false);
	net_expect_answers(one, 1, FAKE_SEEN, SERVER);
	/* These two, and two turns of the other at most. */
	assert_in_range(atomic_load(&fake.seen_at), 3, 203);
	net_expect_answers(many, 3000, FAKE_ANSWER_MIN, SERVER);
	close(many);
	close(one);
}

static void when_all_turns_are_over_the_loop_waits(void **state)
{
	int fd = client();
	double cpu;

	(void)state;
	net_send_queries(fd, 1000, FAKE_ANSWER_MIN);
	net_expect_answers(fd, 1000, FAKE_ANSWER_MIN, SERVER);
	assert_true(atomic_load(&place.lane.counts[TRAFFIC_DEFERRED]) > 0);
	cpu = net_cpu();
	poll(NULL, 0, 300);
	assert_true(net_cpu() - cpu < 0.1);
	net_ask(fd, SOCK_STREAM, SERVER);
	close(fd);
}

static unsigned is_open(int fd)
{
	uint8_t octet;

	return recv(fd, &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The worker is held where it answers one of them, who gets the rest later. */
static void
who_is_left_when_the_server_goes_is_not_answered_further(void **state)
{
	int fds[300];
	unsigned open = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client();
		net_ask(fds[i], SOCK_STREAM, SERVER);
	}
	atomic_store(&fake.gate, true);
	net_send_queries(fds[0], 1000, FAKE_ANSWER_MIN);
	net_await(NULL, atomic_load(&fake.waiting) == 1);
	worker_remove(&place.seat);
	atomic_store(&fake.gate, false);
	net_await(NULL, atomic_load(&place.left));
	assert_int_equal(atomic_load(&place.limits.clients), 0);
	assert_in_range(atomic_load(&fake.answers), ARRAY_SIZE(fds) + 1,
			ARRAY_SIZE(fds) + 200);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		open += is_open(fds[i]);
	assert_int_equal(open, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	come_back();
}

/* A neighbour's place at the same worker. */
static struct place neighbour;

static void on_neighbour_left(struct seat *seat)
{
	(void)seat;
	atomic_store(&neighbour.left, true);
}

static void open_neighbour(void)
{
	struct address at = net_address("127.0.0.1:0");

	memset(&neighbour, 0, sizeof(neighbour));
	assert_int_equal(socket_bind(&neighbour.sockets, &neighbour.at, &at),
			 0);
	neighbour.lane.server = SERVER + 1;
	neighbour.seat = (struct seat){
		.worker = place.worker,
		.sockets = &neighbour.sockets,
		.lane = &neighbour.lane,
		.left = on_neighbour_left,
		.fd = -1,
	};
	worker_add(&neighbour.seat, neighbour.sockets.udp);
}

static void close_neighbour(void)
{
	worker_remove(&neighbour.seat);
	net_await(NULL, atomic_load(&neighbour.left));
	socket_close(&neighbour.sockets);
}

/* Many at once: each is a matter of microseconds. */
static void let_clients_go(void (*how)(void))
{
	int fds[300], fd;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client();
	net_await(NULL, atomic_load(&place.limits.clients) == ARRAY_SIZE(fds));
	/* The neighbour is asked without a pause. */
	open_neighbour();
	fd = net_connect(SOCK_DGRAM, &neighbour.at);
	atomic_store(&fake.clients, &place.limits.clients);
	atomic_store(&fake.feed, fd);
	net_send_datagrams(fd, 1);
	how();
	net_await(NULL, atomic_load(&place.limits.clients) == 0);
	atomic_store(&fake.feed, 0);
	close_neighbour();
	assert_in_range(atomic_load(&fake.gone), 1, ARRAY_SIZE(fds) * 2 / 3);
	atomic_store(&fake.clients, NULL);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void leave_and_come_back(void)
{
	worker_remove(&place.seat);
	net_await(NULL, atomic_load(&place.left));
	come_back();
}

static void the_clients_of_a_server_that_goes_hold_up_no_other(void **state)
{
	(void)state;
	let_clients_go(leave_and_come_back);
}

/* So that all of them have been silent for too long when it looks. */
static void hold_the_worker(void)
{
	double end = net_now() + (double)place.limits.idle_ms / 1000;

	atomic_store(&fake.gate, true);
	net_await(NULL, net_now() > end);
	atomic_store(&fake.gate, false);
}

/* They have time to connect, all of them, on a machine that is slow too. */
static int set_up_two_seconds(void **state)
{
	(void)state;
	return set_up_with(1000, 2000);
}

static void the_silent_that_are_dropped_hold_up_nobody(void **state)
{
	(void)state;
	let_clients_go(hold_the_worker);
}

static int slow_client(void)
{
	int small = 65536, fd = client();

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	return fd;
}

static void who_does_not_read_is_not_answered_further(void **state)
{
	const unsigned count = 200;
	int slow = slow_client();
	int other = client();

	(void)state;
	net_send_queries(slow, count, 60000);
	net_await(NULL, atomic_load(&fake.answers) > 0);
	net_ask(other, SOCK_STREAM, SERVER);
	net_ask(other, SOCK_STREAM, SERVER);
	assert_true(atomic_load(&fake.answers) < 60);
	/* Others are served meanwhile, and he is once he reads. */
	net_expect_answers(slow, count, 60000, SERVER);
	close(other);
	close(slow);
}

static int set_up_impatient(void **state)
{
	(void)state;
	return set_up_with(1000, 100);
}

static void who_says_nothing_is_disconnected(void **state)
{
	double begin = net_now();
	int fd = client();

	(void)state;
	net_ask(fd, SOCK_STREAM, SERVER);
	net_expect_closed(fd);
	assert_true(net_now() - begin > 0.09);
	assert_true(net_now() - begin < 5);
	close(fd);
}

static void octets_without_a_query_do_not_keep_a_connection(void **state)
{
	static const uint8_t begin[] = {0xff, 0xff};
	int fd = client();
	struct pollfd end = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_int_equal(send(fd, begin, sizeof(begin), 0), sizeof(begin));
	for (unsigned i = 0; poll(&end, 1, 5) == 0; i++) {
		assert_true(i < 1000);
		send(fd, begin, 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static int set_up_patient(void **state)
{
	(void)state;
	return set_up_with(1000, 500);
}

static void who_asks_now_and_then_stays(void **state)
{
	double begin = net_now();
	int fd = client();
	unsigned asked = 0;

	(void)state;
	for (; net_now() - begin < 1; asked++) {
		net_ask(fd, SOCK_STREAM, SERVER);
		poll(NULL, 0, 10);
	}
	assert_true(asked > 5);
	assert_int_equal(atomic_load(&place.limits.clients), 1);
	close(fd);
}

static void who_waits_for_his_turn_is_not_silent(void **state)
{
	int fds[8];

	(void)state;
	/* A round takes more than twice the time that one may be silent. */
	atomic_store(&fake.busy_us, 30000);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client();
		net_send_queries(fds[i], 3, FAKE_ANSWER_MIN);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		net_expect_answers(fds[i], 3, FAKE_ANSWER_MIN, SERVER);
		close(fds[i]);
	}
}

static void who_never_reads_is_disconnected(void **state)
{
	int fd = slow_client();

	(void)state;
	net_send_queries(fd, 500, 60000);
	net_await(NULL, atomic_load(&fake.answers) > 0);
	net_await(NULL, atomic_load(&place.limits.clients) == 0);
	close(fd);
}

static void who_reads_an_octet_at_a_time_is_disconnected(void **state)
{
	int fd = slow_client();
	uint8_t octet;

	(void)state;
	net_send_queries(fd, 500, 60000);
	net_await(NULL, atomic_load(&fake.answers) > 0);
	net_await(NULL, recv(fd, &octet, 1, MSG_DONTWAIT) <= 1 &&
				atomic_load(&place.limits.clients) == 0);
	/* What was not taken is not kept for him either. */
	while (net_recv(fd, &octet, 1, 0) == 1)
		;
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

static int set_up_small(void **state)
{
	(void)state;
	return set_up_with(4, 60000);
}

static void in_a_full_pool_the_longest_silent_makes_room(void **state)
{
	int fds[5];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = client();
		net_ask(fds[i], SOCK_STREAM, SERVER);
	}
	net_ask(fds[0], SOCK_STREAM, SERVER);
	fds[4] = client();
	net_ask(fds[4], SOCK_STREAM, SERVER);
	net_expect_closed(fds[1]);
	assert_int_equal(atomic_load(&place.limits.clients), 4);
	for (unsigned i = 0; i < 5; i++) {
		if (i != 1)
			net_ask(fds[i], SOCK_STREAM, SERVER);
		close(fds[i]);
	}
}

/* The kernel keeps who is left to them, until somebody accepts. */
static void
in_a_pool_full_of_others_clients_newcomers_are_left_to_them(void **state)
{
	struct pollfd answer = {.events = POLLIN};
	double cpu = net_cpu();

	(void)state;
	atomic_store(&place.limits.clients, 4);
	answer.fd = client();
	net_send_queries(answer.fd, 1, FAKE_ANSWER_MIN);
	assert_int_equal(poll(&answer, 1, 300), 0);
	assert_int_equal(atomic_load(&place.limits.clients), 4);
	assert_true(net_cpu() - cpu < 0.1);
	atomic_store(&place.limits.clients, 0);
	net_expect_answers(answer.fd, 1, FAKE_ANSWER_MIN, SERVER);
	close(answer.fd);
}

static int set_up_short(void **state)
{
	(void)state;
	return set_up_with(8, 5000);
}

static void short_of_places_the_silent_are_dropped_sooner(void **state)
{
	int first = client(), second;
	double begin = net_now();

	(void)state;
	net_ask(first, SOCK_STREAM, SERVER);
	assert_int_equal(connection_idle_ms(&place.limits), 5000);
	/* Six places of eight, five of them other workers', are not short. */
	atomic_fetch_add(&place.limits.clients, 5);
	assert_int_equal(connection_idle_ms(&place.limits), 5000);
	second = client();
	net_ask(second, SOCK_STREAM, SERVER);
	assert_int_equal(connection_idle_ms(&place.limits), 500);
	net_expect_closed(first);
	assert_true(net_now() - begin < 3);
	atomic_fetch_sub(&place.limits.clients, 5);
	close(first);
	close(second);
}

static void forbid_descriptors(struct rlimit *before)
{
	struct rlimit limit;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_descriptors_it_waits_and_does_not_spin(void **state)
{
	int first = client(); /* libuv opens what it needs itself */
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	struct sockaddr_storage name;
	socklen_t len = address_sockaddr(&place.at, AF_INET, &name);
	struct rlimit before;
	double cpu;

	(void)state;
	net_ask(first, SOCK_STREAM, SERVER);
	forbid_descriptors(&before);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
	net_send_queries(fd, 1, FAKE_ANSWER_MIN);
	cpu = net_cpu();
	assert_int_equal(poll(&answer, 1, 300), 0);
	assert_true(net_cpu() - cpu < 0.1);
	net_ask(first, SOCK_STREAM, SERVER);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(poll(&answer, 1, 1000 * NET_PATIENCE), 1);
	net_expect_answers(fd, 1, FAKE_ANSWER_MIN, SERVER);
	close(fd);
	close(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_IN(name, set_up_it)                                               \
	cmocka_unit_test_setup_teardown(name, set_up_it, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_query_may_come_one_octet_at_a_time),
		TEST(a_hundred_queries_in_one_piece_get_a_hundred_answers),
		TEST(the_longest_query_and_answer_fit),
		TEST(a_message_that_is_no_query_is_passed_over),
		TEST(who_closes_his_half_still_gets_the_answers),
		TEST(who_closes_early_does_no_harm),
		TEST(udp_is_served_between_the_turns_of_tcp),
		TEST(who_asks_once_is_not_behind_all_that_another_asks),
		TEST(when_all_turns_are_over_the_loop_waits),
		TEST(who_is_left_when_the_server_goes_is_not_answered_further),
		TEST(the_clients_of_a_server_that_goes_hold_up_no_other),
		TEST_IN(the_silent_that_are_dropped_hold_up_nobody,
			set_up_two_seconds),
		TEST(who_does_not_read_is_not_answered_further),
		TEST_IN(who_says_nothing_is_disconnected, set_up_impatient),
		TEST_IN(octets_without_a_query_do_not_keep_a_connection,
			set_up_impatient),
		TEST_IN(who_asks_now_and_then_stays, set_up_patient),
		TEST_IN(who_waits_for_his_turn_is_not_silent, set_up_impatient),
		TEST_IN(who_never_reads_is_disconnected, set_up_impatient),
		TEST_IN(who_reads_an_octet_at_a_time_is_disconnected,
			set_up_impatient),
		TEST_IN(in_a_full_pool_the_longest_silent_makes_room,
			set_up_small),
		TEST_IN(in_a_pool_full_of_others_clients_newcomers_are_left_to_them,
			set_up_small),
		TEST_IN(short_of_places_the_silent_are_dropped_sooner,
			set_up_short),
		TEST(without_descriptors_it_waits_and_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
