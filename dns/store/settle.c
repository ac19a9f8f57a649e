// SPDX-License-Identifier: Apache-2.0
/*
 * settle.c - what a change of some owners is to the zones they are in
 *
 * First it is worked out, in memory, which zones change: each owner's records
 * are its zone's, but what delegates to a nested zone is also shown by the zone
 * above. Then the serials are known, and stand in the new values. Last, what
 * has changed is written into journals.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/settle_layout.h"

static int judge_all(struct settle *settle)
{
	int r = settle_find_apexes(settle);

	for (size_t i = 0; r == 0 && i < settle->judged; i++)
		r = settle_judge_owner(settle, i);
	return r ? r : settle_judge_apexes(settle);
}

/* ---- Serials ---- */

static int add_apex(struct apply *apply, const struct name *apex,
		    struct rrsets new)
{
	uint8_t key[TABLE_KEY_SIZE];
	size_t key_len = table_key(key, apply->table, apex);
	struct rrsets old;
	int r = table_get_owner(apply->tables, apply->txn, apply->table, apex,
				&old);

	/* Its zone would not be without it. */
	assert(r != -ENOENT);
	return r ? r : apply_add(apply, key, key_len, apex, old, new);
}

static int set_serial(struct settle *settle, struct touched_zone *zone)
{
	struct apply *apply = settle->apply;
	CLEANUP(buffer_deinit) struct buffer value = {0};
	struct rrsets apex;
	int r;

	settle_zone_decide(&zone->zone, &settle->settling);
	if (!zone->zone.is || zone->zone.serial == zone->zone.wanted)
		return 0;
	r = view_look(&settle->after.view, &zone->zone.apex, &apex);
	if (r == 0)
		r = soa_replace(apex, zone->zone.serial, &value);
	if (r < 0)
		return r;
	apex = (struct rrsets){value.data, value.len};
	if (zone->verdict != SETTLE_NONE)
		return apply_set(apply, zone->verdict, &zone->zone.apex, apex);
	return add_apex(apply, &zone->zone.apex, apex);
}

static int settle_new(struct settle **out, struct apply *apply)
{
	struct settle *settle = calloc(1, sizeof(*settle));
	int r;

	if (!settle)
		return -ENOMEM;
	settle->apply = apply;
	settle->judged = apply_count(apply);
	settle_sides_init(settle);
	r = settling_begin(&settle->settling, apply->tables, apply->txn,
			   apply->counts.home, apply->by, apply->now_ns);
	if (r < 0)
		free(settle);
	else
		*out = settle;
	return r;
}

int settle_judge(struct settle **out, struct apply *apply)
{
	CLEANUP(settle_freep) struct settle *settle = NULL;
	struct touched_zone *zone;
	int r;

	*out = NULL;
	if (!apply->counts.home)
		return 0;
	r = settle_new(&settle, apply);
	if (r == 0)
		r = judge_all(settle);
	for (zone = r ? NULL : settle->zones; r == 0 && zone;
	     zone = zone->hh.next)
		r = set_serial(settle, zone);
	for (zone = r ? NULL : settle->zones; r == 0 && zone;
	     zone = zone->hh.next)
		if (settle_zone_touched(&zone->zone))
			r = settle_zone_fits(&zone->zone, &settle->settling,
					     apply->why);
	if (r == 0)
		*out = steal(&settle);
	return r;
}

struct settle *settle_free(struct settle *settle)
{
	struct touched_zone *zone, *next;

	if (!settle)
		return NULL;
	HASH_ITER (hh, settle->zones, zone, next) {
		HASH_DEL(settle->zones, zone);
		free(zone);
	}
	free(settle);
	return NULL;
}

void settle_freep(struct settle **settle)
{
	*settle = settle_free(*settle);
}
