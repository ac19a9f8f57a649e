/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touched.h - how often records were written
 *
 * Who read an owner's records, and writes them back later, must know whether
 * they were written in between, even if they are again what they were. A count
 * for each owner there ever was would grow without end; so owners share counts,
 * each of them two, by two digests of nameserver and owner. If one of the two
 * stands, the owner was not written. Another one shares one of the two once in
 * 4096, and both hardly ever.
 *
 * Threading: the writer counts, in the order of its jobs; the main loop reads
 * at any time. Atomic, so that neither waits.
 */
#ifndef ANCHORS_TOUCHED_H
#define ANCHORS_TOUCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TOUCHED_COUNTS 4096

struct anchor;
struct name;

/* A host's. */
struct touched_counts {
	_Atomic uint32_t of[2][TOUCHED_COUNTS];
};

/* What an owner's were at one moment. */
struct touched {
	uint64_t replaced;  /* how often all records were, at once */
	uint32_t counts[2]; /* the owner's, and some others' */
};

/** touched_count() - @owner's were written; the writer's thread */
void touched_count(struct anchor *anchor, const struct name *owner);

/** touched_count_all() - all of them were, at once; the writer's thread */
void touched_count_all(struct anchor *anchor);

/** touched_now() - as it is now; any thread */
struct touched touched_now(const struct anchor *anchor,
			   const struct name *owner);

/** touched_since() - were @owner's records written since @then? any thread */
bool touched_since(const struct anchor *anchor, const struct name *owner,
		   const struct touched *then);

#endif
