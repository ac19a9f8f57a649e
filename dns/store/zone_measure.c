// SPDX-License-Identifier: Apache-2.0
/*
 * zone_measure.c - the rows of `apexes` anew, of all tables
 *
 * First what each zone shows to the one above, which looks at a few owners;
 * then what is its own, which walks all of them once.
 */
#include <errno.h>

#include "dns/store/zone_layout.h"

struct measure {
	const struct tables *tables;
	MDB_txn *txn;
	MDB_cursor *rows;   /* the walk; it writes too */
	MDB_cursor *apexes; /* looks elsewhere */
	struct zone_at at;  /* the row at hand */
};

static void measure_deinit(struct measure *measure)
{
	table_cursor_closep(&measure->rows);
	table_cursor_closep(&measure->apexes);
}

static int measure_up(struct measure *measure)
{
	struct zone_counts *counts = &measure->at.counts;
	struct zone_at above;
	int r = zone_at_above(measure->apexes, &measure->at.key, &above);

	if (r < 0 && r != -ENOENT)
		return r;
	counts->is_nested = r == 0;
	counts->up = (struct zone_size){0};
	return r == 0 ? zone_up(measure->tables, measure->txn, &measure->at.key,
				&counts->up)
		      : 0;
}

static int measure_own(struct measure *measure)
{
	CLEANUP(zone_region_deinit) struct zone_region region = {0};
	struct zone_at *at = &measure->at, nested;
	MDB_val key, value;
	int r = zone_region_init(&region, measure->tables, measure->txn,
				 &at->key);

	at->counts.names = 0;
	at->counts.own = at->counts.below = (struct zone_size){0};
	while (r == 0) {
		r = zone_region_next(&region, &key, &value, &nested);
		if (r == 0 && !key.mv_size)
			zone_size_add(&at->counts.below, &nested.counts.up, 1);
		if (r == 0 && key.mv_size) {
			struct rrsets rrsets = {value.mv_data, value.mv_size};
			bool is_delegated = at->counts.is_nested &&
					    key.mv_size == at->key.len;
			struct zone_share share = zone_share_of(
				key.mv_data, key.mv_size, rrsets, is_delegated);

			zone_share_add(&at->counts, &share, 1);
		}
	}
	return r == -ENOENT ? 0 : r;
}

static int measure_all(struct measure *measure, int (*one)(struct measure *))
{
	MDB_val key, value;
	int r = 0, rc = mdb_cursor_get(measure->rows, &key, &value, MDB_FIRST);

	while (rc == 0 && r == 0) {
		r = zone_at_from(key, value, &measure->at);
		if (r == 0)
			r = one(measure);
		if (r == 0)
			r = zone_at_put(measure->rows, &measure->at);
		if (r == 0)
			rc = mdb_cursor_get(measure->rows, &key, &value,
					    MDB_NEXT);
	}
	return r < 0 || rc == MDB_NOTFOUND ? r : table_errno(rc);
}

int zones_measure(const struct tables *tables, MDB_txn *txn)
{
	CLEANUP(measure_deinit)
	struct measure measure = {.tables = tables, .txn = txn};
	int rc = mdb_cursor_open(txn, tables->apexes, &measure.rows), r;

	if (rc == 0)
		rc = mdb_cursor_open(txn, tables->apexes, &measure.apexes);
	if (rc != 0)
		return table_errno(rc);
	r = measure_all(&measure, measure_up);
	return r < 0 ? r : measure_all(&measure, measure_own);
}
