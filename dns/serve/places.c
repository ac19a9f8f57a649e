// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#include "dns/serve/places.h"

/* It is there while it has some. */
struct place_holder {
	UT_hash_handle hh;
	struct address site;
	unsigned has;
};

int places_init(struct places *places, unsigned most)
{
	places->most = most;
	atomic_init(&places->taken, 0);
	places->holders = NULL;
	return uv_mutex_init(&places->mutex);
}

void places_deinit(struct places *places)
{
	assert(!places_taken(places) && !places->holders);
	uv_mutex_destroy(&places->mutex);
}

/* All octets of a site are set: it is a key. */
static struct place_holder *find(struct places *places,
				 const struct address *site)
{
	struct place_holder *holder;

	HASH_FIND(hh, places->holders, site, sizeof(*site), holder);
	return holder;
}

static struct place_holder *make(struct places *places,
				 const struct address *site)
{
	struct place_holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return NULL;
	memcpy(&holder->site, site, sizeof(holder->site));
	HASH_ADD(hh, places->holders, site, sizeof(holder->site), holder);
	return holder;
}

/* With the mutex held. */
static bool take(struct places *places, const struct address *site)
{
	struct place_holder *holder = find(places, site);
	unsigned has = holder ? holder->has : 0;
	unsigned taken = places_taken(places);

	assert(taken <= places->most);
	if (has >= places->most - taken)
		return false;
	if (!holder)
		holder = make(places, site);
	if (!holder)
		return false;
	holder->has++;
	atomic_store(&places->taken, taken + 1);
	return true;
}

bool places_take(struct places *places, const struct address *client)
{
	struct address site;
	bool has_one;

	address_site(client, &site);
	uv_mutex_lock(&places->mutex);
	has_one = take(places, &site);
	uv_mutex_unlock(&places->mutex);
	return has_one;
}

void places_leave(struct places *places, const struct address *client)
{
	struct place_holder *holder;
	struct address site;

	address_site(client, &site);
	uv_mutex_lock(&places->mutex);
	holder = find(places, &site);
	assert(holder && holder->has && places_taken(places));
	atomic_fetch_sub(&places->taken, 1);
	if (!--holder->has) {
		HASH_DEL(places->holders, holder);
		free(holder);
	}
	uv_mutex_unlock(&places->mutex);
}
