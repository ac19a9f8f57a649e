/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair.h - work for other hosts, so much at once, and fairly shared
 *
 * A host that does not answer keeps whoever works for it for as long as it may
 * take. So that those who wait for another one do not wait for it too, each
 * host has a queue of its own, each queue has its turn, and one host never has
 * all of what may be under way.
 *
 * Nor has a user whose nameservers these are, with hosts of his by the dozen:
 * none has one more who has as many as are left.
 *
 * Threading: the loop's.
 */
#ifndef ANCHORS_TRANSFER_FAIR_H
#define ANCHORS_TRANSFER_FAIR_H

#include <stdbool.h>

#include "dns/wire/address.h"

struct fair_queue;
struct fair_user;

/* Stands in what waits, or is under way. All zero: neither. */
struct fair_turn {
	struct fair_turn *prev,
		*next; /* utlist: in its queue, while it waits */
	struct fair_queue *queue;
	bool is_on; /* under way */
};

struct fair {
	unsigned most;		 /* under way at once */
	unsigned most_each;	 /* of one host, at most */
	unsigned on;		 /* under way */
	struct fair_user *users; /* uthash: by uid */
	struct fair_user *ready; /* utlist: who may have the next turn */
};

/** fair_wait() - wait for a turn, behind others of that host: 0, -ENOMEM
 * @uid: for whom; each user has queues of his own
 */
int fair_wait(struct fair *fair, struct fair_turn *turn, uint32_t uid,
	      const struct address *host);

/** fair_next() - one that waited, under way now; NULL: none may be */
struct fair_turn *fair_next(struct fair *fair);

/** fair_end() - it is under way, or waits, no more; fine if it does neither */
void fair_end(struct fair *fair, struct fair_turn *turn);

#endif
