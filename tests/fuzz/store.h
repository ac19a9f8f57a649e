/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - tables for fuzz targets: in memory as far as that goes, and gone
 * with the process however it ends
 */
#ifndef TESTS_FUZZ_STORE_H
#define TESTS_FUZZ_STORE_H

#include "dns/store/snapshot.h"
#include "dns/store/table.h"

/** store_snapshot() - of the one store, which is made at the first call */
struct snapshot *store_snapshot(void);

/** store_tables() - the same store */
const struct tables *store_tables(void);

/** store_begin() - a write transaction, for the caller to commit */
MDB_txn *store_begin(void);

/** store_table() - a new table, empty */
uint32_t store_table(void);

/** store_apply() - table_apply(), committed; anything but a refusal aborts */
int store_apply(uint32_t table, const struct change *change, bool fresh,
		struct refusal *why);

/** store_load() - a table of a master file, which must be good */
uint32_t store_load(const char *text);

/** store_free() - a table that is used no more */
void store_free(uint32_t table);

#endif
