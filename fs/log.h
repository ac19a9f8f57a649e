/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for whoever runs the daemon: stderr
 *
 * What clients do wrong is for `error` files, never for this log. A line that
 * says "error" is a fault of ours.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include "dns/util.h"

/** log_line() - one line, with the program's name before it */
void log_line(const char *format, ...) PRINTF(1, 2);

/** log_quiet() - log nothing from here on: nobody reads stderr any more */
void log_quiet(void);

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
