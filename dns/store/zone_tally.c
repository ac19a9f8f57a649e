// SPDX-License-Identifier: Apache-2.0
/*
 * zone_tally.c - keep the rows of `apexes` true while owners change
 *
 * Of owners that come in order mostly many are of one zone: its row is kept at
 * hand, and written when another one's is needed.
 */
#include <assert.h>
#include <errno.h>
#include <uthash.h>

#include "dns/store/zone_tally.h"

/*
 * Of more name servers than these nobody looks whether an owner is one of them:
 * what the zone above shows is looked at again with any address that changes.
 */
#define SERVERS_FEW 64

/* A nested zone of which the zone above may show something else. */
struct zone_stale {
	UT_hash_handle hh;
	struct zone_key apex;
};

/* ---- Begin and end ---- */

static void forget_stale(struct zone_tally *tally)
{
	struct zone_stale *stale, *next;

	HASH_ITER (hh, tally->stale, stale, next) {
		HASH_DEL(tally->stale, stale);
		free(stale);
	}
}

int zone_tally_init(struct zone_tally *tally, const struct tables *tables,
		    MDB_txn *txn, int64_t now_ns)
{
	tally->tables = tables;
	tally->txn = txn;
	tally->now_ns = now_ns;
	return table_errno(
		mdb_cursor_open(txn, tables->apexes, &tally->apexes));
}

void zone_tally_deinit(struct zone_tally *tally)
{
	table_cursor_closep(&tally->apexes);
	forget_stale(tally);
}

/* ---- Owners ---- */

int zone_tally_flush(struct zone_tally *tally)
{
	bool is_due = tally->is_found && tally->is_changed;

	tally->is_found = tally->is_changed = tally->has_until = false;
	return is_due ? zone_at_put(tally->apexes, &tally->at) : 0;
}

/* The first apex behind @from: up to there the row at hand is the one. */
static int find_until(struct zone_tally *tally)
{
	const struct zone_key *from = &tally->from;
	MDB_val value, key = {from->len, (void *)from->octets};
	int rc = mdb_cursor_get(tally->apexes, &key, &value, MDB_SET_RANGE);

	if (rc == 0 && zone_key_is(from, key.mv_data, key.mv_size))
		rc = mdb_cursor_get(tally->apexes, &key, &value, MDB_NEXT);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return table_errno(rc);
	tally->until.len = 0;
	if (rc == 0)
		zone_key_set(&tally->until, key.mv_data, key.mv_size);
	tally->has_until = true;
	return 0;
}

static bool is_at_hand(const struct zone_tally *tally, const uint8_t *key,
		       size_t len)
{
	const struct zone_key *from = &tally->from, *until = &tally->until;

	if (table_key_compare(key, len, from->octets, from->len) < 0 ||
	    (until->len &&
	     table_key_compare(key, len, until->octets, until->len) >= 0))
		return false;
	return !tally->at.key.len ||
	       table_key_is_under(key, len, tally->at.key.octets,
				  tally->at.key.len);
}

/* Have the row of the zone that @key is in at hand; or none. */
static int find(struct zone_tally *tally, const uint8_t *key, size_t len)
{
	int r = 0;

	if (tally->is_found && !tally->has_until)
		r = find_until(tally);
	if (r < 0 || (tally->is_found && is_at_hand(tally, key, len)))
		return r;
	r = zone_tally_flush(tally);
	if (r == 0)
		r = zone_at_find(tally->apexes, key, len, &tally->at);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT)
		tally->at.key.len = 0;
	zone_key_set(&tally->from, key, len);
	tally->is_found = true;
	return 0;
}

static bool is_stale(const struct zone_tally *tally,
		     const struct zone_key *apex)
{
	struct zone_stale *stale;

	HASH_FIND(hh, tally->stale, apex->octets, apex->len, stale);
	return stale;
}

