// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dns/answer/limiter.h"

#include <cmocka.h>
#include <pthread.h>

#define NOW 1000000u /* ms */
#define A   "\1a\2ex"
#define EX  "\2ex"

static struct sockaddr_in6 client(const char *text)
{
	struct sockaddr_storage name;
	struct sockaddr_in6 out;
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	address_sockaddr(&address,
			 address.kind == ADDRESS_IPV4 ? AF_INET : AF_INET6,
			 &name);
	memcpy(&out, &name, sizeof(out));
	return out;
}

static enum limiter_verdict judge(struct limiter *limiter, const char *from,
				  uint64_t now, enum limiter_class class,
				  const char *name)
{
	struct sockaddr_in6 address = client(from);
	struct limiter_kind kind = {(struct sockaddr *)&address, class,
				    (const uint8_t *)name, strlen(name) + 1};

	return limiter_judge(limiter, now, &kind, 1);
}

/* How many responses of @count in one moment are sent. */
static unsigned sent(struct limiter *limiter, unsigned count, const char *from,
		     uint64_t now, enum limiter_class class, const char *name)
{
	unsigned out = 0;

	while (count--)
		out += judge(limiter, from, now, class, name) == LIMITER_SEND;
	return out;
}

static struct limiter *limiter(unsigned rate)
{
	struct limiter *out;

	assert_int_equal(limiter_new(&out, rate, true), 0);
	return out;
}

static void a_second_holds_the_rate_and_no_more(void **state)
{
	static const unsigned rates[] = {1, 2, 5, 200, 1000, 100000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct limiter *it = limiter(rates[i]);
		unsigned rate = rates[i], n;

		assert_int_equal(
			sent(it, 2 * rate, "192.0.2.1", NOW, LIMITER_DATA, A),
			rate);
		/* What comes in after that comes in at the rate. */
		n = sent(it, 2 * rate, "192.0.2.1", NOW + 500, LIMITER_DATA, A);
		assert_int_equal(n, rate / 2);
		n = sent(it, 2 * rate, "192.0.2.1", NOW + 5000, LIMITER_DATA,
			 A);
		assert_int_equal(n, rate);
		limiter_free(it);
	}
}

static void every_second_one_past_the_rate_slips(void **state)
{
	struct limiter *it = limiter(1);

	(void)state;
	judge(it, "192.0.2.1", NOW, LIMITER_DATA, A);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(judge(it, "192.0.2.1", NOW, LIMITER_DATA, A),
				 LIMITER_SLIP);
		assert_int_equal(judge(it, "192.0.2.1", NOW, LIMITER_DATA, A),
				 LIMITER_DROP);
	}
	limiter_free(it);
}

static void what_costs_more_counts_as_several(void **state)
{
	static const struct {
		unsigned rate, cost, sent, sent_after_a_second;
	} cases[] = {
		{100, 1, 100, 100},
		{100, 5, 20, 20},
		{100, 7, 15, 14},
		/* Somebody who owes nothing is sent one. */
		{1, 5, 1, 0},
		{3, 9, 1, 1},
	};
	struct sockaddr_in6 address = client("192.0.2.1");
	struct limiter_kind kind = {(struct sockaddr *)&address, LIMITER_DATA,
				    (const uint8_t *)A, sizeof(A)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct limiter *it = limiter(cases[i].rate);
		unsigned first = 0, second = 0;

		for (unsigned n = 0; n < 200; n++)
			first += limiter_judge(it, NOW, &kind, cases[i].cost) ==
				 LIMITER_SEND;
		for (unsigned n = 0; n < 200; n++)
			second += limiter_judge(it, NOW + 1000, &kind,
						cases[i].cost) == LIMITER_SEND;
		assert_int_equal(first, cases[i].sent);
		assert_int_equal(second, cases[i].sent_after_a_second);
		limiter_free(it);
	}
}

static void what_is_past_the_rate_is_known_early(void **state)
{
	struct sockaddr_in6 address = client("192.0.2.1");
	struct limiter_kind kind = {(struct sockaddr *)&address, LIMITER_DATA,
				    (const uint8_t *)A, sizeof(A)};
	struct limiter *it = limiter(10);

	(void)state;
	/* To ask early counts nothing as long as it may be sent. */
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(limiter_judge_early(it, NOW, &kind),
				 LIMITER_SEND);
		assert_int_equal(limiter_judge(it, NOW, &kind, 1),
				 LIMITER_SEND);
	}
	assert_int_equal(limiter_judge(it, NOW, &kind, 1), LIMITER_SLIP);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(limiter_judge_early(it, NOW, &kind),
				 LIMITER_DROP);
		assert_int_equal(limiter_judge_early(it, NOW, &kind),
				 LIMITER_SLIP);
	}
	kind.class = LIMITER_REFERRAL;
	assert_int_equal(limiter_judge_early(it, NOW, &kind), LIMITER_SEND);
	kind.class = LIMITER_DATA;
	assert_int_equal(limiter_judge_early(it, NOW + 100, &kind),
			 LIMITER_SEND);
	limiter_free(it);
}

