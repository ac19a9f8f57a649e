// SPDX-License-Identifier: Apache-2.0
/*
 * settle_sides.c - what an owner has before a change and after it, and in which
 * zone it is
 *
 * After it an owner has its verdict's value, or else what it has by now. An
 * SOA that comes or goes is known here before any owner's zone is asked for.
 */
#include <errno.h>

#include "dns/store/settle_layout.h"

/* ---- Both sides ---- */

static int look_before(const struct view *view, const struct name *owner,
		       struct rrsets *out)
{
	const struct apply *apply =
		container_of(view, struct settle_side, view)->settle->apply;

	return table_get_owner(apply->tables, apply->txn, apply->table, owner,
			       out);
}

static size_t find_verdict(const struct settle *settle, const uint8_t *key,
			   size_t key_len)
{
	size_t low = 0, high = settle->judged;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct verdict *there =
			apply_verdict(settle->apply, middle);
		int order = table_key_compare(apply_key(settle->apply, there),
					      there->key_len, key, key_len);

		if (!order)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SETTLE_NONE;
}

static int look_after(const struct view *view, const struct name *owner,
		      struct rrsets *out)
{
	const struct settle *settle =
		container_of(view, struct settle_side, view)->settle;
	uint8_t key[TABLE_KEY_SIZE];
	size_t len = table_key(key, settle->apply->table, owner), i;

	i = find_verdict(settle, key, len);
	if (i == SETTLE_NONE)
		return look_before(&settle->before.view, owner, out);
	*out = apply_value(settle->apply, apply_verdict(settle->apply, i));
	return 0;
}

/* ---- Zones ---- */

static int make_zone(struct settle *settle, const struct name *apex,
		     struct touched_zone **out)
{
	CLEANUP(freep) struct touched_zone *made = calloc(1, sizeof(*made));
	const struct apply *apply = settle->apply;
	struct zone_counts counts = {0};
	struct rrsets before, after;
	uint8_t key[TABLE_KEY_SIZE];
	int r;

	if (!made)
		return -ENOMEM;
	made->first = made->last = SETTLE_NONE;
	made->verdict =
		find_verdict(settle, key, table_key(key, apply->table, apex));
	r = table_zone(apply->tables, apply->txn, apply->table, apex, &counts);
	if (r == 0 || r == -ENOENT)
		r = settle_zone_begin(&made->zone, &settle->settling, apex);
	if (r == 0)
		r = view_look(&settle->before.view, apex, &before);
	if (r == 0)
		r = view_look(&settle->after.view, apex, &after);
	if (r < 0)
		return r;
	settle_zone_soa(&made->zone, before, after);
	settle_zone_counts(&made->zone, &counts);
	made->is_nested = counts.is_nested;
	settle->moves |= made->zone.was != made->zone.is;
	*out = made;
	HASH_ADD_KEYPTR(hh, settle->zones, made->zone.apex.wire,
			made->zone.apex.len, made);
	made = NULL;
	return 0;
}

int settle_get_zone(struct settle *settle, const struct name *apex,
		    struct touched_zone **out)
{
	HASH_FIND(hh, settle->zones, apex->wire, apex->len, *out);
	return *out ? 0 : make_zone(settle, apex, out);
}

/* The zone that @name was in; NULL: none. */
int settle_zone_before(struct settle *settle, const struct name *name,
		       struct touched_zone **out)
{
	const struct apply *apply = settle->apply;
	struct zone_counts counts;
	struct name apex;
	int r = table_zone_of(apply->tables, apply->txn, apply->table, name,
			      &apex, &counts);

	*out = NULL;
	if (r == -ENOENT)
		return 0;
	return r ? r : settle_get_zone(settle, &apex, out);
}

/* Is there a zone right at @name, afterwards? */
static int zone_at(struct settle *settle, const struct name *name,
		   struct touched_zone **out)
{
	const struct apply *apply = settle->apply;
	struct zone_counts counts;
	int r = 0;

	HASH_FIND(hh, settle->zones, name->wire, name->len, *out);
	if (*out) {
		if (!(*out)->zone.is)
			*out = NULL;
		return 0;
	}
	r = table_zone(apply->tables, apply->txn, apply->table, name, &counts);
	if (r == -ENOENT)
		return 0;
	return r ? r : settle_get_zone(settle, name, out);
}

/* The zone that @name will be in; NULL: none. */
int settle_zone_after(struct settle *settle, const struct name *name,
		      struct touched_zone **out)
{
	unsigned labels = name_labels(name);
	struct name at;
	int r = 0;

	if (!settle->moves)
		return settle_zone_before(settle, name, out);
	*out = NULL;
	for (unsigned i = 0; r == 0 && !*out && i <= labels; i++) {
		name_ancestor(name, i, &at);
		r = zone_at(settle, &at, out);
	}
	return r;
}

/* The zone that this one is nested in, before or after; NULL: none. */
int settle_zone_above(struct settle *settle, const struct touched_zone *zone,
		      bool after, struct touched_zone **out)
{
	struct name parent;

	*out = NULL;
	if (zone->zone.apex.len == 1)
		return 0;
	name_ancestor(&zone->zone.apex, 1, &parent);
	return after ? settle_zone_after(settle, &parent, out)
		     : settle_zone_before(settle, &parent, out);
}

int settle_owner_of(const struct apply *apply, const struct verdict *verdict,
		    struct name *out)
{
	int r = name_from_key(apply_key(apply, verdict) + TABLE_NUMBER_SIZE,
			      verdict->key_len - TABLE_NUMBER_SIZE, out);

	return r < 0 ? -EIO : 0;
}

void settle_sides_init(struct settle *settle)
{
	settle->before = (struct settle_side){{look_before}, settle};
	settle->after = (struct settle_side){{look_after}, settle};
}
