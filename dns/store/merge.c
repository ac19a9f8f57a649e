// SPDX-License-Identifier: Apache-2.0
/*
 * merge.c - two tables side by side, zone by zone
 *
 * Owners come in DNS order, so all of a zone is together but for what is nested
 * in it: the zones that an owner is in are a stack. One is entered at its apex,
 * on whichever side that has an SOA, and left behind its last owner; then all
 * is known of it, and its serial is set.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/store/merge_layout.h"

int merge_look(const struct view *view, const struct name *owner,
	       struct rrsets *out)
{
	const struct merge_side *side =
		container_of(view, struct merge_side, view);
	const struct settling *settling = &side->merge->settling;

	return table_get_owner(settling->tables, settling->txn, side->table,
			       owner, out);
}

/* ---- What is written into the new table ---- */

static void apply_open(struct merge *merge, struct apply *apply)
{
	*apply = (struct apply){
		.tables = merge->settling.tables,
		.txn = merge->settling.txn,
		.table = merge->to.table,
		/* What it comes to is looked at when it is published. */
		.fresh = true,
		.now_ns = merge->settling.now_ns,
	};
	merge->apply = apply;
}

static int apply_close(struct merge *merge, struct apply *apply, int r)
{
	if (r == 0 && apply_count(apply))
		r = apply_end(apply);
	apply_deinit(apply);
	merge->apply = NULL;
	/* A loose table has no home, and so nobody refuses. */
	return r > 0 ? -EIO : r;
}

int merge_write_owner(struct merge *merge, const uint8_t *key, size_t key_len,
		      struct rrsets old, struct rrsets new)
{
	uint8_t octets[TABLE_KEY_SIZE];
	struct name owner;

	if (name_from_key(key, key_len, &owner) < 0)
		return -EIO;
	put_u32(octets, merge->to.table);
	memcpy(octets + TABLE_NUMBER_SIZE, key, key_len);
	return apply_add(merge->apply, octets, TABLE_NUMBER_SIZE + key_len,
			 &owner, old, new);
}

/* ---- Slices ---- */

static bool has_soa(struct rrsets rrsets)
{
	struct rrset soa;

	return rrsets_find(rrsets, RR_SOA, &soa);
}

/* It reads, but for zones that end: what these write is elsewhere. */
static int pair_step(struct merge *merge, struct table_pair *pair)
{
	struct pair_entry at;
	int r = table_pair_next(pair, &at);

	if (r < 0)
		return r;
	/* The next key behind it: the shortest label's. */
	zone_key_set(&merge->place, at.key, at.key_len);
	merge->place.octets[merge->place.len++] = 0;
	if (has_soa(at.a) || has_soa(at.b))
		r = merge_enter(merge, &at);
	return r ? r : merge_owner(merge, &at);
}

/*
 * Does the next owner leave a zone? Then what that writes comes first, and the
 * pair is made anew: it may not see writes.
 */
static bool leaves(const struct merge *merge, const struct table_pair *pair)
{
	const struct open_zone *zone = merge->open;
	const MDB_val *keys[] = {&pair->a.key, &pair->b.key};
	bool stays = false;

	for (size_t i = 0; zone && i < 2; i++)
		stays |=
			keys[i]->mv_size &&
			table_key_is_under((uint8_t *)keys[i]->mv_data +
						   TABLE_NUMBER_SIZE,
					   keys[i]->mv_size - TABLE_NUMBER_SIZE,
					   zone->key.octets, zone->key.len);
	return zone && !stays;
}

static int leave_for(struct merge *merge, const struct table_pair *pair)
{
	const MDB_val *a = &pair->a.key, *b = &pair->b.key;
	const MDB_val *first = !a->mv_size ? b : a;
	uint8_t key[TABLE_KEY_SIZE];
	size_t len;

	if (a->mv_size && b->mv_size &&
	    table_key_compare((uint8_t *)a->mv_data + TABLE_NUMBER_SIZE,
			      a->mv_size - TABLE_NUMBER_SIZE,
			      (uint8_t *)b->mv_data + TABLE_NUMBER_SIZE,
			      b->mv_size - TABLE_NUMBER_SIZE) > 0)
		first = b;
	if (!first->mv_size)
		return merge_leave(merge, NULL, 0);
	len = first->mv_size - TABLE_NUMBER_SIZE;
	memcpy(key, (uint8_t *)first->mv_data + TABLE_NUMBER_SIZE, len);
	return merge_leave(merge, key, len);
}

/* What the owners so far have filled of a journal. */
static int flush(struct merge *merge, struct open_zone *zone)
{
	int r = settle_zone_row(&zone->zone, &merge->settling);

	return r ? r
		 : journal_flush(zone->entry, merge->settling.txn,
				 &zone->zone.row);
}

/* Owners up to where something is to be written, or the end of the slice. */
static int pair_run(struct merge *merge, size_t *max)
{
	CLEANUP(table_pair_deinit) struct table_pair pair = {0};
	const struct settling *settling = &merge->settling;
	int r = table_pair_init(&pair, settling->tables, settling->txn,
				merge->from.table, merge->to.table, true,
				&merge->place);

	while (r == 0 && *max) {
		struct open_zone *zone = merge->open;

		--*max;
		if (leaves(merge, &pair))
			return leave_for(merge, &pair);
		if (zone && zone->entry && journal_is_full(zone->entry))
			return flush(merge, zone);
		r = pair_step(merge, &pair);
	}
	if (r != -ENOENT)
		return r;
	merge->is_done = true;
	return merge_leave(merge, NULL, 0);
}

int merge_slice(struct merge *merge, MDB_txn *txn, size_t max, bool *left)
{
	struct apply apply;
	int r;

	assert(!merge->is_done);
	merge->settling.txn = txn;
	apply_open(merge, &apply);
	r = apply_begin(&apply);
	if (r == 0 && merge->carried < merge->secondaries.len)
		r = merge_carry_slice(merge, txn, max);
	else
		while (r == 0 && max && !merge->is_done)
			r = pair_run(merge, &max);
	r = apply_close(merge, &apply, r);
	*left = !merge->is_done;
	return r;
}

/* ---- Begin and end ---- */

static void merge_freep(struct merge **merge)
{
	merge_free(*merge);
}

int merge_new(struct merge **out, const struct tables *tables, MDB_txn *txn,
	      uint32_t home, uint32_t from, uint32_t to,
	      const struct name *taken, enum settle_by by, int64_t now_ns)
{
	CLEANUP(merge_freep) struct merge *merge = calloc(1, sizeof(*merge));
	int r;

	if (!merge)
		return -ENOMEM;
	merge->from = (struct merge_side){{merge_look}, merge, from};
	merge->to = (struct merge_side){{merge_look}, merge, to};
	r = settling_begin(&merge->settling, tables, txn, home, by, now_ns);
	if (r == 0)
		r = merge_find_secondaries(merge, txn, taken);
	if (r == 0)
		*out = steal(&merge);
	return r;
}

struct merge *merge_free(struct merge *merge)
{
	struct open_zone *zone, *next;

	if (!merge)
		return NULL;
	LL_FOREACH_SAFE (merge->open, zone, next)
		merge_zone_free(zone);
	zone_take_deinit(&merge->take);
	buffer_deinit(&merge->secondaries);
	buffer_deinit(&merge->done);
	free(merge);
	return NULL;
}
