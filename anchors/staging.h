/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging.h - a replacement on its way: staged in pieces, published as one
 *
 * Text comes in pieces. Each becomes a change and travels to the writer as
 * early work, which it puts, a slice at a time, into a table that nobody points
 * at. The caller may be some pieces ahead of the writer, as many as it says,
 * and learns of the first one that fails. With the last one judged it
 * publishes: one small job makes the table what is answered, or moves an
 * owner's records from it, and is on disk when it is told. A staging that is
 * discarded, and the table that was served before, are loose: the writer frees
 * them by and by.
 *
 * Callbacks and their results are as in nameserver.h.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_STAGING_H
#define ANCHORS_STAGING_H

#include "anchors/nameserver.h"
#include "anchors/touched.h"
#include "dns/store/zone.h"

/* New content, in a table that nobody answers from yet. */
struct staging;

/** staging_new() - nothing is staged: 0, -ENOMEM; holds a reference */
int staging_new(struct staging **out, struct anchor *anchor);

/** staging_discard() - forget it; frees it when the writer is through */
void staging_discard(struct staging *staging);

/**
 * staging_add() - stage more; takes what is in @change
 * @ahead: how far the caller may be ahead of the writer, in changes
 *
 * Calls back when no more than @ahead of the changes so far are still to be
 * judged: with 0 of them, when this one was. None is on disk then. The result
 * is that of the first one that failed: -EINVAL, -ENOSPC and the like leave
 * the staging good for nothing but staging_discard().
 */
void staging_add(struct staging *staging, struct change *change, unsigned ahead,
		 anchor_done *done, void *arg);

/** staging_settle() - calls back when all was judged; results as above */
void staging_settle(struct staging *staging, anchor_done *done, void *arg);

/**
 * staging_publish() - make it what the nameserver answers, as one change
 * @scope: NULL: everything; else only these records are replaced
 *
 * Of a zone, one that is nested in it stays as it is, and an SOA that is there
 * stays where none is staged. Everything leaves zones that are secondaries
 * alone. All that was added must be settled. The staging is used up, also on
 * failure: -EDQUOT; -EINVAL, of a zone; -EROFS: it is a secondary.
 */
void staging_publish(struct staging *staging, const struct scope *scope,
		     anchor_done *done, void *arg);

/**
 * staging_from_primary() - it is a zone as its primary has it
 *
 * For one that is a secondary. Its SOA is taken as it is, and what belongs into
 * nested zones is left out. Before staging_publish(), with a zone's scope.
 */
void staging_from_primary(struct staging *staging);

/* What a nameserver's records were at one moment. */
struct staging_mark {
	uint64_t changes; /* of the nameserver, as far as they were begun */
	bool all_seen;	  /* and all of them were to be seen */
	uint64_t owner_digest; /* of the owner's records, if there is one */
	struct touched touched;
	struct zone_counts zone; /* the zone's, if there is one */
	bool any_time;		 /* and that does not matter */
};

/** staging_mark() - of now: of all records, or of @scope's: 0, -errno */
int staging_mark(struct staging_mark *out, const struct anchor *anchor,
		 const struct scope *scope);

/**
 * staging_expect() - publish nothing if they are others by then
 * @result: what is told in that case. With 0 only what was begun later than
 *          @mark counts; with -errno all that was not to be seen then.
 */
void staging_expect(struct staging *staging, const struct staging_mark *mark,
		    int result);

/**
 * staging_clear() - remove all records, or @scope's; of a zone the SOA too
 * @since: NULL; else nothing is removed if they have changed since
 */
void staging_clear(struct anchor *anchor, const struct scope *scope,
		   const struct staging_mark *since, anchor_done *done,
		   void *arg);

/**
 * staging_forget_zone() - remove a zone: its records, its SOA, its settings
 *
 * As one change, and also where it is a secondary. Zones that are nested in it
 * stay. -ENOENT: there is neither an SOA nor a setting.
 */
void staging_forget_zone(struct anchor *anchor, const struct name *apex,
			 anchor_done *done, void *arg);

#endif
