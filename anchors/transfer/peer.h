/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - what those who tell secondaries and those who ask primaries share
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_PEER_H
#define ANCHORS_TRANSFER_PEER_H

#include "dns/wire/address.h"
#include "dns/wire/name.h"

/* By which a zone of a nameserver is found in a hash. */
#define PEER_KEY_SIZE (sizeof(uint64_t) + NAME_WIRE_SIZE)

/** peer_key() - of the zone with that apex; returns its octets */
static inline size_t peer_key(uint8_t out[PEER_KEY_SIZE], uint64_t server,
			      const struct name *apex)
{
	memcpy(out, &server, sizeof(server));
	memcpy(out + sizeof(server), apex->wire, apex->len);
	return sizeof(server) + apex->len;
}

/* What is known of a zone's peer: a secondary, or a primary. */
struct peer_state {
	struct address address;
	bool is_current;  /* who is the secondary has what the other one has */
	int64_t since_ns; /* when that was seen, or the last try ended */
	const char *reason; /* else: why not, in words; borrowed; never empty */
	uint64_t next_ms;   /* and in how long it is tried again */
};

/* Returns 0 to go on. */
typedef int peer_each(void *arg, const struct peer_state *state);

#endif
