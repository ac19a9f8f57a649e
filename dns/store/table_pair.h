/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_pair.h - two tables side by side, in DNS order
 *
 * Threading: of the transaction's thread; nothing may be written meanwhile.
 */
#ifndef DNS_TABLE_PAIR_H
#define DNS_TABLE_PAIR_H

#include "dns/store/zone_layout.h"

struct table_cursor {
	MDB_cursor *cursor;
	uint32_t table;
	MDB_val key, value; /* where it is; no octets of @key: at the end */
};

struct table_pair {
	struct table_cursor a, b;
};

/* An owner that one of them has, or both. */
struct pair_entry {
	const uint8_t *key; /* name_to_key() form; borrowed */
	size_t key_len;
	struct rrsets a, b;
};

/**
 * table_pair_init() - before the first owner at or after @from
 * @has_b: false: there is no @b
 * @from:  name_to_key() form
 *
 * Return: 0, -errno; table_pair_deinit() in any case.
 */
int table_pair_init(struct table_pair *pair, const struct tables *tables,
		    MDB_txn *txn, uint32_t a, uint32_t b, bool has_b,
		    const struct zone_key *from);
void table_pair_deinit(struct table_pair *pair);

/** table_pair_next() - 0; -ENOENT: that was all; -errno */
int table_pair_next(struct table_pair *pair, struct pair_entry *out);

#endif
