/* SPDX-License-Identifier: Apache-2.0 */
/*
 * looks.h - nameservers whose zones are all to be looked at
 *
 * One has as many zones as somebody made, so they are looked at in turns of
 * LOOKS_TURN_NS, with the requests of others in between. Each nameserver is in
 * the queue once, and remembers which zone was the last.
 *
 * Threading: the loop's.
 */
#ifndef ANCHORS_TRANSFER_LOOKS_H
#define ANCHORS_TRANSFER_LOOKS_H

#include <uthash.h>

#include "dns/wire/name.h"

#define LOOKS_TURN_NS 1000000

struct look {
	UT_hash_handle hh; /* by server */
	uint64_t server;
	bool has_begun;
	uint8_t key[NAME_KEY_SIZE]; /* of the zone that was the last */
	size_t key_len;
	bool wants_catalog; /* that is looked at in the end */
};

/* A struct look * that is NULL: none; uthash keeps the order of their coming.
 */

/**
 * looks_add() - from its first zone on, also if it is in there
 *
 * Return: it, or NULL: there is no memory.
 */
struct look *looks_add(struct look **looks, uint64_t server);

/** looks_drop() - @look is through */
void looks_drop(struct look **looks, struct look *look);

/** look_after() - the key behind which it goes on; NULL: from the first on */
static inline const uint8_t *look_after(const struct look *look)
{
	return look->has_begun ? look->key : NULL;
}

/** look_was_at() - it goes on behind @apex */
void look_was_at(struct look *look, const struct name *apex);

#endif
