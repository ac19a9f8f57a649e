/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - may a call of another host's still be begun?
 *
 * Who has called, and does not hear of this host for a while, says to its
 * callers that it was not done. So what waited in the writer's queue meanwhile,
 * maybe since before this machine was frozen, must not be done after. Each
 * session of another host's has a lease while its calls may be begun; the
 * writer looks at it when it comes to one, and whoever gave it says then
 * whether it is over by time. What was begun by then ends, with the transaction
 * that it is in.
 *
 * Threading: any thread. The mutex is held for one look at a table.
 */
#ifndef ANCHORS_LEASE_H
#define ANCHORS_LEASE_H

#include <stdbool.h>
#include <uthash.h>
#include <uv.h>

#include "anchors/receipt.h"

struct lease {
	UT_hash_handle hh;
	char from[RECEIPT_NAME_MAX + 1]; /* whose session it is */
	uint64_t session;		 /* its number, as in its receipts */
	uint64_t slots;			 /* lease_narrow()'s; 0: all */
	/*
	 * Is it over? The writer's thread, which waits for nothing in it; not
	 * after lease_end() has returned.
	 */
	bool (*is_over)(struct lease *lease);
};

struct leases {
	uv_mutex_t mutex;  /* protects this: */
	struct lease *all; /* uthash, by name */
};

void leases_init(struct leases *leases);

/** leases_deinit() - all of them have ended */
void leases_deinit(struct leases *leases);

/** lease_begin() - @lease is borrowed until lease_end(); that host has no other
 */
void lease_begin(struct leases *leases, struct lease *lease);

/** lease_end() - nothing of it is begun any more; again is fine */
void lease_end(struct leases *leases, struct lease *lease);

/** lease_narrow() - what calls in those of its first 64 slots want is begun
 * whenever its turn comes, and nothing else any more; with none it has ended
 */
void lease_narrow(struct leases *leases, struct lease *lease, uint64_t slots);

/** lease_holds() - may what that call wants be begun now? */
bool lease_holds(struct leases *leases, const struct receipt *receipt);

#endif