static int add_stale(struct zone_tally *tally, const struct zone_key *apex)
{
	struct zone_stale *stale;

	if (is_stale(tally, apex))
		return 0;
	stale = malloc(sizeof(*stale));
	if (!stale)
		return -ENOMEM;
	stale->apex = *apex;
	HASH_ADD(hh, tally->stale, apex.octets, apex->len, stale);
	return 0;
}

static bool may_be_glue(const struct zone_key *apex, struct rrsets rrsets,
			const uint8_t *key, size_t len)
{
	struct rrset ns;

	if (!rrsets_find(rrsets, RR_NS, &ns))
		return false;
	return ns.count > SERVERS_FEW ||
	       zone_names_server(apex, rrsets, key, len);
}

/* An address has changed: it may be glue, of any zone that it is nested in. */
static int look_for_glue(struct zone_tally *tally, const uint8_t *key,
			 size_t len)
{
	struct zone_at at = tally->at;
	struct rrsets rrsets;
	int r = 0;

	while (r == 0 && at.counts.is_nested) {
		struct zone_key apex = at.key;

		if (!is_stale(tally, &apex))
			r = zone_get_owner(tally->tables, tally->txn, &apex,
					   &rrsets);
		else
			rrsets = (struct rrsets){0};
		if (r == 0 && may_be_glue(&apex, rrsets, key, len))
			r = add_stale(tally, &apex);
		if (r == 0)
			r = zone_at_above(tally->apexes, &apex, &at);
	}
	return r;
}

/* Where it is less, unsigned arithmetic wraps. */
static void add_diff(struct zone_counts *counts, const struct zone_diff *diff)
{
	counts->names += (uint64_t)(int64_t)diff->names;
	counts->own.records += (uint64_t)(int64_t)diff->records;
	counts->own.text += (uint64_t)(int64_t)diff->text;
	counts->own.wire += (uint64_t)(int64_t)diff->wire;
}

int zone_tally_owner(struct zone_tally *tally, const uint8_t *key, size_t len,
		     const struct zone_change *change)
{
	struct zone_counts *counts = &tally->at.counts;
	bool is_delegated;
	int r;

	if (!change->differs)
		return 0;
	r = find(tally, key, len);
	if (r < 0 || !tally->at.key.len)
		return r;
	is_delegated = counts->is_nested && tally->at.key.len == len;
	if (!is_delegated || change->differs_but_ds) {
		add_diff(counts, is_delegated ? &change->but_ds : &change->all);
		counts->changed_ns = tally->now_ns;
		counts->is_ahead |= tally->marks_ahead;
		tally->is_changed = true;
	}
	if (is_delegated && change->delegates)
		r = add_stale(tally, &tally->at.key);
	if (r == 0 && change->addresses)
		r = look_for_glue(tally, key, len);
	return r;
}

/* ---- What the zones above show ---- */

static int refresh(struct zone_tally *tally, const struct zone_key *apex)
{
	struct zone_size before;
	struct zone_at at, above;
	int r = zone_at_get(tally->apexes, apex, &at);

	if (r == 0)
		r = zone_at_above(tally->apexes, apex, &above);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	before = at.counts.up;
	r = zone_up(tally->tables, tally->txn, apex, &at.counts.up);
	zone_size_add(&above.counts.below, &at.counts.up, 1);
	zone_size_add(&above.counts.below, &before, -1);
	above.counts.changed_ns = tally->now_ns;
	above.counts.is_ahead |= tally->marks_ahead;
	if (r == 0)
		r = zone_at_put(tally->apexes, &at);
	return r < 0 ? r : zone_at_put(tally->apexes, &above);
}

int zone_tally_end(struct zone_tally *tally)
{
	int r = 0;

	assert(!tally->is_found);
	for (struct zone_stale *stale = tally->stale; r == 0 && stale;
	     stale = stale->hh.next)
		r = refresh(tally, &stale->apex);
	return r;
}
