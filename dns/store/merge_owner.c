// SPDX-License-Identifier: Apache-2.0
/*
 * merge_owner.c - what of an owner is a change of the zone that it is in
 */
#include <errno.h>

#include "dns/store/merge_layout.h"

/* The one around @at that has an SOA on that side. */
struct open_zone *merge_around(struct open_zone *at, bool after)
{
	while (at && !(after ? at->zone.is : at->zone.was))
		at = at->next;
	return at;
}

void merge_break_zone(struct open_zone *zone)
{
	if (zone)
		zone->zone.changed = zone->zone.broken = true;
}

int merge_give_entry(struct merge *merge, struct open_zone *zone)
{
	struct settle_zone *of = &zone->zone;
	struct rrsets apex;
	struct rrset soa;
	struct rrset_rr rr;
	size_t offset = 0;
	int r;

	if (zone->entry || of->broken || of->was_ahead || !of->was || !of->is ||
	    !zone_is_shared(&merge->settling.home, &of->row))
		return 0;
	r = journal_begin(&zone->entry, merge->settling.tables, zone->most);
	if (r == 0)
		r = merge_look(&merge->from.view, &of->apex, &apex);
	if (r < 0)
		return r;
	rrsets_find(apex, RR_SOA, &soa);
	rrset_next(&soa, &offset, &rr);
	return journal_gone(zone->entry, &of->apex, rr);
}

struct telling {
	struct diff diff;
	struct merge *merge;
	struct open_zone *zone;
};

static int tell(struct diff *diff, const struct name *owner, struct rrset_rr rr,
		bool came)
{
	struct telling *telling = container_of(diff, struct telling, diff);
	struct open_zone *zone = telling->zone;
	int r;

	if (get_u16(rr.wire) == RR_SOA)
		return 0;
	zone->zone.changed = true;
	r = merge_give_entry(telling->merge, zone);
	if (r < 0 || !zone->entry)
		return r;
	return came ? journal_came(zone->entry, owner, rr)
		    : journal_gone(zone->entry, owner, rr);
}

static int tell_gone(struct diff *diff, const struct name *owner,
		     struct rrset_rr rr)
{
	return tell(diff, owner, rr, false);
}

static int tell_came(struct diff *diff, const struct name *owner,
		     struct rrset_rr rr)
{
	return tell(diff, owner, rr, true);
}

int merge_owner(struct merge *merge, const struct pair_entry *at)
{
	struct telling telling = {{tell_gone, tell_came}, merge, NULL};
	struct open_zone *old = merge_around(merge->open, false);
	struct open_zone *new = merge_around(merge->open, true);
	unsigned parts = PART_ALL;
	struct name owner;

	if (old != new) {
		merge_break_zone(old);
		merge_break_zone(new);
		return 0;
	}
	if (!old || old->zone.broken ||
	    (at->a.len == at->b.len &&
	     !memcmp(at->a.data, at->b.data, at->a.len)))
		return 0;
	if (name_from_key(at->key, at->key_len, &owner) < 0)
		return -EIO;
	if (old->is_nested && zone_key_is(&old->key, at->key, at->key_len))
		parts &= ~(unsigned)PART_DS;
	telling.zone = old;
	return diff_rrsets(&telling.diff, &owner, at->a, parts, at->b, parts);
}

int merge_delegation(struct merge *merge, struct open_zone *zone)
{
	struct telling telling = {{tell_gone, tell_came}, merge, NULL};
	struct open_zone *old = merge_around(zone->next, false);

	if (!old || !zone->zone.was || !zone->zone.is || old->zone.broken ||
	    old != merge_around(zone->next, true))
		return 0;
	telling.zone = old;
	return delegation_diff(&zone->zone.apex, &merge->from.view,
			       &merge->to.view, &telling.diff);
}
