// SPDX-License-Identifier: Apache-2.0
#include "anchors/host.h"
#include "anchors/touched.h"

struct pair {
	_Atomic uint32_t *of[2];
};

static struct pair counts_of(const struct anchor *anchor,
			     const struct name *owner)
{
	uint8_t octets[sizeof(anchor->id) + NAME_WIRE_SIZE];
	struct rrsets as_octets = {octets, sizeof(anchor->id) + owner->len};
	struct touched_counts *all = &anchor->host->touched;
	uint64_t digest;

	memcpy(octets, &anchor->id, sizeof(anchor->id));
	memcpy(octets + sizeof(anchor->id), owner->wire, owner->len);
	digest = rrsets_digest(as_octets);
	return (struct pair){{
		&all->of[0][digest % TOUCHED_COUNTS],
		&all->of[1][(digest >> 32) % TOUCHED_COUNTS],
	}};
}

void touched_count(struct anchor *anchor, const struct name *owner)
{
	struct pair pair = counts_of(anchor, owner);

	atomic_fetch_add(pair.of[0], 1);
	atomic_fetch_add(pair.of[1], 1);
}

void touched_count_all(struct anchor *anchor)
{
	atomic_fetch_add(&anchor->replaced, 1);
}

struct touched touched_now(const struct anchor *anchor,
			   const struct name *owner)
{
	struct pair pair = counts_of(anchor, owner);

	return (struct touched){
		.replaced = atomic_load(&anchor->replaced),
		.counts = {atomic_load(pair.of[0]), atomic_load(pair.of[1])},
	};
}

bool touched_since(const struct anchor *anchor, const struct name *owner,
		   const struct touched *then)
{
	struct touched now = touched_now(anchor, owner);

	return now.replaced != then->replaced ||
	       (now.counts[0] != then->counts[0] &&
		now.counts[1] != then->counts[1]);
}
