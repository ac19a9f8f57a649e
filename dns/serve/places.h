/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.h - who has how many of the places for clients that are sent transfers
 *
 * No site (address_site()) takes one if it has as many as are free. So one may
 * have half of them, the next one half of what that leaves, and so on: whoever
 * has none finds one free, but where some sites, log2 of them all, each hold
 * what they can.
 *
 * Threading: any thread; for some instructions under a mutex, once for each
 * client that asks for a transfer.
 */
#ifndef DNS_PLACES_H
#define DNS_PLACES_H

#include <stdatomic.h>
#include <uv.h>

#include "dns/wire/address.h"

struct place_holder;

struct places {
	unsigned most;
	atomic_uint taken;
	uv_mutex_t mutex; /* protects who takes and leaves, and what follows */
	struct place_holder *holders; /* uthash, by site */
};

/** places_init() - @most are free: 0, -errno */
int places_init(struct places *places, unsigned most);

/** places_deinit() - with none taken */
void places_deinit(struct places *places);

/** places_take() - one for @client; false: it has its share, or no memory */
bool places_take(struct places *places, const struct address *client);

/** places_leave() - one that @client had */
void places_leave(struct places *places, const struct address *client);

/** places_taken() - how many are, by all */
static inline unsigned places_taken(const struct places *places)
{
	return atomic_load(&places->taken);
}

#endif
