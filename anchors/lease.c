// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "anchors/lease.h"

void leases_init(struct leases *leases)
{
	*leases = (struct leases){0};
	uv_mutex_init(&leases->mutex);
}

void leases_deinit(struct leases *leases)
{
	assert(!leases->all);
	uv_mutex_destroy(&leases->mutex);
}

/* Under the mutex; NULL: that host has none. */
static struct lease *find(const struct leases *leases, const char *from)
{
	struct lease *lease;

	HASH_FIND_STR(leases->all, from, lease);
	return lease;
}

void lease_begin(struct leases *leases, struct lease *lease)
{
	uv_mutex_lock(&leases->mutex);
	assert(lease->from[0] && !find(leases, lease->from));
	HASH_ADD_STR(leases->all, from, lease);
	uv_mutex_unlock(&leases->mutex);
}

void lease_end(struct leases *leases, struct lease *lease)
{
	uv_mutex_lock(&leases->mutex);
	if (find(leases, lease->from) == lease)
		HASH_DEL(leases->all, lease);
	uv_mutex_unlock(&leases->mutex);
}

void lease_narrow(struct leases *leases, struct lease *lease, uint64_t slots)
{
	uv_mutex_lock(&leases->mutex);
	lease->slots = slots;
	uv_mutex_unlock(&leases->mutex);
	if (!slots)
		lease_end(leases, lease);
}

/* Under the mutex. */
static bool holds_for(struct lease *lease, const struct receipt *receipt)
{
	if (lease->session != receipt->session)
		return false;
	if (lease->slots)
		return receipt->slot < 64 && lease->slots >> receipt->slot & 1;
	return !lease->is_over(lease);
}

bool lease_holds(struct leases *leases, const struct receipt *receipt)
{
	struct lease *lease;
	bool holds;

	uv_mutex_lock(&leases->mutex);
	lease = find(leases, receipt->from);
	holds = lease && holds_for(lease, receipt);
	uv_mutex_unlock(&leases->mutex);
	return holds;
}
