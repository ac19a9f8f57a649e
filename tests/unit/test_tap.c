// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/responder.h"
#include "tests/unit/net.h"

#define HEADER	  12
#define PRODUCERS 4
#define EACH	  100000 /* queries of a producer */

static struct tap *new_tap(void)
{
	struct tap *tap;

	assert_int_equal(tap_new(&tap), 0);
	return tap;
}

/* The query for "<number>."; its length. */
static size_t make_query(uint8_t query[64], uint32_t number)
{
	int len = snprintf((char *)query + HEADER + 1, 16, "%u", number);

	memset(query, 0, HEADER);
	query[HEADER] = (uint8_t)len;
	memset(query + HEADER + 1 + len, 0, 5);
	return HEADER + 1 + (size_t)len + 5;
}

/*
 * Only the flags of an answer are looked at: it may seem to be of any length,
 * and so all of what is put tells the number.
 */
static void put(struct tap *tap, struct lane *lane, uint32_t number)
{
	static const struct answer_client client = {.transport = ANSWER_UDP};
	static const uint8_t answer[HEADER];
	uint8_t query[64];
	struct answer_facts facts = {.type = (uint16_t)number,
				     .rcode = number % 16};

	facts.question_len = make_query(query, number) - HEADER;
	tap_put(tap, lane, &client, &facts, query, answer, number + 1);
}

static bool is_whole(const struct tap_query *query, uint32_t number)
{
	char name[NAME_TEXT_SIZE], want[16];

	name_to_text(&query->name, name);
	snprintf(want, sizeof(want), "%u.", number);
	return query->has_question && strcmp(name, want) == 0 &&
	       query->type == (uint16_t)number && query->rcode == number % 16 &&
	       query->octets == number + 1;
}

static void expect(struct tap *tap, uint32_t number)
{
	const struct tap_query *first = tap_first(tap);

	assert_non_null(first);
	assert_true(is_whole(first, number));
	tap_drop(tap);
}

static uint64_t unseen(const struct lane *lane)
{
	return atomic_load(&lane->counts[TRAFFIC_UNSEEN]);
}

static void what_is_put_in_comes_out(void **state)
{
#define NAMED "\3abc\0\0\1\0\1"
	static const struct {
		const char *question;
		size_t question_len;
		bool rd, edns, dnssec;
		uint8_t answer_flags; /* its third octet */
		uint32_t octets;
		uint8_t flags;
		const char *name; /* NULL: none */
	} cases[] = {
		{NAMED, 9, false, false, false, 0, 40, 0, "abc."},
		{NAMED, 9, true, false, false, 4, 40, TAP_RD | TAP_AA, "abc."},
		{NAMED, 9, true, true, true, 6, 40,
		 TAP_RD | TAP_EDNS | TAP_DO | TAP_AA | TAP_TC, "abc."},
		{NAMED, 9, false, true, false, 2, 40, TAP_EDNS | TAP_TC,
		 "abc."},
		/* No answer has no flags, whatever the buffer holds. */
		{NAMED, 9, false, false, false, 6, 0, 0, "abc."},
		{"\0\0\1\0\1", 5, false, false, false, 0, 40, 0, "."},
		{"", 0, true, false, false, 0, 12, TAP_RD, NULL},
		{"\300\14\0\1\0\1", 6, false, false, false, 0, 12, 0, NULL},
	};
	struct sockaddr_storage from;
	struct address at = net_address("192.0.2.1:4711");
	struct answer_client client = {.transport = ANSWER_TCP,
				       .address = (struct sockaddr *)&from};
	struct lane lane = {.server = 17};
	struct tap *tap = new_tap();
	char text[NAME_TEXT_SIZE];

	(void)state;
	address_sockaddr(&at, AF_INET, &from);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer_facts facts = {.question_len =
						     cases[i].question_len,
					     .type = 1,
					     .rcode = 3,
					     .has_edns = cases[i].edns,
					     .wants_dnssec = cases[i].dnssec};
		uint8_t query[64] = {0},
			answer[HEADER] = {[2] = cases[i].answer_flags};
		const struct tap_query *got;

		query[2] = cases[i].rd;
		memcpy(query + HEADER, cases[i].question,
		       cases[i].question_len);
		tap_put(tap, &lane, &client, &facts, query, answer,
			cases[i].octets);
		got = tap_first(tap);
		assert_non_null(got);
		assert_int_equal(got->server, 17);
		assert_int_equal(got->transport, ANSWER_TCP);
		assert_int_equal(got->flags, cases[i].flags);
		assert_int_equal(got->octets, cases[i].octets);
		assert_int_equal(got->rcode, 3);
		assert_int_equal(got->has_question, cases[i].name != NULL);
		if (cases[i].name) {
			name_to_text(&got->name, text);
			assert_string_equal(text, cases[i].name);
			assert_int_equal(got->type, 1);
		}
		address_print(&got->client, text);
		assert_string_equal(text, "192.0.2.1:4711");
		tap_drop(tap);
		assert_null(tap_first(tap));
	}
	tap_free(tap);
}

