/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_table.h - circuitfs's own options: one row is all there is to know
 *
 * A row has the name, the unit, the bounds, the default and what -h says. What
 * a number is if it is not given, and what -h tells of that, is one field. A
 * new option is a row, a member of struct options for it, and its place in
 * circuitfs(8), which a test compares with -h.
 *
 * What a text says is checked by options_check.h, when all are read.
 *
 * Threading: the main thread, at the start.
 */
#ifndef FS_OPTIONS_TABLE_H
#define FS_OPTIONS_TABLE_H

#include "fs/daemon/options.h"

/** options_table_set() - each number is what it is if it is not given */
void options_table_set(struct options *options);

/**
 * options_table_take() - one option, as it stands behind -o
 * @arg: "name=value"; the last one of a name counts
 *
 * Return: 0; 1: no row takes it; -EINVAL, and the reason was logged; -ENOMEM.
 */
int options_table_take(struct options *options, const char *arg);

/** options_table_print() - the rows as -h has them, to stdout */
void options_table_print(void);

#endif
