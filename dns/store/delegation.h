/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delegation.h - what a zone shows of one nested in it: before, and after
 *
 * The NS and DS of the nested apex, and the addresses of these servers that
 * stand at or below it: RFC 1034, section 4.2.1; zone.h.
 *
 * Pure, but for what the views do; any thread.
 */
#ifndef DNS_DELEGATION_H
#define DNS_DELEGATION_H

#include "dns/store/rrset_diff.h"

/* Where an owner's records are looked up. */
struct view {
	/* 0; -ENOENT: none; -errno. Good until the next write. */
	int (*look)(const struct view *view, const struct name *owner,
		    struct rrsets *out);
};

/* Who takes a difference; what is not 0 ends it and is returned. */
struct diff {
	int (*gone)(struct diff *diff, const struct name *owner,
		    struct rrset_rr rr);
	int (*came)(struct diff *diff, const struct name *owner,
		    struct rrset_rr rr);
};

/** diff_rrsets() - of one owner's, as rrsets_minus() in both directions */
int diff_rrsets(struct diff *diff, const struct name *owner, struct rrsets old,
		unsigned old_parts, struct rrsets new, unsigned new_parts);

/** delegation_diff() - of the zone with that apex: 0, -errno, what @diff said
 */
int delegation_diff(const struct name *apex, const struct view *before,
		    const struct view *after, struct diff *diff);

/** delegation_names() - is @owner one of the servers of an NS RRset in it? */
bool delegation_names(struct rrsets apex, const struct name *owner);

/** view_look() - the same as look(), but none is an empty one, and 0 */
int view_look(const struct view *view, const struct name *owner,
	      struct rrsets *out);

#endif
