// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "anchors/transfer/due.h"
#include "dns/wire/util.h"
#include "tests/unit/chance.h"

#define MANY 300

static uv_loop_t loop;
static uv_timer_t timer;
static struct dues dues;
static unsigned fired;

static void on_time(uv_timer_t *at)
{
	assert_ptr_equal(at, &timer);
	fired++;
}

static int set_up(void **state)
{
	(void)state;
	fired = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	dues_init(&dues, &timer, on_time);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dues_deinit(&dues);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

/* What is due of the heap, by looking at all of them. */
static const struct due *first_of(const struct due *all, size_t count)
{
	const struct due *first = NULL;

	for (size_t i = 0; i < count; i++)
		if (due_waits(&all[i]) && (!first || all[i].ms < first->ms))
			first = &all[i];
	return first;
}

static void the_next_one_is_always_the_earliest(void **state)
{
	static struct due all[MANY];

	(void)state;
	assert_int_equal(dues_reserve(&dues, MANY), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct due *due = &all[chance(MANY)];

		if (chance(3))
			dues_wait(&dues, due, chance(1000));
		else
			dues_leave(&dues, due);
		assert_int_equal(dues.count > 0, first_of(all, MANY) != NULL);
		if (dues.count)
			assert_int_equal(dues.heap[0]->ms,
					 first_of(all, MANY)->ms);
		for (size_t j = 2; j <= dues.count; j++)
			assert_true(dues.heap[j / 2 - 1]->ms <=
				    dues.heap[j - 1]->ms);
	}
	/* All who wait are in it, each at its place. */
	for (size_t i = 0, waiting = 0; i < MANY; i++) {
		waiting += due_waits(&all[i]);
		if (due_waits(&all[i]))
			assert_ptr_equal(dues.heap[all[i].at - 1], &all[i]);
		if (i == MANY - 1)
			assert_int_equal(waiting, dues.count);
	}
}

static void they_come_in_the_order_of_their_times(void **state)
{
	struct due all[50] = {{0}};
	uint64_t last = 0;

	(void)state;
	assert_int_equal(dues_reserve(&dues, ARRAY_SIZE(all)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		dues_wait(&dues, &all[i], chance(20));
	for (size_t count = 0; count < ARRAY_SIZE(all);) {
		struct due *due;

		uv_run(&loop, UV_RUN_ONCE);
		dues_begin(&dues);
		while ((due = dues_next(&dues))) {
			assert_true(due->ms >= last);
			assert_true(due->ms <= uv_now(&loop));
			assert_false(due_waits(due));
			last = due->ms;
			count++;
		}
	}
	/* Nothing is left to wake for. */
	assert_false(uv_is_active((uv_handle_t *)&timer));
	assert_true(fired > 0);
}

static void a_turn_that_is_over_goes_on_in_the_next_one(void **state)
{
	struct due a = {0}, b = {0};

	(void)state;
	assert_int_equal(dues_reserve(&dues, 2), 0);
	dues_wait(&dues, &a, 0);
	dues_wait(&dues, &b, 0);
	dues.until_ns = 0;
	assert_null(dues_next(&dues));
	assert_true(uv_is_active((uv_handle_t *)&timer));
	uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(fired, 1);
	dues_begin(&dues);
	assert_non_null(dues_next(&dues));
	assert_non_null(dues_next(&dues));
	assert_null(dues_next(&dues));
}

static void who_is_told_another_time_waits_for_that(void **state)
{
	struct due a = {0}, b = {0};

	(void)state;
	assert_int_equal(dues_reserve(&dues, 2), 0);
	dues_wait(&dues, &a, 0);
	dues_wait(&dues, &b, 100000);
	dues_wait(&dues, &a, 200000);
	assert_int_equal(dues.count, 2);
	assert_ptr_equal(dues.heap[0], &b);
	dues_begin(&dues);
	assert_null(dues_next(&dues));
	assert_true(uv_timer_get_due_in(&timer) > 50000);
	dues_leave(&dues, &b);
	dues_leave(&dues, &b);
	assert_int_equal(dues.count, 1);
	dues_leave(&dues, &a);
}

static void room_that_is_reserved_is_kept(void **state)
{
	struct due one = {0};

	(void)state;
	assert_int_equal(dues_reserve(&dues, 1), 0);
	assert_true(dues.room >= 1);
	dues_wait(&dues, &one, 5);
	assert_int_equal(dues_reserve(&dues, 100000), 0);
	assert_true(dues.room >= 100000);
	assert_ptr_equal(dues.heap[0], &one);
	dues_deinit(&dues);
	assert_false(due_waits(&one));
	assert_int_equal(dues.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_next_one_is_always_the_earliest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			they_come_in_the_order_of_their_times, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_turn_that_is_over_goes_on_in_the_next_one, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_told_another_time_waits_for_that, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(room_that_is_reserved_is_kept,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
