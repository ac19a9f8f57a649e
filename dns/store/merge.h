/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.h - a replacement of all records, settled before it is published
 *
 * Of a nameserver with a home, what replaces its table means something for each
 * of its zones. Both tables are gone through side by side, in slices, while the
 * old one is still served and may be changed:
 *
 * - zones that are secondaries are carried over into the new table, instead of
 *   what it has of them;
 * - zones that have changed get their next serial, in the new table;
 * - and what has changed is written as entries of journals that nobody sees
 * yet.
 *
 * merge_end() makes all of that true, in the transaction that publishes the new
 * table. If anything was changed meanwhile, it is all to be done again.
 *
 * Threading: the writer's. Memory: of each zone that has changed its name, and
 * for those that an owner is in some chunks of a journal.
 */
#ifndef DNS_MERGE_H
#define DNS_MERGE_H

#include "dns/store/settle.h"

struct merge;

/**
 * merge_new() - nothing is done yet
 * @from, @to: the table that is served, and the one that is to be
 * @taken:     NULL; or the secondary whose records have come, with its serial;
 *             or the zone that is removed
 * @by:        who changes records
 *
 * Return: 0, -errno.
 */
int merge_new(struct merge **out, const struct tables *tables, MDB_txn *txn,
	      uint32_t home, uint32_t from, uint32_t to,
	      const struct name *taken, enum settle_by by, int64_t now_ns);
struct merge *merge_free(struct merge *merge); /* NULL is fine */

/** merge_slice() - go on for about @max owners; 0, -errno */
int merge_slice(struct merge *merge, MDB_txn *txn, size_t max, bool *left);

/**
 * merge_end() - all slices are done, and nothing has changed: settle it
 *
 * May be done again, where the transaction is lost. Return: 0; -EAGAIN: zones
 * or the home have changed meanwhile, and nothing was written; -errno.
 */
int merge_end(const struct merge *merge, MDB_txn *txn);

#endif