static void a_network_a_class_and_a_name_are_counted_together(void **state)
{
	static const struct {
		const char *from;
		enum limiter_class class;
		const char *name;
		bool alike;
	} cases[] = {
		{"192.0.2.255", LIMITER_DATA, A, true},
		{"::ffff:192.0.2.9", LIMITER_DATA, A, true},
		{"192.0.2.1", LIMITER_DATA, "\1A\2eX", true},
		{"192.0.3.1", LIMITER_DATA, A, false},
		{"192.0.2.1", LIMITER_DATA, "\1b\2ex", false},
		{"192.0.2.1", LIMITER_NAME_ERROR, A, false},
		{"192.0.2.1", LIMITER_REFERRAL, A, false},
		{"192.0.2.1", LIMITER_ERROR, "", false},
		{"c000:200::", LIMITER_DATA, A, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct limiter *it = limiter(1);

		judge(it, "192.0.2.1", NOW, LIMITER_DATA, A);
		assert_int_equal(judge(it, cases[i].from, NOW, cases[i].class,
				       cases[i].name) != LIMITER_SEND,
				 cases[i].alike);
		limiter_free(it);
	}
}

static void an_ipv6_network_is_a_56(void **state)
{
	struct limiter *it = limiter(1);

	(void)state;
	judge(it, "2001:db8:0:1200::1", NOW, LIMITER_DATA, A);
	assert_int_not_equal(
		judge(it, "2001:db8:0:12ff::2", NOW, LIMITER_DATA, A),
		LIMITER_SEND);
	assert_int_equal(judge(it, "2001:db8:0:1300::1", NOW, LIMITER_DATA, A),
			 LIMITER_SEND);
	limiter_free(it);
}

static void loopback_is_counted_if_that_is_wanted(void **state)
{
	static const struct {
		const char *from;
		bool loopback;
	} cases[] = {
		{"127.0.0.1", true},
		{"127.255.0.9", true},
		{"::1", true},
		{"::ffff:127.0.0.1", true},
		{"192.0.2.127", false},
		{"::2", false},
		{"::ffff:192.0.2.1", false},
		{"7f00::1", false},
	};
	struct limiter *with, *without;

	(void)state;
	assert_int_equal(limiter_new(&with, 1, true), 0);
	assert_int_equal(limiter_new(&without, 1, false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_in6 from = client(cases[i].from);

		assert_true(limiter_counts(with, (struct sockaddr *)&from));
		assert_int_equal(
			limiter_counts(without, (struct sockaddr *)&from),
			!cases[i].loopback);
	}
	limiter_free(with);
	limiter_free(without);
}

/* A forger of many addresses cannot wash away what one network owes. */
static void a_flood_of_networks_does_not_free_one_that_is_in_debt(void **state)
{
	struct limiter *it = limiter(100);
	char from[32];

	(void)state;
	assert_int_equal(sent(it, 200, "192.0.2.1", NOW, LIMITER_DATA, A), 100);
	for (unsigned i = 0; i < 1 << 18; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.1", i >> 8 & 0xff,
			 i & 0xff);
		judge(it, from, NOW, LIMITER_DATA, i >> 16 & 1 ? A : EX);
	}
	assert_int_equal(sent(it, 10, "192.0.2.1", NOW, LIMITER_DATA, A), 0);
	limiter_free(it);
}

static void a_clock_that_wraps_forgives_nothing_and_blames_nobody(void **state)
{
	uint64_t wrap = (UINT64_C(1) << 44) / 1000;
	struct limiter *it = limiter(10);

	(void)state;
	assert_int_equal(sent(it, 20, "192.0.2.1", wrap, LIMITER_DATA, A), 10);
	assert_int_equal(sent(it, 20, "192.0.2.1", wrap + 500, LIMITER_DATA, A),
			 5);
	/* Debts of half a wrap ago, and of a whole one, are paid. */
	assert_int_equal(
		sent(it, 20, "192.0.2.1", wrap + wrap / 2, LIMITER_DATA, A),
		10);
	assert_int_equal(
		sent(it, 20, "192.0.2.1", 2 * wrap + wrap / 4, LIMITER_DATA, A),
		10);
	/* Another worker's clock may be somewhat behind. */
	assert_int_equal(sent(it, 20, "192.0.2.1", 2 * wrap + wrap / 4 - 100,
			      LIMITER_DATA, A),
			 0);
	limiter_free(it);
}

static struct limiter *shared;

static void *ask_at_once(void *arg)
{
	unsigned *out = arg;

	*out = sent(shared, 50000, "192.0.2.1", NOW, LIMITER_DATA, A);
	return NULL;
}

static void workers_share_one_rate(void **state)
{
	unsigned counts[4], total = 0;
	pthread_t threads[4];

	(void)state;
	shared = limiter(10000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_at_once,
						&counts[i]),
				 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		total += counts[i];
	}
	assert_int_equal(total, 10000);
	limiter_free(shared);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_holds_the_rate_and_no_more),
		cmocka_unit_test(every_second_one_past_the_rate_slips),
		cmocka_unit_test(what_costs_more_counts_as_several),
		cmocka_unit_test(what_is_past_the_rate_is_known_early),
		cmocka_unit_test(
			a_network_a_class_and_a_name_are_counted_together),
		cmocka_unit_test(an_ipv6_network_is_a_56),
		cmocka_unit_test(loopback_is_counted_if_that_is_wanted),
		cmocka_unit_test(
			a_flood_of_networks_does_not_free_one_that_is_in_debt),
		cmocka_unit_test(
			a_clock_that_wraps_forgives_nothing_and_blames_nobody),
		cmocka_unit_test(workers_share_one_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
