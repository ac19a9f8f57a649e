/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - a store of tables in a directory of its own, for unit tests
 */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include "dns/store/snapshot.h"
#include "dns/store/table.h"

struct test_tables {
	char dir[64];
	MDB_env *env;
	struct tables tables;
	struct snapshot *snapshot;
};

void test_tables_open(struct test_tables *tt);
void test_tables_close(struct test_tables *tt);

/* A write transaction that is there until test_commit(). */
MDB_txn *test_begin(struct test_tables *tt);
void test_commit(MDB_txn *txn);

/* The changes that a zone file's text makes; the text has to be good. */
void test_change(struct change *change, const char *text);

/* Apply text to a table, in a transaction of its own; table_apply()'s result.
 */
int test_apply(struct test_tables *tt, uint32_t table, const char *text,
	       bool fresh, struct refusal *why);

uint32_t test_new_table(struct test_tables *tt);

/* All records of a table as text: the caller frees. */
char *test_dump(struct test_tables *tt, uint32_t table);

struct name test_name(const char *text);

#endif
