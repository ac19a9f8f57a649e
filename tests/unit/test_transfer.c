// SPDX-License-Identifier: Apache-2.0
/*
 * Clients go from a worker to the carrier, and are sent what others rendered.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/net.h"

static int connect_to(struct server *server)
{
	return net_connect(SOCK_STREAM, server_address(server));
}

static void send_query(int fd, uint16_t id, uint16_t wanted)
{
	uint8_t query[2 + 14];

	put_u16(query, 14);
	net_query(query + 2, id, wanted);
	assert_int_equal(send(fd, query, sizeof(query), MSG_NOSIGNAL),
			 sizeof(query));
}

/* Return: octets of the next message. */
static size_t receive(int fd, uint8_t *message)
{
	uint8_t length[2];

	assert_int_equal(net_recv(fd, length, 2, MSG_WAITALL), 2);
	assert_int_equal(net_recv(fd, message, get_u16(length), MSG_WAITALL),
			 get_u16(length));
	return get_u16(length);
}

static void expect_transfer(int fd, uint16_t id, unsigned messages)
{
	uint8_t message[MESSAGE_TCP_SIZE];

	for (unsigned i = 0; i < messages; i++) {
		assert_int_equal(receive(fd, message), FAKE_MESSAGE);
		assert_int_equal(get_u16(message), id);
		assert_int_equal(get_u16(message + MESSAGE_FLAGS),
				 MESSAGE_QR | MESSAGE_AA);
		assert_int_equal(get_u16(message + MESSAGE_QDCOUNT), i == 0);
		assert_int_equal(get_u16(message + MESSAGE_ANCOUNT), i);
	}
}

static void a_transfer_comes_whole_and_in_order(void **state)
{
	static const unsigned counts[] = {1, 2, 8, 9, 10, 300};
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fd = connect_to(server);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		atomic_store(&fake.messages, counts[i]);
		send_query(fd, (uint16_t)(i + 1), FAKE_TRANSFER);
		expect_transfer(fd, (uint16_t)(i + 1), counts[i]);
	}
	close(fd);
}

static void answers_keep_their_order_around_it(void **state)
{
	struct server *server = net_serve(7, "127.0.0.1:0");
	uint8_t message[MESSAGE_TCP_SIZE];
	int fd = connect_to(server);

	(void)state;
	atomic_store(&fake.messages, 40);
	for (uint16_t id = 0; id < 10; id++)
		send_query(fd, id, id % 3 == 1 ? FAKE_TRANSFER : 600);
	for (uint16_t id = 0; id < 10; id++) {
		if (id % 3 == 1) {
			expect_transfer(fd, id, 40);
			continue;
		}
		assert_int_equal(receive(fd, message), 600);
		assert_int_equal(get_u16(message), id);
	}
	close(fd);
}

static void who_asks_for_the_same_shares_it(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fds[20];

	(void)state;
	atomic_store(&fake.messages, 100);
	atomic_store(&fake.render_gate, true);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_to(server);
		send_query(fds[i], 5, FAKE_TRANSFER);
	}
	net_await(&net_loop, server_pool_carried(net_pool) == ARRAY_SIZE(fds));
	/* All were taken in, for each is asked in its order. */
	net_ask_at(server_address(server), SOCK_STREAM, 1);
	usleep(50000);
	atomic_store(&fake.render_gate, false);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		expect_transfer(fds[i], 5, 100);
		close(fds[i]);
	}
	assert_int_equal(atomic_load(&fake.rendered), 1);
	net_await(&net_loop, !server_pool_carried(net_pool) &&
				     !server_pool_spooled(net_pool));
}

static void what_cannot_be_rendered_is_said(void **state)
{
	static const struct {
		int result;
		unsigned rcode;
	} cases[] = {{-EIO, RCODE_SERVFAIL},
		     {-EDQUOT, RCODE_SERVFAIL},
		     {-ENOENT, RCODE_NOTAUTH}};
	struct server *server = net_serve(1, "127.0.0.1:0");
	uint8_t message[MESSAGE_TCP_SIZE];
	int fd = connect_to(server);

	(void)state;
	atomic_store(&fake.messages, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		atomic_store(&fake.render_fails, cases[i].result);
		send_query(fd, 9, FAKE_TRANSFER);
		assert_int_equal(receive(fd, message), 17);
		assert_int_equal(message[3] & MESSAGE_RCODE, cases[i].rcode);
	}
	atomic_store(&fake.render_fails, 0);
	send_query(fd, 9, FAKE_TRANSFER);
	expect_transfer(fd, 9, 1);
	close(fd);
}

