// SPDX-License-Identifier: Apache-2.0
/*
 * zone_move.c - zones that come and go
 *
 * A zone that comes takes what is below it from the zone above, which is a walk
 * of that; one that goes leaves to it what its row has, and needs none. Where
 * there is no zone above, those right below one that comes have one from then
 * on: their DS is no more their own, and what delegates to them is counted.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/zone_tally.h"

/* What of the apex's own records is the zone above's: its DS. */
static int get_ds(const struct zone_tally *tally, const struct zone_key *apex,
		  struct zone_share *out)
{
	struct zone_share but_ds;
	struct rrsets rrsets;
	int r = zone_get_owner(tally->tables, tally->txn, apex, &rrsets);

	if (r < 0)
		return r;
	*out = zone_share_of(apex->octets, apex->len, rrsets, false);
	but_ds = zone_share_of(apex->octets, apex->len, rrsets, true);
	out->names -= but_ds.names;
	zone_size_add(&out->size, &but_ds.size, -1);
	return 0;
}

/* There is a zone above from now on, or no more. */
static int set_nested(struct zone_tally *tally, struct zone_at *at,
		      bool is_nested)
{
	struct zone_share ds;
	int r = get_ds(tally, &at->key, &ds);

	assert(at->counts.is_nested != is_nested);
	if (r < 0)
		return r;
	zone_share_add(&at->counts, &ds, is_nested ? -1 : 1);
	at->counts.is_nested = is_nested;
	at->counts.up = (struct zone_size){0};
	if (is_nested)
		r = zone_up(tally->tables, tally->txn, &at->key,
			    &at->counts.up);
	return r < 0 ? r : zone_at_put(tally->apexes, at);
}

/* What is in the zone that comes, and is in the zone above by now. */
static int take_region(struct zone_tally *tally, struct zone_region *region,
		       struct zone_at *new)
{
	struct zone_at nested;
	MDB_val key, value;
	int r;

	while ((r = zone_region_next(region, &key, &value, &nested)) == 0) {
		if (key.mv_size) {
			struct rrsets rrsets = {value.mv_data, value.mv_size};
			struct zone_share share = zone_share_of(
				key.mv_data, key.mv_size, rrsets, false);

			zone_share_add(&new->counts, &share, 1);
			continue;
		}
		if (!nested.counts.is_nested)
			r = set_nested(tally, &nested, true);
		if (r < 0)
			return r;
		zone_size_add(&new->counts.below, &nested.counts.up, 1);
	}
	return r == -ENOENT ? 0 : r;
}

/* All that @from has is another zone's; @sign -1: and the reverse. */
static void hand_over(struct zone_at *to, const struct zone_at *from, int sign,
		      int64_t now_ns)
{
	const struct zone_share all = {from->counts.names, from->counts.own};

	zone_share_add(&to->counts, &all, sign);
	zone_size_add(&to->counts.below, &from->counts.below, sign);
	to->counts.changed_ns = now_ns;
}

static int open_zone(struct zone_tally *tally, const struct zone_key *key)
{
	CLEANUP(zone_region_deinit) struct zone_region region = {0};
	struct zone_at above, new = {.key = *key};
	int r, r_above = zone_at_above(tally->apexes, key, &above);

	if (r_above < 0 && r_above != -ENOENT)
		return r_above;
	r = zone_region_init(&region, tally->tables, tally->txn, key);
	if (r == 0)
		r = take_region(tally, &region, &new);
	if (r < 0)
		return r;
	new.counts.changed_ns = tally->now_ns;
	if (r_above == -ENOENT)
		return zone_at_put(tally->apexes, &new);
	hand_over(&above, &new, -1, tally->now_ns);
	r = set_nested(tally, &new, true);
	zone_size_add(&above.counts.below, &new.counts.up, 1);
	return r < 0 ? r : zone_at_put(tally->apexes, &above);
}

/* No zone is above those right below the one that has gone. */
static int unnest(struct zone_tally *tally, const struct zone_key *apex)
{
	struct zone_key from = *apex;
	struct zone_at nested;
	int r;

	while ((r = zone_at_below(tally->apexes, apex, &from, &nested)) == 0) {
		r = set_nested(tally, &nested, false);
		if (r < 0)
			return r;
		from = nested.key;
		zone_key_skip(&from);
	}
	return r == -ENOENT ? 0 : r;
}

static int close_zone(struct zone_tally *tally, const struct zone_key *key)
{
	MDB_val at = {key->len, (void *)key->octets};
	struct zone_at old, above;
	int r = zone_at_get(tally->apexes, key, &old);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	if (old.counts.is_nested) {
		r = zone_at_above(tally->apexes, key, &above);
		if (r == 0)
			zone_size_add(&above.counts.below, &old.counts.up, -1);
		if (r == 0)
			r = set_nested(tally, &old, false);
		hand_over(&above, &old, 1, tally->now_ns);
		if (r == 0)
			r = zone_at_put(tally->apexes, &above);
	} else {
		r = unnest(tally, key);
	}
	return r < 0 ? r
		     : table_errno(mdb_del(tally->txn, tally->tables->apexes,
					   &at, NULL));
}

int zone_tally_soa(struct zone_tally *tally, const uint8_t *octets, size_t len,
		   bool comes)
{
	struct zone_key key;

	assert(!tally->is_found);
	zone_key_set(&key, octets, len);
	return comes ? open_zone(tally, &key) : close_zone(tally, &key);
}
