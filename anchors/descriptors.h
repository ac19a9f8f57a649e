/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors.h - how many of the process's descriptors are whose
 *
 * A process has as many descriptors as RLIMIT_NOFILE says, and whoever takes
 * the last one shuts everybody out. So some are set aside, for the daemon
 * itself, for TCP clients and for nameservers that are asked more than one
 * worker answers, and what clients make grow is counted and shares the rest:
 * two for each nameserver, one for each plain file. A few of that are
 * kept for plain files, so that files can be renamed over others beside any
 * number of nameservers; and files have a quarter of it at most.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_DESCRIPTORS_H
#define ANCHORS_DESCRIPTORS_H

#include "dns/store/rrset.h"

enum descriptors_of {
	DESCRIPTORS_SERVERS, /* nameservers that listen; two each */
	DESCRIPTORS_FILES,   /* plain files that have been written to */
	DESCRIPTORS_KINDS,
};

#define DESCRIPTORS_SERVER 2 /* for each nameserver: dns/serve/socket.h */

struct descriptors {
	size_t limit;	/* of the process */
	size_t clients; /* connected over TCP: set aside */
	size_t sockets; /* of busy nameservers, besides their two: set aside */
	size_t rest;	/* neither of these, nor the daemon's own */
	struct {
		size_t least; /* kept for them */
		size_t most;
		size_t taken;
	} of[DESCRIPTORS_KINDS];
};

/**
 * descriptors_init() - share out what the process has
 * @limit:   descriptors in all
 * @workers: threads that answer
 * @clients: connected over TCP at once; where the limit is low, they have no
 *           more than half of what the daemon leaves
 */
void descriptors_init(struct descriptors *out, size_t limit, unsigned workers,
		      size_t clients);

/** descriptors_limit() - of this process; at least 0 */
size_t descriptors_limit(void);

/**
 * descriptors_take() - some more, before they are opened
 * @why: NULL, or a sentence for a person when refused
 *
 * Return: 0; -EMFILE. Give them back when they are closed.
 */
int descriptors_take(struct descriptors *descriptors, enum descriptors_of whose,
		     size_t count, struct refusal *why);
void descriptors_give(struct descriptors *descriptors,
		      enum descriptors_of whose, size_t count);

/** descriptors_servers_max() - how many nameservers can listen at once */
size_t descriptors_servers_max(const struct descriptors *descriptors);

#endif
