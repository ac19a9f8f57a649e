/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dying.h - was a descriptor closed, or did its process end?
 *
 * A process that is killed closes its files like one that is done with them.
 * The kernel waits for our answer to that close, so the process can still be
 * looked at: /proc says that it is dying, and that a signal is the cause.
 */
#ifndef FS_DYING_H
#define FS_DYING_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * dying_by_signal() - the thread that a request came from is being killed
 * @pid: of the request's context; 0, or one that cannot be looked up: false
 */
bool dying_by_signal(pid_t pid);

#endif
