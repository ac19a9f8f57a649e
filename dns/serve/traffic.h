/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.h - what a nameserver is asked and answers, counted
 *
 * A nameserver has a lane for each worker, and one for the carrier (carrier.h);
 * each thread counts in its own:
 * a plain addition, with no lock and on no cache line that another one writes.
 * Whoever reads adds the lanes up. The traffic belongs to the nameserver and
 * not to its sockets, so that no counter goes back when it moves to another
 * address or a seat is left.
 *
 * Threading: a lane is written by its worker, or while no worker has it; it
 * may be read on any thread. The rest does not change.
 */
#ifndef DNS_TRAFFIC_H
#define DNS_TRAFFIC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "dns/answer/answer.h"

#define TRAFFIC_TRANSPORTS 2		    /* enum answer_transport */
#define TRAFFIC_TYPES	   (RR_COUNTED + 1) /* and the others */
#define TRAFFIC_RCODES	   14		    /* known RCODEs, and the others */

/* Places in struct lane's counts. */
enum traffic_item {
	TRAFFIC_QUERIES = 0, /* by transport, then type */
	TRAFFIC_ANSWERS = TRAFFIC_TRANSPORTS * TRAFFIC_TYPES, /* then RCODE */
	TRAFFIC_TRUNCATED =
		TRAFFIC_ANSWERS + TRAFFIC_TRANSPORTS * TRAFFIC_RCODES,
	TRAFFIC_SPENT,	 /* without what took long to find */
	TRAFFIC_DROPPED, /* read, and nothing was sent */
	TRAFFIC_LIMITED, /* held back by a limit of the rate */
	TRAFFIC_CONNECTED,
	TRAFFIC_DISCONNECTED,
	TRAFFIC_DEFERRED, /* turns of TCP clients that left queries over */
	TRAFFIC_UNSEEN,	  /* watched, and the ring was full: tap.h */
	TRAFFIC_ITEMS,
};

struct lane {
	_Alignas(64) uint64_t server; /* the nameserver's id in the store */
	atomic_bool watched;	      /* also put them into the tap: tap.h */
	_Atomic uint64_t counts[TRAFFIC_ITEMS];
};

struct traffic {
	unsigned workers;
	struct lane lanes[]; /* one per worker, and the carrier's */
};

/** traffic_lanes() - how many there are */
static inline unsigned traffic_lanes(const struct traffic *traffic)
{
	return traffic->workers + 1;
}

/** traffic_new() - of nameserver @server: 0, -ENOMEM */
int traffic_new(struct traffic **out, uint64_t server, unsigned workers);
struct traffic *traffic_free(struct traffic *traffic);

/** traffic_add() - on the lane's own worker: no other one writes to it */
static inline void traffic_add(struct lane *lane, unsigned item, unsigned more)
{
	uint64_t was =
		atomic_load_explicit(&lane->counts[item], memory_order_relaxed);

	atomic_store_explicit(&lane->counts[item], was + more,
			      memory_order_relaxed);
}

/** traffic_count() - an answer was made, and will be sent if it can be */
void traffic_count(struct lane *lane, enum answer_transport transport,
		   const struct answer_facts *facts);

/** traffic_sum() - of all lanes */
uint64_t traffic_sum(const struct traffic *traffic, unsigned item);

/** traffic_watch() - whether the workers put its queries into their taps */
void traffic_watch(struct traffic *traffic, bool watched);

/** traffic_type_text(), traffic_rcode_text() - of a slot; "other" for the last
 *
 * Slots are what follows the transport in struct lane's counts.
 */
void traffic_type_text(unsigned slot, char out[16]);
const char *traffic_rcode_text(unsigned slot);

#endif