static void a_stop_disconnects_who_is_sent_one(void **state)
{
	struct server *a = net_serve(1, "127.0.0.1:0");
	struct server *b = net_serve(2, "127.0.0.1:0");
	struct address at = *server_address(a);
	int fds[10];

	(void)state;
	/* More than the kernel takes for somebody who does not read. */
	atomic_store(&fake.messages, 2000);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_to(i % 2 ? b : a);
		send_query(fds[i], 1, FAKE_TRANSFER);
		expect_transfer(fds[i], 1, 1);
	}
	net_stop(a);
	/* Its address is free. */
	net_stop(net_bind(3, "127.0.0.1:0"));
	assert_int_equal(server_bind(&a, net_pool, net_traffic(3), &at), 0);
	for (unsigned i = 1; i < ARRAY_SIZE(fds); i += 2) {
		uint8_t message[MESSAGE_TCP_SIZE];

		for (unsigned k = 1; k < 2000; k++)
			assert_int_equal(receive(fds[i], message),
					 FAKE_MESSAGE);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void a_stop_does_not_wait_for_what_is_rendered(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fd = connect_to(server);

	(void)state;
	atomic_store(&fake.messages, 100);
	atomic_store(&fake.render_gate, true);
	send_query(fd, 1, FAKE_TRANSFER);
	net_await(&net_loop, atomic_load(&fake.rendered));
	net_stop(server);
	net_expect_closed(fd);
	close(fd);
}

/* All that there is for them they have taken: it is not they who are silent. */
static void who_waits_for_more_is_looked_at_once(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	/* Longer than between two looks at how silent they are. */
	double end = net_now() + 1.5;
	int fds[5];

	(void)state;
	atomic_store(&fake.messages, 20);
	atomic_store(&fake.render_gate, true);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_to(server);
		send_query(fds[i], 1, FAKE_TRANSFER);
	}
	net_await(&net_loop, server_pool_carried(net_pool) == ARRAY_SIZE(fds));
	while (net_now() < end)
		net_turn(&net_loop);
	atomic_store(&fake.render_gate, false);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		expect_transfer(fds[i], 1, 20);
		close(fds[i]);
	}
}

static void a_pool_is_freed_during_transfers(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fds[20];

	(void)state;
	atomic_store(&fake.messages, 2000);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connect_to(server);
		send_query(fds[i], 1, FAKE_TRANSFER);
	}
	net_pool = server_pool_free(net_pool);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	net_start_anew();
}

static void clients_that_go_leave_nothing(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	unsigned before = net_descriptors();
	const struct traffic *traffic = net_traffic(1);

	(void)state;
	atomic_store(&fake.messages, 2000);
	for (unsigned i = 0; i < 50; i++) {
		int fd = connect_to(server);

		send_query(fd, 1, FAKE_TRANSFER);
		if (i % 2)
			expect_transfer(fd, 1, 1 + i % 7);
		close(fd);
	}
	net_await(&net_loop, traffic_sum(traffic, TRAFFIC_DISCONNECTED) == 50);
	net_await(&net_loop, !server_pool_carried(net_pool) &&
				     !server_pool_spooled(net_pool));
	net_await(&net_loop, net_descriptors() <= before + 2);
	assert_int_equal(traffic_sum(traffic, TRAFFIC_CONNECTED), 50);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_transfer_comes_whole_and_in_order),
		TEST(answers_keep_their_order_around_it),
		TEST(who_asks_for_the_same_shares_it),
		TEST(what_cannot_be_rendered_is_said),
		TEST(a_stop_disconnects_who_is_sent_one),
		TEST(a_stop_does_not_wait_for_what_is_rendered),
		TEST(who_waits_for_more_is_looked_at_once),
		TEST(a_pool_is_freed_during_transfers),
		TEST(clients_that_go_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
