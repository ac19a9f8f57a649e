/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle_layout.h - a change of some owners on its way, for the files of settle
 *
 * settle_sides.c says what an owner has before and after, and which zone it is
 * in; settle_owner.c and settle_apex.c what a change means for these zones;
 * settle_journal.c writes it down.
 *
 * Threading: the writer's. Errors: as settle_judge().
 */
#ifndef DNS_SETTLE_LAYOUT_H
#define DNS_SETTLE_LAYOUT_H

#include <uthash.h>

#include "dns/store/apply.h"
#include "dns/store/settle_zone.h"

/* A zone that a change may have to do with. */
struct touched_zone {
	struct settle_zone zone;
	bool is_nested;	    /* in another one, before */
	bool delegates;	    /* differently, to be shown by the zone above */
	size_t verdict;	    /* of its apex; SETTLE_NONE */
	size_t first, last; /* verdicts that are changes of its own */
	struct touched_zone *nested; /* of those that delegate differently */
	struct touched_zone *next;   /* the next one in the list of that */
	UT_hash_handle hh;
};

struct settle_side {
	struct view view;
	const struct settle *settle;
};

struct settle {
	struct settling settling;
	struct apply *apply;
	size_t judged; /* verdicts in order, before SOAs were added */
	struct touched_zone *zones; /* uthash, by the apex in wire form */
	bool moves;		    /* an apex comes or goes */
	struct settle_side before, after;
};

/* ---- settle_sides.c ---- */

void settle_sides_init(struct settle *settle);

/** settle_owner_of() - the name behind a verdict's key: 0, -EIO */
int settle_owner_of(const struct apply *apply, const struct verdict *verdict,
		    struct name *out);

/** settle_get_zone() - the zone with that apex, whether or not it has an SOA */
int settle_get_zone(struct settle *settle, const struct name *apex,
		    struct touched_zone **out);

/** settle_zone_before(), settle_zone_after() - the zone that @name was in, or
 * will be in; NULL: none */
int settle_zone_before(struct settle *settle, const struct name *name,
		       struct touched_zone **out);
int settle_zone_after(struct settle *settle, const struct name *name,
		      struct touched_zone **out);

/** settle_zone_above() - the zone that this one is nested in, before or after;
 * NULL: none */
int settle_zone_above(struct settle *settle, const struct touched_zone *zone,
		      bool after, struct touched_zone **out);

/* ---- settle_owner.c, settle_apex.c ---- */

/** settle_is_locked() - is it a secondary, and may who changes it not do so?
 * @zone may be NULL */
bool settle_is_locked(const struct settle *settle,
		      const struct touched_zone *zone);

/** settle_judge_owner() - one owner that may have changed */
int settle_judge_owner(struct settle *settle, size_t i);

/** settle_find_apexes() - the SOAs that come and go are known before any
 * owner's zone is */
int settle_find_apexes(struct settle *settle);

/** settle_judge_apexes() - what zones that come and go are to others, and what
 * those above show of the others */
int settle_judge_apexes(struct settle *settle);

#endif
