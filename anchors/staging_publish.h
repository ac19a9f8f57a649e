/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging_publish.h - a publishing on its way, for the files of it
 *
 * staging_publish.c looks whether it is due, staging_zone.c does what a zone
 * needs, staging_all.c what all records do.
 *
 * Threading: the writer's. Return, where nothing else is said: as run() of
 * job.h, with the task's refusal; JOB_MORE: a slice is done, and others come in
 * between.
 */
#ifndef ANCHORS_STAGING_PUBLISH_H
#define ANCHORS_STAGING_PUBLISH_H

#include "anchors/staging_layout.h"
#include "dns/store/home.h"
#include "dns/store/merge.h"
#include "dns/store/zone_replace.h"

/* So many owners of two tables are looked at in a slice: some milliseconds. */
#define PUBLISH_SLICE 4096
/* From the beginning again, as others change what is served; the last time
 * nobody comes in between. */
#define PUBLISH_TRIES 3

struct publishing {
	struct staging_task on;
	struct scope scope;

	/* The writer's: of a large zone, it is found out what changes. */
	struct zone_changes found; /* owned */

	/* If that is much, the rest is added to it first. */
	bool fills, filled;
	bool mixed; /* some of the rest is in it */
	struct zone_take take;

	/* Then, as of all records, zones are settled. */
	struct merge *merge; /* owned */
	uint32_t merged;     /* the table that it is made of */
	uint64_t changes;    /* of the nameserver, when it was begun */
	unsigned tries;
	bool goes_on; /* a slice of it is done, and not lost */
};

/** publishing_is_good() - is what is done by now of what is served?
 *
 * A lost transaction has taken what was in it. */
bool publishing_is_good(const struct publishing *publishing, uint32_t table);

/** publishing_begin() - from the beginning, with what is served now */
void publishing_begin(struct publishing *publishing,
		      const struct served *served);

void publishing_deinit(struct publishing *publishing);

/** publish_all() - what is staged is served from here on, and the other table
 * is loose */
int publish_all(struct publishing *publishing, MDB_txn *txn,
		const struct served *served);

/** publish_zone() - the zone of the scope is replaced, or forgotten */
int publish_zone(struct publishing *publishing, MDB_txn *txn,
		 const struct served *served);

#endif
