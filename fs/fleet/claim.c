// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "fs/fleet/claim.h"

/* Two that yield at a moment do not come back at one. */
#define CLAIM_CHANCE_MS 1000

static void enter(struct claim *claim, enum hosts_state state, uint64_t now_ms)
{
	claim->state = state;
	claim->since_ms = now_ms;
}

void claim_begin(struct claim *claim, uint64_t now_ms, uint64_t now_ns)
{
	enter(claim, HOSTS_CLAIMS, now_ms);
	claim->since_ns = now_ns;
	claim->told_ms = now_ms;
}

void claim_end(struct claim *claim, uint64_t now_ms)
{
	enter(claim, HOSTS_UNNAMED, now_ms);
	claim->since_ns = 0;
}

/* Has @a the name, if there is @b? Either side may ask. */
static bool is_better(const struct claim_rank *a, const struct claim_rank *b)
{
	if (a->serves != b->serves)
		return a->serves;
	if (a->since_ns != b->since_ns)
		return a->since_ns < b->since_ns;
	if (a->incarnation != b->incarnation)
		return a->incarnation < b->incarnation;
	return memcmp(a->uuid, b->uuid, 16) < 0;
}

static enum claim_news yield(struct claim *claim,
			     const struct claim_rank *rival, uint64_t now_ms)
{
	bool is_new = claim->state != HOSTS_YIELDS;

	claim->rival = rival->incarnation;
	claim->free_ms =
		now_ms + CLAIM_FREE_MS + randombytes_uniform(CLAIM_CHANCE_MS);
	if (!is_new)
		return CLAIM_NOTHING;
	enter(claim, HOSTS_YIELDS, now_ms);
	return CLAIM_IS_NEW;
}

enum claim_news claim_heard(struct claim *claim, const struct claim_rank *rival,
			    uint64_t now_ms)
{
	const struct claim_rank own = {
		.since_ns = claim->since_ns,
		.incarnation = claim->incarnation,
		.uuid = claim->uuid,
		.serves = claim->state == HOSTS_SERVES,
	};

	if (claim->state == HOSTS_UNNAMED)
		return CLAIM_NOTHING;
	if (claim->state == HOSTS_YIELDS || is_better(rival, &own))
		return yield(claim, rival, now_ms);
	if (now_ms < claim->told_ms + CLAIM_TELL_MS)
		return CLAIM_NOTHING;
	claim->told_ms = now_ms;
	return CLAIM_BEATS;
}

void claim_bye(struct claim *claim, uint64_t incarnation, uint64_t now_ms)
{
	if (claim->state == HOSTS_YIELDS && claim->rival == incarnation)
		claim->free_ms = now_ms;
}

enum claim_news claim_tick(struct claim *claim, uint64_t now_ms,
			   uint64_t now_ns)
{
	if (claim->state == HOSTS_YIELDS && now_ms >= claim->free_ms) {
		claim_begin(claim, now_ms, now_ns);
		return CLAIM_IS_NEW;
	}
	if (claim->state != HOSTS_CLAIMS)
		return CLAIM_NOTHING;
	if (now_ms >= claim->since_ms + CLAIM_MS) {
		enter(claim, HOSTS_SERVES, now_ms);
		claim->told_ms = now_ms;
		return CLAIM_IS_NEW;
	}
	if (now_ms < claim->told_ms + CLAIM_AGAIN_MS)
		return CLAIM_NOTHING;
	claim->told_ms = now_ms;
	return CLAIM_BEATS;
}