static void queries_come_out_once_and_in_order_round_and_round(void **state)
{
	static const unsigned steps[] = {1, 2, 700, TAP_SIZE - 1, 3, TAP_SIZE};
	struct lane lane = {0};
	struct tap *tap = new_tap();
	uint32_t in = 0, out = 0;

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			while (in - out < steps[i])
				put(tap, &lane, in++);
			while (out < in)
				expect(tap, out++);
			assert_null(tap_first(tap));
		}
	}
	assert_int_equal(unseen(&lane), 0);
	tap_free(tap);
}

static void a_full_ring_keeps_what_it_has_and_counts_the_rest(void **state)
{
	struct lane lane = {0};
	struct tap *tap = new_tap();
	uint32_t out = 0;

	(void)state;
	put(tap, &lane, 0);
	expect(tap, 0); /* so that it is full across its end */
	for (uint32_t i = 0; i < TAP_SIZE + 10; i++)
		put(tap, &lane, i);
	assert_int_equal(unseen(&lane), 10);
	/* A place for each one that is taken, and for no more. */
	expect(tap, out++);
	put(tap, &lane, TAP_SIZE);
	put(tap, &lane, TAP_SIZE + 1);
	assert_int_equal(unseen(&lane), 11);
	while (out <= TAP_SIZE)
		expect(tap, out++);
	assert_null(tap_first(tap));
	tap_free(tap);
}

static void who_awaits_is_woken_once_and_at_the_next_one(void **state)
{
	struct lane lane = {0};
	struct tap *tap = new_tap();

	(void)state;
	put(tap, &lane, 0);
	assert_true(tap_is_awaited(tap));
	put(tap, &lane, 1);
	assert_false(tap_is_awaited(tap));
	/* Not as long as there is something. */
	assert_false(tap_await(tap));
	assert_false(tap_is_awaited(tap));
	expect(tap, 0);
	assert_false(tap_await(tap));
	expect(tap, 1);
	assert_true(tap_await(tap));
	put(tap, &lane, 2);
	assert_true(tap_is_awaited(tap));
	assert_false(tap_is_awaited(tap));
	expect(tap, 2);
	tap_free(tap);
}

static sem_t woken;

/* The next one when that one was taken: else that would wake, too. */
static void *put_and_wake(void *arg)
{
	struct lane lane = {0};

	for (uint32_t i = 0; i < EACH; i++) {
		put(arg, &lane, i);
		if (tap_is_awaited(arg))
			sem_post(&woken);
		while (tap_first(arg))
			sched_yield();
	}
	return NULL;
}

/* A wake-up that is lost is one that is waited for in vain. */
static void no_wake_up_is_lost(void **state)
{
	struct timespec deadline;
	struct tap *tap = new_tap();
	pthread_t thread;

	(void)state;
	assert_int_equal(sem_init(&woken, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, put_and_wake, tap), 0);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 60;
	for (uint32_t i = 0; i < EACH; tap_drop(tap), i++) {
		while (!tap_first(tap))
			if (tap_await(tap))
				assert_int_equal(
					sem_timedwait(&woken, &deadline), 0);
		assert_int_equal(tap_first(tap)->octets, i + 1);
	}
	pthread_join(thread, NULL);
	sem_destroy(&woken);
	tap_free(tap);
}

struct producer {
	struct tap *tap;
	struct lane lane;
	pthread_t thread;
	uint32_t expected; /* the lowest number that may come next */
	uint32_t seen;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;
	uint64_t missed = 0;

	for (uint32_t i = 0; i < EACH; i++) {
		put(producer->tap, &producer->lane, i);
		/* Full: let the consumer have the processor. */
		if (unseen(&producer->lane) > missed)
			sched_yield();
		missed = unseen(&producer->lane);
	}
	return NULL;
}

