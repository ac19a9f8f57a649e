/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_layout.h - the values of the databases in a transaction, of whichever
 * kind, for table.c, table_apply.c and snapshot.c
 */
#ifndef DNS_TABLE_LAYOUT_H
#define DNS_TABLE_LAYOUT_H

#include "dns/store/table.h"

struct served;

/** table_get_counts() - 0; -ENOENT: no such table; -errno */
int table_get_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     struct table_counts *out);

/** table_put_counts() - 0; -errno */
int table_put_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     const struct table_counts *counts);

/** table_put_served() - see home.h: 0; -errno */
int table_put_served(const struct tables *tables, MDB_txn *txn, uint64_t server,
		     const struct served *served);

/**
 * table_get_owner() - what an owner has; good until the transaction writes
 * Return: 0; -ENOENT: nothing; -errno.
 */
int table_get_owner(const struct tables *tables, MDB_txn *txn, uint32_t table,
		    const struct name *owner, struct rrsets *out);

/**
 * table_del_slice() - remove rows whose keys begin so
 * @max:  up to so many, where a large one counts as one more for each 4 KiB:
 *        its pages are freed one by one; what is left of it is set
 * @left: was that not all? untouched on failure
 *
 * Return: 0; -errno.
 */
int table_del_slice(MDB_txn *txn, MDB_dbi dbi, MDB_val prefix, size_t *max,
		    bool *left);

/* For CLEANUP; NULL is fine. */
static inline void table_cursor_closep(MDB_cursor **cursor)
{
	if (*cursor)
		mdb_cursor_close(*cursor);
	*cursor = NULL;
}

#endif
