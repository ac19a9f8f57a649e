/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_tables.h - a store of tables for tests: in memory as far as that
 * goes, and gone with the process however it ends
 */
#ifndef TESTS_MEMORY_TABLES_H
#define TESTS_MEMORY_TABLES_H

#include "dns/store/table.h"

/**
 * memory_tables_open() - make a store, and the databases in it
 * @env:    the caller closes it
 * @tables: borrows @env
 *
 * Return: 0; -errno.
 */
int memory_tables_open(MDB_env **env, struct tables *tables);

#endif
