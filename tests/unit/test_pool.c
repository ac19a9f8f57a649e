// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/pool.h"

struct test {
	uv_loop_t loop;
	struct pool *pool;
	pthread_t loop_thread;
	unsigned done;

	/* While it is shut, works that come to it stay. */
	pthread_mutex_t gate;
	pthread_cond_t moved;
	bool is_shut;
	unsigned at_gate, at_gate_most;
};

struct item {
	struct pool_work work;
	struct test *test;
	pthread_t ran_on;
	int nice;
	bool has_run;
	unsigned again; /* how often more */
};

/* How often this thread gave up its core; libuv calls it, too. */
static _Thread_local unsigned yields;

int sched_yield(void)
{
	yields++;
	return 0;
}

static void run(struct pool_work *work)
{
	struct item *item = container_of(work, struct item, work);
	struct test *test = item->test;

	item->ran_on = pthread_self();
	item->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	item->has_run = true;
	pthread_mutex_lock(&test->gate);
	test->at_gate++;
	if (test->at_gate > test->at_gate_most)
		test->at_gate_most = test->at_gate;
	pthread_cond_broadcast(&test->moved);
	while (test->is_shut)
		pthread_cond_wait(&test->moved, &test->gate);
	test->at_gate--;
	pthread_mutex_unlock(&test->gate);
}

static void done(struct pool_work *work)
{
	struct item *item = container_of(work, struct item, work);
	struct test *test = item->test;

	assert_true(item->has_run);
	assert_true(pthread_equal(pthread_self(), test->loop_thread));
	test->done++;
	if (!item->again)
		return;
	item->again--;
	pool_submit(test->pool, work, run, done);
}

static void submit(struct test *test, struct item *item)
{
	item->test = test;
	pool_submit(test->pool, &item->work, run, done);
}

static void run_until(struct test *test, unsigned count)
{
	while (test->done < count)
		uv_run(&test->loop, UV_RUN_ONCE);
	assert_int_equal(test->done, count);
}

static int setup(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	if (!test || uv_loop_init(&test->loop) < 0 ||
	    pool_new(&test->pool, &test->loop) < 0)
		return -1;
	pthread_mutex_init(&test->gate, NULL);
	pthread_cond_init(&test->moved, NULL);
	test->loop_thread = pthread_self();
	*state = test;
	return 0;
}

static int teardown(void **state)
{
	struct test *test = *state;

	pool_free(test->pool);
	uv_run(&test->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&test->loop) < 0)
		return -1;
	pthread_cond_destroy(&test->moved);
	pthread_mutex_destroy(&test->gate);
	free(test);
	return 0;
}

static void work_is_done_aside_and_the_loop_is_told(void **state)
{
	struct test *test = *state;
	struct item item = {0};

	submit(test, &item);
	assert_int_equal(test->done, 0);
	run_until(test, 1);
	assert_false(pthread_equal(item.ran_on, test->loop_thread));
}

static void its_threads_give_way(void **state)
{
	struct test *test = *state;
	struct item item = {0};
	int own = getpriority(PRIO_PROCESS, 0);

	submit(test, &item);
	run_until(test, 1);
	assert_int_equal(item.nice, own > POOL_NICE ? own : POOL_NICE);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

static void there_are_so_many_threads_and_the_rest_waits(void **state)
{
	struct test *test = *state;
	struct item items[3 * POOL_THREADS] = {{.again = 0}};

	test->is_shut = true;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		submit(test, &items[i]);
	pthread_mutex_lock(&test->gate);
	while (test->at_gate < POOL_THREADS)
		pthread_cond_wait(&test->moved, &test->gate);
	test->is_shut = false;
	pthread_cond_broadcast(&test->moved);
	pthread_mutex_unlock(&test->gate);
	run_until(test, ARRAY_SIZE(items));
	assert_int_equal(test->at_gate_most, POOL_THREADS);
}

static void who_is_told_may_have_more(void **state)
{
	struct test *test = *state;
	struct item item = {.again = 99};

	submit(test, &item);
	run_until(test, 100);
}

/*
 * On one core, who rings is set aside for the loop that it wakes: with what
 * uv_async_send() does, it turned on the spot hundreds of times here.
 */
static void the_loop_waits_for_nobody_who_tells_it(void **state)
{
	struct test *test = *state;
	struct item items[POOL_THREADS] = {{.again = 0}};
	cpu_set_t before, one;
	int cpu = sched_getcpu();

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	yields = 0;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		items[i].again = 999;
		submit(test, &items[i]);
	}
	run_until(test, 1000 * ARRAY_SIZE(items));
	assert_int_equal(yields, 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		TEST(work_is_done_aside_and_the_loop_is_told),
		TEST(its_threads_give_way),
		TEST(there_are_so_many_threads_and_the_rest_waits),
		TEST(who_is_told_may_have_more),
		TEST(the_loop_waits_for_nobody_who_tells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
