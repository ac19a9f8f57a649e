/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - a store of tables for unit tests
 *
 * One lives for a whole group of tests, each of which makes tables in it.
 */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include "dns/store/snapshot.h"
#include "dns/store/table.h"

struct test_tables {
	MDB_env *env;
	struct tables tables;
	struct snapshot *snapshot;
};

/* The group's store. */
extern struct test_tables tt;

/* cmocka group fixtures; the state is not used. */
int test_tables_open(void **state);
int test_tables_close(void **state);

/* A write transaction that is there until test_commit(). */
MDB_txn *test_begin(void);
void test_commit(MDB_txn *txn);

/* The changes that a zone file's text makes; the text has to be good. */
void test_change(struct change *change, const char *text);

/* Apply text to a table, in a transaction of its own; table_apply()'s result.
 */
int test_apply(uint32_t table, const char *text, bool fresh,
	       struct refusal *why);

uint32_t test_new_table(void);

/* All records of a table as text: the caller frees. */
char *test_dump(uint32_t table);

struct name test_name(const char *text);

#endif
