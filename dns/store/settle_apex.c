// SPDX-License-Identifier: Apache-2.0
/*
 * settle_apex.c - zones that come and go, and what is shown of nested ones
 *
 * An apex that comes or goes moves owners that nobody looks at here from one
 * zone to another, so that no journal can tell of it.
 */
#include <errno.h>

#include "dns/store/settle_layout.h"

int settle_find_apexes(struct settle *settle)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settle->judged; i++) {
		const struct verdict *verdict = apply_verdict(settle->apply, i);
		struct rrsets new = apply_value(settle->apply, verdict);
		struct touched_zone *zone;
		struct rrset soa;
		struct name owner;

		if (!rrsets_find(verdict->old, RR_SOA, &soa) &&
		    !rrsets_find(new, RR_SOA, &soa))
			continue;
		r = settle_owner_of(settle->apply, verdict, &owner);
		if (r == 0)
			r = settle_get_zone(settle, &owner, &zone);
	}
	return r;
}

/*
 * With a zone above it, the DS at an apex is that one's: zone.h. @comes: it has
 * one from now on, and no DS; else the other way round.
 */
static int break_signed(struct settle *settle, const struct zone_key *key,
			bool comes)
{
	const struct settle_side *side =
		comes ? &settle->before : &settle->after;
	struct touched_zone *zone;
	struct rrsets rrsets;
	struct rrset ds;
	struct name apex;
	int r;

	if (name_from_key(key->octets + TABLE_NUMBER_SIZE,
			  key->len - TABLE_NUMBER_SIZE, &apex) < 0)
		return -EIO;
	r = view_look(&side->view, &apex, &rrsets);
	if (r < 0 || !rrsets_find(rrsets, RR_DS, &ds))
		return r;
	r = settle_get_zone(settle, &apex, &zone);
	if (r == 0)
		zone->zone.changed = zone->zone.broken = true;
	return r;
}

/* The highest of zones comes or goes: those right below have one above, or not
 * any more. */
static int break_below(struct settle *settle, struct touched_zone *zone)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	const struct apply *apply = settle->apply;
	struct zone_key apex, from;
	struct zone_at below;
	int r = table_errno(
		mdb_cursor_open(apply->txn, apply->tables->apexes, &apexes));

	apex.len = table_key(apex.octets, apply->table, &zone->zone.apex);
	from = apex;
	while (r == 0) {
		r = zone_at_below(apexes, &apex, &from, &below);
		if (r == 0)
			r = break_signed(settle, &below.key, zone->zone.is);
		from = below.key;
		if (r == 0)
			zone_key_skip(&from);
	}
	return r == -ENOENT ? 0 : r;
}

/* Who has the one that comes or goes nested in it loses or gets all of it. */
static int break_above(struct settle *settle, struct touched_zone *zone)
{
	bool is_after = zone->zone.is;
	struct touched_zone *above;
	int r;

	if (zone->zone.was == zone->zone.is)
		return 0;
	r = settle_zone_above(settle, zone, is_after, &above);
	if (r == 0 && above)
		above->zone.changed = above->zone.broken = true;
	return r || above ? r : break_below(settle, zone);
}

static int count_difference(struct diff *diff, const struct name *owner,
			    struct rrset_rr rr)
{
	(void)diff;
	(void)owner;
	(void)rr;
	return 1;
}

/* Does the zone above show something else of it? */
static int judge_delegation(struct settle *settle, struct touched_zone *zone)
{
	struct diff diff = {count_difference, count_difference};
	struct touched_zone *above;
	int r;

	if (!zone->delegates || !zone->zone.was || !zone->zone.is)
		return 0;
	r = delegation_diff(&zone->zone.apex, &settle->before.view,
			    &settle->after.view, &diff);
	if (r <= 0)
		return r;
	r = settle_zone_above(settle, zone, true, &above);
	if (r < 0 || !above)
		return r;
	above->zone.changed = true;
	above->zone.broken |= settle_is_locked(settle, above);
	zone->next = above->nested;
	above->nested = zone;
	return 0;
}

int settle_judge_apexes(struct settle *settle)
{
	struct touched_zone *zone, *next;
	int r = 0;

	/* What is added on the way stands at the end, and is looked at too. */
	for (zone = settle->zones; r == 0 && zone; zone = zone->hh.next)
		r = break_above(settle, zone);
	HASH_ITER (hh, settle->zones, zone, next)
		if (r == 0)
			r = judge_delegation(settle, zone);
	return r;
}
