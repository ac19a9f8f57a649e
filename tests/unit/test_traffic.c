// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/net.h"

static void each_type_and_rcode_has_a_slot_of_its_own(void **state)
{
	static const struct {
		uint16_t type, rcode;
		const char *type_text, *rcode_text;
	} cases[] = {
		{1, 0, "A", "NOERROR"},	     {28, 3, "AAAA", "NXDOMAIN"},
		{65, 5, "HTTPS", "REFUSED"}, {255, 6, "ANY", "YXDOMAIN"},
		{257, 16, "CAA", "BADVERS"}, {252, 23, "AXFR", "BADCOOKIE"},
		{258, 11, "other", "other"}, {0, 15, "other", "other"},
		{3, 22, "other", "other"},   {65535, 4095, "other", "other"},
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer_facts facts = {.type = cases[i].type,
					     .rcode = cases[i].rcode};
		struct traffic *traffic;
		unsigned found = 0;

		assert_int_equal(traffic_new(&traffic, 1, 1), 0);
		traffic_count(&traffic->lanes[0], ANSWER_TCP, &facts);
		for (unsigned s = 0; s < TRAFFIC_TYPES; s++) {
			if (!traffic_sum(traffic,
					 TRAFFIC_QUERIES + TRAFFIC_TYPES + s))
				continue;
			traffic_type_text(s, text);
			assert_string_equal(text, cases[i].type_text);
			found++;
		}
		for (unsigned s = 0; s < TRAFFIC_RCODES; s++) {
			if (!traffic_sum(traffic,
					 TRAFFIC_ANSWERS + TRAFFIC_RCODES + s))
				continue;
			assert_string_equal(traffic_rcode_text(s),
					    cases[i].rcode_text);
			found++;
		}
		assert_int_equal(found, 2);
		assert_int_equal(traffic_sum(traffic, TRAFFIC_TRUNCATED), 0);
		traffic_free(traffic);
	}
}

static void what_an_answer_lacks_is_counted(void **state)
{
	static const struct {
		bool is_truncated, is_spent;
	} cases[] = {
		{false, false},
		{true, false},
		{false, true},
		{true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer_facts facts = {
			.is_truncated = cases[i].is_truncated,
			.is_spent = cases[i].is_spent,
		};
		struct traffic *traffic;

		assert_int_equal(traffic_new(&traffic, 1, 1), 0);
		traffic_count(&traffic->lanes[0], ANSWER_UDP, &facts);
		assert_int_equal(traffic_sum(traffic, TRAFFIC_TRUNCATED),
				 cases[i].is_truncated);
		assert_int_equal(traffic_sum(traffic, TRAFFIC_SPENT),
				 cases[i].is_spent);
		traffic_free(traffic);
	}
}

static uint64_t answers_of(uint64_t id, enum answer_transport transport)
{
	return traffic_sum(net_traffic(id),
			   TRAFFIC_ANSWERS + transport * TRAFFIC_RCODES);
}

static void all_workers_count_and_nothing_goes_back(void **state)
{
	struct address at;

	(void)state;
	/* The same nameserver, at one address after the other. */
	for (unsigned i = 0; i < 3; i++) {
		struct server *server = net_serve(1, "127.0.0.1:0");
		int fd;

		at = *server_address(server);
		fd = net_connect(SOCK_DGRAM, &at);
		net_send_datagrams(fd, 200);
		net_expect_each_once(fd, 200);
		net_ask_at(&at, SOCK_STREAM, 1);
		net_stop(server);
		close(fd);
		assert_int_equal(answers_of(1, ANSWER_UDP), 200 * (i + 1));
		assert_int_equal(answers_of(1, ANSWER_TCP), i + 1);
		assert_int_equal(traffic_sum(net_traffic(1), TRAFFIC_CONNECTED),
				 i + 1);
		assert_int_equal(
			traffic_sum(net_traffic(1), TRAFFIC_DISCONNECTED),
			i + 1);
	}
	assert_int_equal(answers_of(2, ANSWER_UDP), 0);
}

static void what_gets_no_answer_is_counted_as_dropped(void **state)
{
	struct server *server = net_serve(1, "127.0.0.1:0");
	int fd = net_connect(SOCK_DGRAM, server_address(server));

	(void)state;
	assert_int_equal(send(fd, "short", 5, 0), 5);
	net_await(NULL, traffic_sum(net_traffic(1), TRAFFIC_DROPPED) == 1);
	atomic_store(&fake.broken, true);
	net_send_datagrams(fd, 1);
	net_await(NULL, traffic_sum(net_traffic(1), TRAFFIC_DROPPED) == 2);
	assert_int_equal(answers_of(1, ANSWER_UDP), 0);
	close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_and_rcode_has_a_slot_of_its_own),
		cmocka_unit_test(what_an_answer_lacks_is_counted),
		TEST(all_workers_count_and_nothing_goes_back),
		TEST(what_gets_no_answer_is_counted_as_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
