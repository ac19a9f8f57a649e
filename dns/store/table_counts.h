/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_counts.h - a table's counts in a write transaction, for table.c and
 * table_apply.c
 */
#ifndef DNS_TABLE_COUNTS_H
#define DNS_TABLE_COUNTS_H

#include "dns/store/table.h"

/** table_get_counts() - 0; -ENOENT: no such table; -errno */
int table_get_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     struct table_counts *out);

/** table_put_counts() - 0; -errno */
int table_put_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     const struct table_counts *counts);

#endif
