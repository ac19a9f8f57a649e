/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - threads that may be stuck when the daemon ends
 *
 * Nobody joins them: what they wait for may never come.
 */
#ifndef FS_THREAD_H
#define FS_THREAD_H

/** thread_start() - run @main on a thread that takes no signals: 0, -errno
 *
 * Signals are the main loop's.
 */
int thread_start(void *(*main)(void *arg), void *arg);

#endif
