/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_check.h - what was given, made into what is used
 *
 * The options stand in any order and may be given twice, so what they say is
 * looked at when all are read. Then what is missing is filled in, texts become
 * addresses, users and paths, and what libfuse is to be told is made up.
 *
 * Threading: the main thread, at the start, before it leaves the terminal and
 * its working directory.
 */
#ifndef FS_OPTIONS_CHECK_H
#define FS_OPTIONS_CHECK_H

#include "fs/daemon/options.h"

/**
 * options_check() - check them all, and fill in what is not given
 * Return: 0; -EINVAL, and the reason was logged; -ENOMEM, -errno.
 */
int options_check(struct options *options);

#endif
