/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - the one way in which the daemon starts a thread
 *
 * Signals are the main loop's, so every other thread blocks them. SIGSEGV,
 * SIGBUS, SIGFPE and SIGILL stay open: a fault of the thread's own sends them,
 * and whoever reports it (a sanitizer, a handler) must see them there.
 *
 * And how a thread waits within a time: by a clock that nobody sets; and for
 * how long it goes on where others want its processor.
 */
#ifndef DNS_THREAD_H
#define DNS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Microseconds of a processor, for thread_slice(). */
#define THREAD_SLICE_DEFAULT 0	  /* the system's: mostly 1,400 to 3,000 */
#define THREAD_SLICE_LONG    5000 /* works for long, and nobody waits for it */

/**
 * thread_start() - run @main(@arg) on a thread of its own; any thread
 * @out: receives the thread, to be given to pthread_join() once; NULL: it is
 *       detached, for one that may be stuck for good when the daemon ends
 *
 * Return: 0; -EAGAIN: the system has no more threads to give.
 */
int thread_start(pthread_t *out, void *(*main)(void *arg), void *arg);

/**
 * thread_slice() - have the calling thread run for so long at a time
 * @us: microseconds of the processor, up to 100,000; one of the above
 *
 * Its share stays what it is, with short turns or long ones. But one that wakes
 * is let in by who has a longer slice, and has to wait for who has a shorter
 * one. So a long one is for who has long work. A short one is no good for who
 * shall be let in: with 0.1 ms for the main loop an edit took 1.4 times as
 * long, since who has just slept is not in its turn yet. Threads that it starts
 * have its slice. Linux before 6.12 knows no such thing and leaves all as it
 * is; so does who may not set it.
 */
void thread_slice(unsigned us);

/** thread_cond_init() - one for thread_cond_wait(): 0, -ENOMEM, -EAGAIN */
int thread_cond_init(pthread_cond_t *cond);

/**
 * thread_cond_wait() - as pthread_cond_wait(), and for @ms milliseconds at most
 * Return: false: the time is over.
 */
bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
		      unsigned ms);

#endif
