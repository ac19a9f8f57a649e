// SPDX-License-Identifier: Apache-2.0
/*
 * settle_owner.c - what an owner's change means for the zones that it is in
 *
 * It is a change of its zone. What delegates to a nested zone, and addresses
 * that may, are shown by zones above too.
 */
#include <errno.h>

#include "dns/store/settle_layout.h"

static int refuse_locked(struct refusal *why, const struct name *owner,
			 const struct name *apex)
{
	char text[NAME_TEXT_SIZE], zone[NAME_TEXT_SIZE];
	size_t len = name_to_text(owner, text);

	name_to_text(apex, zone);
	refusal_set(why, EROFS,
		    "the zone %.*s is a secondary: its records come from its "
		    "primaries, see zones/%.*s/primaries",
		    40, zone, 40, zone);
	refusal_at_owner(why, 0, text, len);
	return EROFS;
}

static int refuse_secondary(const struct settle *settle,
			    const struct name *owner,
			    const struct touched_zone *zone)
{
	return refuse_locked(settle->apply->why, owner, &zone->zone.apex);
}

int settle_locked(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const struct name *apex, enum settle_by by,
		  struct refusal *why)
{
	struct settling settling;
	struct settle_zone zone;
	int r = settling_begin(&settling, tables, txn, home, by, 0);

	if (r == 0)
		r = settle_zone_begin(&zone, &settling, apex);
	if (r < 0)
		return r;
	return settle_zone_locked(&zone, &settling)
		       ? refuse_locked(why, apex, apex)
		       : 0;
}

bool settle_is_locked(const struct settle *settle,
		      const struct touched_zone *zone)
{
	return zone && settle_zone_locked(&zone->zone, &settle->settling);
}

static void add_own(struct settle *settle, struct touched_zone *zone, size_t i,
		    unsigned parts)
{
	struct verdict *verdict = apply_verdict(settle->apply, i);

	zone->zone.changed = true;
	verdict->parts = (uint8_t)parts;
	verdict->next = SETTLE_NONE;
	if (zone->last == SETTLE_NONE)
		zone->first = i;
	else
		apply_verdict(settle->apply, zone->last)->next = i;
	zone->last = i;
}

/* An apex has come or gone, and with it what is below it. */
static int judge_moved(struct settle *settle, const struct name *owner,
		       struct touched_zone *from, struct touched_zone *to,
		       struct rrsets old, struct rrsets new)
{
	if (old.len && settle_is_locked(settle, from))
		return refuse_secondary(settle, owner, from);
	if (new.len && settle_is_locked(settle, to))
		return refuse_secondary(settle, owner, to);
	if (from)
		from->zone.changed = from->zone.broken = true;
	if (to)
		to->zone.changed = to->zone.broken = true;
	return 0;
}

/* It stays in its zone. */
static int judge_own(struct settle *settle, const struct name *owner,
		     struct touched_zone *zone, size_t i, struct rrsets old,
		     struct rrsets new)
{
	bool is_apex = name_equal(owner, &zone->zone.apex);
	unsigned parts = PART_ALL & ~(unsigned)PART_SOA;
	int r;

	if (is_apex && zone->is_nested)
		parts &= ~(unsigned)PART_DS;
	r = rrsets_differ(old, parts, new, parts);
	if (r < 0)
		return r;
	if (settle_is_locked(settle, zone) &&
	    (r || (is_apex && rrsets_differ(old, PART_SOA, new, PART_SOA))))
		return refuse_secondary(settle, owner, zone);
	if (r)
		add_own(settle, zone, i, parts);
	return 0;
}

/* What of an apex, or of an address, may be shown by zones above. */
static int judge_shown(struct settle *settle, const struct name *owner,
		       struct touched_zone *zone, struct rrsets old,
		       struct rrsets new)
{
	struct touched_zone *above = NULL;
	struct rrsets apex_old, apex_new;
	int addresses = rrsets_differ(old, PART_ADDRESS, new, PART_ADDRESS);
	int r = addresses < 0 ? addresses : 0;

	for (; r == 0 && zone && zone->is_nested; zone = above) {
		const struct name *apex = &zone->zone.apex;

		r = settle_zone_above(settle, zone, false, &above);
		if (r < 0)
			return r;
		if (name_equal(owner, apex)) {
			if (rrsets_differ(old, PART_DS, new, PART_DS) &&
			    settle_is_locked(settle, above))
				return refuse_secondary(settle, owner, above);
			zone->delegates = true;
		}
		if (!addresses)
			break;
		r = view_look(&settle->before.view, apex, &apex_old);
		if (r == 0)
			r = view_look(&settle->after.view, apex, &apex_new);
		if (r == 0 && (delegation_names(apex_old, owner) ||
			       delegation_names(apex_new, owner)))
			zone->delegates = true;
	}
	return r;
}

int settle_judge_owner(struct settle *settle, size_t i)
{
	const struct verdict *verdict = apply_verdict(settle->apply, i);
	/* Nothing is written yet. */
	struct rrsets old = verdict->old;
	struct rrsets new = apply_value(settle->apply, verdict);
	struct touched_zone *from, *to;
	struct name owner;
	int r;

	if (old.len == new.len &&
	    (!old.len || !memcmp(old.data, new.data, old.len)))
		return 0;
	r = settle_owner_of(settle->apply, verdict, &owner);
	if (r == 0)
		r = settle_zone_before(settle, &owner, &from);
	to = r ? NULL : from;
	if (r == 0 && settle->moves)
		r = settle_zone_after(settle, &owner, &to);
	if (r < 0)
		return r;
	if (from != to)
		r = judge_moved(settle, &owner, from, to, old, new);
	else if (to)
		r = judge_own(settle, &owner, to, i, old, new);
	return r ? r : judge_shown(settle, &owner, from, old, new);
}
