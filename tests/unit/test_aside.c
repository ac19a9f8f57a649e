// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/daemon/aside.h"

/* What a test sees of its questions. */
struct seen {
	unsigned in_time, too_late;
};

struct waits {
	struct question question;
	struct seen *seen;
	int fd; /* read until it has something, or is closed; -1: nothing */
};

/* Questions that a thread has begun to ask. */
static _Atomic unsigned begun;

struct test {
	uv_loop_t loop;
	struct aside *aside;
	struct seen seen;
	int ends[2];
};

static void ask(struct question *question)
{
	struct waits *waits = container_of(question, struct waits, question);
	char octet;

	begun++;
	if (waits->fd >= 0 && read(waits->fd, &octet, 1) < 0)
		abort();
}

static void answered(struct question *question, bool in_time)
{
	struct waits *waits = container_of(question, struct waits, question);

	if (in_time)
		waits->seen->in_time++;
	else
		waits->seen->too_late++;
}

static void put(struct test *test, int fd, uint64_t within_ms)
{
	struct waits *waits = calloc(1, sizeof(*waits));

	assert_non_null(waits);
	waits->question.ask = ask;
	waits->question.answered = answered;
	waits->seen = &test->seen;
	waits->fd = fd;
	aside_ask(test->aside, &waits->question, within_ms);
}

static int setup(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	if (!test || uv_loop_init(&test->loop) < 0 ||
	    aside_new(&test->aside, &test->loop) < 0 || pipe(test->ends) < 0)
		return -1;
	*state = test;
	return 0;
}

/* Threads that are stuck come free with the end of the pipe. */
static int teardown(void **state)
{
	struct test *test = *state;

	aside_free(test->aside);
	close(test->ends[1]);
	uv_run(&test->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&test->loop) < 0)
		return -1;
	/* The other end stays: a thread may be about to read it. */
	free(test);
	return 0;
}

static void run(struct test *test, unsigned answers)
{
	while (test->seen.in_time + test->seen.too_late < answers)
		uv_run(&test->loop, UV_RUN_ONCE);
}

/* All of @count are stuck, and their time is over. */
static void get_stuck(struct test *test, unsigned count)
{
	begun = 0;
	for (unsigned i = 0; i < count; i++)
		put(test, test->ends[0], 1);
	while (begun < count)
		sched_yield();
	run(test, count);
	assert_int_equal(test->seen.too_late, count);
}

static void what_is_answered_is_told_in_time(void **state)
{
	struct test *test = *state;

	for (unsigned i = 0; i < 100; i++)
		put(test, -1, 60000);
	assert_int_equal(test->seen.in_time, 0); /* never in the call */
	run(test, 100);
	assert_int_equal(test->seen.in_time, 100);
}

static void what_does_not_come_is_given_up(void **state)
{
	struct test *test = *state;
	uint64_t since = uv_hrtime();

	put(test, test->ends[0], 20);
	run(test, 1);
	assert_int_equal(test->seen.too_late, 1);
	/* The loop's clock is in milliseconds. */
	assert_true(uv_hrtime() - since >= 18 * 1000000);
}

static void a_thread_that_is_stuck_stops_no_other_question(void **state)
{
	struct test *test = *state;

	get_stuck(test, ASIDE_THREADS - 1);
	put(test, -1, 60000);
	run(test, ASIDE_THREADS);
	assert_int_equal(test->seen.in_time, 1);
}

static void
with_all_threads_stuck_nothing_is_known_and_nobody_waits(void **state)
{
	struct test *test = *state;

	get_stuck(test, ASIDE_THREADS);
	put(test, -1, 1);
	run(test, ASIDE_THREADS + 1);
	assert_int_equal(test->seen.in_time, 0);
	/* One comes free, and takes the next. */
	assert_int_equal(write(test->ends[1], "", 1), 1);
	put(test, -1, 60000);
	run(test, ASIDE_THREADS + 2);
	assert_int_equal(test->seen.in_time, 1);
}

static void an_answer_that_comes_late_is_forgotten(void **state)
{
	struct test *test = *state;

	for (unsigned i = 0; i < 50; i++) {
		put(test, test->ends[0], 1);
		assert_int_equal(write(test->ends[1], "", 1), 1);
		run(test, i + 1);
	}
	assert_int_equal(test->seen.in_time + test->seen.too_late, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		TEST(what_is_answered_is_told_in_time),
		TEST(what_does_not_come_is_given_up),
		TEST(a_thread_that_is_stuck_stops_no_other_question),
		TEST(with_all_threads_stuck_nothing_is_known_and_nobody_waits),
		TEST(an_answer_that_comes_late_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
