/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - the one way in which the daemon starts a thread
 *
 * Signals are the main loop's, so every other thread blocks them. SIGSEGV,
 * SIGBUS, SIGFPE and SIGILL stay open: a fault of the thread's own sends them,
 * and whoever reports it (a sanitizer, a handler) must see them there.
 */
#ifndef DNS_THREAD_H
#define DNS_THREAD_H

#include <pthread.h>

/**
 * thread_start() - run @main(@arg) on a thread of its own; any thread
 * @out: receives the thread, to be given to pthread_join() once; NULL: it is
 *       detached, for one that may be stuck for good when the daemon ends
 *
 * Return: 0; -EAGAIN: the system has no more threads to give.
 */
int thread_start(pthread_t *out, void *(*main)(void *arg), void *arg);

#endif
