/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.h - what /proc tells of the thread that waits for our answer
 *
 * A request says what is to be done and not why. But its caller waits in the
 * kernel until we answer, so it can be looked at in the meantime.
 *
 * @pid: of the request's context; 0, or one that we may not look at: false.
 */
#ifndef FS_CALLER_H
#define FS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * caller_is_killed() - it is being ended by a signal
 *
 * A process that is killed closes its files like one that is done with them.
 */
bool caller_is_killed(pid_t pid);

/**
 * caller_copies() - it is cp(1) or tar(1)
 *
 * They make a directory and then what is in it, by O_EXCL and mkdir(2), and
 * read nothing there. What they look up on the way must not be there, or the
 * kernel tells them EEXIST without asking us.
 */
bool caller_copies(pid_t pid);

#endif