static void consume(struct producer *producer)
{
	const struct tap_query *query;

	while ((query = tap_first(producer->tap))) {
		uint32_t number = query->octets - 1;

		assert_true(number >= producer->expected && number < EACH);
		assert_true(is_whole(query, number));
		producer->expected = number + 1;
		producer->seen++;
		tap_drop(producer->tap);
	}
}

static void
threads_that_put_are_not_mixed_up_by_the_one_that_takes(void **state)
{
	static struct producer producers[PRODUCERS];
	struct producer *end = producers + PRODUCERS;
	double deadline = net_now() + 60;
	bool all;

	(void)state;
	for (struct producer *p = producers; p < end; p++) {
		p->tap = new_tap();
		p->lane.server = (uint64_t)(p - producers);
		assert_int_equal(pthread_create(&p->thread, NULL, produce, p),
				 0);
	}
	do {
		all = true;
		for (struct producer *p = producers; p < end; p++) {
			consume(p);
			all &= p->seen + unseen(&p->lane) == EACH;
		}
		if (net_now() > deadline)
			fail_msg("a query was neither seen nor counted");
	} while (!all);
	for (struct producer *p = producers; p < end; p++) {
		pthread_join(p->thread, NULL);
		assert_null(tap_first(p->tap));
		assert_true(p->seen >= TAP_SIZE);
		tap_free(p->tap);
	}
}

static void nothing_is_put_in_when_nobody_watches(void **state)
{
	struct answer_client client = {.transport = ANSWER_UDP};
	struct traffic *traffic;
	struct responder responder = {.tap = new_tap()};
	uint8_t query[64], out[FAKE_ANSWER_MIN + 1024];
	size_t len = make_query(query, 1);
	uv_loop_t loop;
	uv_async_t tapped;

	(void)state;
	fake_reset();
	uv_loop_init(&loop);
	uv_async_init(&loop, &tapped, NULL);
	responder.tapped = &tapped;
	assert_int_equal(traffic_new(&traffic, 1, 1), 0);
	assert_int_equal(snapshot_new(&responder.snapshot, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		bool watched = i % 2;

		traffic_watch(traffic, watched);
		assert_int_equal(
			responder_begin(&responder, &traffic->lanes[0]), 0);
		assert_true(
			responder_answer(&responder, &client, query, len, out));
		assert_int_equal(responder.has_tapped, watched);
		responder_end(&responder);
		assert_int_equal(tap_first(responder.tap) != NULL, watched);
		if (watched)
			tap_drop(responder.tap);
	}
	/* What was no query is none to tell of. */
	assert_int_equal(responder_begin(&responder, &traffic->lanes[0]), 0);
	assert_int_equal(responder_answer(&responder, &client, query, 3, out),
			 0);
	responder_end(&responder);
	assert_null(tap_first(responder.tap));
	assert_int_equal(traffic_sum(traffic, TRAFFIC_UNSEEN), 0);
	snapshot_free(responder.snapshot);
	tap_free(responder.tap);
	traffic_free(traffic);
	uv_close((uv_handle_t *)&tapped, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static bool is_resident(const void *at)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned char found;

	assert_int_equal(
		mincore((void *)((uintptr_t)at & ~(page - 1)), page, &found),
		0);
	return found & 1;
}

static void a_ring_takes_memory_where_it_was_used_and_no_more(void **state)
{
	struct lane lane = {0};
	const struct tap_query *first;
	struct tap *tap;

	(void)state;
	/* tests/arm64.sh: what is resident there is the emulator's choice. */
	if (getenv("CIRCUITFS_EMULATED")) {
		print_message("an emulator places the memory\n");
		skip();
	}
	/* A huge page would come as a whole, and MALLOC_PERTURB_ fills all. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	mallopt(M_PERTURB, 0);
	tap = new_tap();
	put(tap, &lane, 0);
	first = tap_first(tap);
	assert_non_null(first);
	assert_true(is_resident(first));
	assert_false(is_resident(first + TAP_SIZE / 2));
	tap_free(tap);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_comes_out),
		/* Before others leave memory behind that it could be given. */
		cmocka_unit_test(
			a_ring_takes_memory_where_it_was_used_and_no_more),
		cmocka_unit_test(
			queries_come_out_once_and_in_order_round_and_round),
		cmocka_unit_test(
			a_full_ring_keeps_what_it_has_and_counts_the_rest),
		cmocka_unit_test(
			threads_that_put_are_not_mixed_up_by_the_one_that_takes),
		cmocka_unit_test(who_awaits_is_woken_once_and_at_the_next_one),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(nothing_is_put_in_when_nobody_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
