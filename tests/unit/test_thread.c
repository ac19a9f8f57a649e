// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "tests/unit/slices.h"

struct seen {
	sigset_t blocked;
	uv_sem_t seen;
};

static void *look(void *arg)
{
	struct seen *seen = arg;

	pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
	uv_sem_post(&seen->seen);
	return seen;
}

/* Those between are the C library's; these two nobody can block. */
static bool can_be_blocked(int number)
{
	return (number < 32 || number >= SIGRTMIN) && number != SIGKILL &&
	       number != SIGSTOP;
}

static bool is_of_a_fault(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGFPE ||
	       number == SIGILL;
}

static void assert_open_for_faults_alone(const sigset_t *blocked)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		if (can_be_blocked(number) &&
		    sigismember(blocked, number) == is_of_a_fault(number))
			fail_msg("signal %d", number);
}

static void a_thread_gets_the_signals_of_its_faults_and_no_others(void **state)
{
	struct seen joined, detached;
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(uv_sem_init(&joined.seen, 0), 0);
	assert_int_equal(thread_start(&thread, look, &joined), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &joined);
	assert_open_for_faults_alone(&joined.blocked);
	uv_sem_destroy(&joined.seen);

	assert_int_equal(uv_sem_init(&detached.seen, 0), 0);
	assert_int_equal(thread_start(NULL, look, &detached), 0);
	uv_sem_wait(&detached.seen);
	assert_open_for_faults_alone(&detached.blocked);
	uv_sem_destroy(&detached.seen);
}

static void who_starts_one_keeps_its_own_signals(void **state)
{
	sigset_t before, after;
	struct seen seen;
	pthread_t thread;

	(void)state;
	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	sigaddset(&before, SIGFPE);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(uv_sem_init(&seen.seen, 0), 0);
	assert_int_equal(thread_start(&thread, look, &seen), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	uv_sem_destroy(&seen.seen);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (number < 32 || number >= SIGRTMIN)
			assert_int_equal(sigismember(&before, number),
					 sigismember(&after, number));
}

static void a_thread_has_a_slice_and_keeps_all_else(void **state)
{
	static const unsigned us[] = {1000, THREAD_SLICE_LONG};
	struct slice before = slice_look(), after;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(us); i++) {
		thread_slice(us[i]);
		after = slice_look();
		assert_int_equal(after.nice, before.nice);
		assert_int_equal(after.policy, before.policy);
		if (slices_are_known())
			assert_int_equal(after.runtime_ns, us[i] * 1000);
	}
	thread_slice(THREAD_SLICE_DEFAULT);
	after = slice_look();
	assert_int_equal(after.runtime_ns, before.runtime_ns);
}

struct bell {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool has_rung;
};

static void *ring(void *arg)
{
	struct bell *bell = arg;

	pthread_mutex_lock(&bell->mutex);
	bell->has_rung = true;
	pthread_cond_signal(&bell->cond);
	pthread_mutex_unlock(&bell->mutex);
	return NULL;
}

static void
who_waits_does_so_until_he_is_woken_or_the_time_is_over(void **state)
{
	struct bell bell = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	uint64_t start = uv_hrtime();
	pthread_t thread;
	bool woken = true;

	(void)state;
	assert_int_equal(thread_cond_init(&bell.cond), 0);
	pthread_mutex_lock(&bell.mutex);
	while (thread_cond_wait(&bell.cond, &bell.mutex, 1100))
		;
	assert_true(uv_hrtime() - start >= 1100 * UINT64_C(1000000));
	assert_int_equal(thread_start(&thread, ring, &bell), 0);
	while (woken && !bell.has_rung)
		woken = thread_cond_wait(&bell.cond, &bell.mutex, 60000);
	assert_true(woken);
	pthread_mutex_unlock(&bell.mutex);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_cond_destroy(&bell.cond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_gets_the_signals_of_its_faults_and_no_others),
		cmocka_unit_test(who_starts_one_keeps_its_own_signals),
		cmocka_unit_test(a_thread_has_a_slice_and_keeps_all_else),
		cmocka_unit_test(
			who_waits_does_so_until_he_is_woken_or_the_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
