/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - the one way in which the daemon starts a thread
 *
 * Signals are the main loop's, so every other thread blocks them. SIGSEGV,
 * SIGBUS, SIGFPE and SIGILL stay open: a fault of the thread's own sends them,
 * and whoever reports it (a sanitizer, a handler) must see them there.
 *
 * And how a thread waits within a time: by a clock that nobody sets.
 */
#ifndef DNS_THREAD_H
#define DNS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/**
 * thread_start() - run @main(@arg) on a thread of its own; any thread
 * @out: receives the thread, to be given to pthread_join() once; NULL: it is
 *       detached, for one that may be stuck for good when the daemon ends
 *
 * Return: 0; -EAGAIN: the system has no more threads to give.
 */
int thread_start(pthread_t *out, void *(*main)(void *arg), void *arg);

/** thread_cond_init() - one for thread_cond_wait(): 0, -ENOMEM, -EAGAIN */
int thread_cond_init(pthread_cond_t *cond);

/**
 * thread_cond_wait() - as pthread_cond_wait(), and for @ms milliseconds at most
 * Return: false: the time is over.
 */
bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
		      unsigned ms);

#endif
