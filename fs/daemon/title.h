/* SPDX-License-Identifier: Apache-2.0 */
/*
 * title.h - what ps(1) and systemctl(1) show as a process's command line
 *
 * Threading: for a process with one thread.
 */
#ifndef FS_TITLE_H
#define FS_TITLE_H

#include "dns/wire/util.h"

/** title_keep() - remember where it is, as the first thing in main() */
void title_keep(int argc, char **argv);

/**
 * title_set() - another one, for a process that was forked
 *
 * It is written over the arguments, and over the environment behind them, which
 * is moved. Nobody may need the arguments any more. A long one is cut off;
 * without memory the old one stays.
 */
void title_set(const char *format, ...) PRINTF(1, 2);

#endif
