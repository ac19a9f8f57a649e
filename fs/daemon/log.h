/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for whoever runs the daemon
 *
 * In the foreground they go to stderr, each behind "circuitfs: "; where that
 * is the journal's, with their priority in the form of sd-daemon(3). In the
 * background they go to the system's log, if there is one at the start.
 *
 * What clients do wrong is for `error` files, never for this log. A line that
 * says "error" is a fault of ours.
 *
 * Nobody is ever waited for: what a full pipe, or a log that does not keep up,
 * has no room for is left out. So is what comes faster than LOG_PER_SECOND in
 * the long run. The next line that goes out tells how many were.
 *
 * Even what has room may let its writer wait: a dead disk, a pipe that others
 * fill, a file in our own tree. So once the daemon serves, lines are written by
 * a thread of their own.
 *
 * How: log_line() prints the text and asks its allowance, one for warnings and
 * what is worse, another for the rest. Before log_start() and after log_end()
 * it then writes; in between it hands a copy to a queue under a mutex, from
 * which the thread takes them in order. Whoever writes asks poll(2) for room,
 * prints the head that the form wants, escapes the text, and calls write(2)
 * once for each line. What is left out at any of these steps is counted.
 *
 * Threading: the main loop; the mounter has a log of its own.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include <stdbool.h>
#include <syslog.h>

#include "dns/wire/util.h"

#define LOG_PER_SECOND 10
#define LOG_AT_ONCE    100

/** log_open() - see whether stderr is the journal's */
void log_open(void);

/** log_connect() - to the system's log; before rights are given up */
void log_connect(void);

/** log_leave_stderr() - to the system's log from here on, or nowhere */
void log_leave_stderr(void);

/* How long lines are waited for that are on their way at the end. */
#define LOG_END_MS 1000

/** log_start() - from here on a thread writes; without one, all goes on so */
void log_start(void);

/** log_end() - wait a moment for the last lines; then write them here again */
void log_end(void);

/**
 * log_line() - one line
 * @priority: of syslog(3), from LOG_ERR to LOG_INFO. Warnings, and what is
 *            worse, are not left out for the others' sake.
 *
 * Octets that are no text, in UTF-8, are escaped as in a domain name, "\010";
 * so are control characters.
 */
void log_line(int priority, const char *format, ...) PRINTF(2, 3);

/**
 * log_catch_fuse() - keep what libfuse says, instead of letting it print
 *
 * libfuse writes to stderr in its own form. With this, log_fuse() writes one
 * line of ours; what it says for -d still goes straight to stderr.
 */
void log_catch_fuse(void);

/** log_fuse() - log the first line libfuse said, or errno's text, behind @what
 */
void log_fuse(const char *what);

#endif
