// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dns/wire/thread.h"

int thread_start(pthread_t *out, void *(*main)(void *arg), void *arg)
{
	sigset_t blocked, before;
	pthread_t thread;
	int error;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	/* A thread inherits the mask, so there is no moment without it. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(&thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	if (out)
		*out = thread;
	else
		pthread_detach(thread);
	return 0;
}

/* sched_setattr(2): libc has it only since lately, and its header elsewhere. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns; /* the slice: 0 is the system's */
	uint64_t deadline_ns, period_ns;
};

void thread_slice(unsigned us)
{
	struct scheduling now = {0};

	/* All else that it has, as its nice, stays. */
	if (syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) < 0)
		return;
	now.runtime_ns = (uint64_t)us * 1000;
	syscall(SYS_sched_setattr, 0, &now, 0);
}

int thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r)
		return -r;
	r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return -r;
}

bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(cond, mutex, &until) == 0;
}
