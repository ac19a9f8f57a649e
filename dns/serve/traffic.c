// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "dns/serve/traffic.h"
#include "dns/wire/message.h"
#include "dns/wire/rr_type.h"

/*
 * The types that clients ask for have a slot each, by their rows. All others
 * are one, the last: who asks could make as many as there are numbers.
 */
#define SLOT_OTHER RR_COUNTED

/* Slots of RCODEs: the first eleven are themselves. */
#define RCODE_PLAIN (RCODE_NOTZONE + 1)

enum {
	SLOT_BADVERS = RCODE_PLAIN,
	SLOT_BADCOOKIE,
	SLOT_OTHER_RCODE,
	SLOT_RCODES,
};

_Static_assert(SLOT_RCODES == TRAFFIC_RCODES, "a slot for each RCODE");

static unsigned type_slot(uint16_t type)
{
	unsigned place = rr_type_of(type)->counted;

	return place ? place - 1 : SLOT_OTHER;
}

static unsigned rcode_slot(uint16_t rcode)
{
	if (rcode < RCODE_PLAIN)
		return rcode;
	if (rcode == RCODE_BADVERS)
		return SLOT_BADVERS;
	return rcode == RCODE_BADCOOKIE ? SLOT_BADCOOKIE : SLOT_OTHER_RCODE;
}

int traffic_new(struct traffic **out, uint64_t server, unsigned workers)
{
	size_t size = sizeof(struct traffic) +
		      ((size_t)workers + 1) * sizeof(struct lane);
	struct traffic *traffic = aligned_alloc(_Alignof(struct lane), size);

	if (!traffic)
		return -ENOMEM;
	memset(traffic, 0, size);
	traffic->workers = workers;
	for (unsigned i = 0; i < traffic_lanes(traffic); i++)
		traffic->lanes[i].server = server;
	*out = traffic;
	return 0;
}

struct traffic *traffic_free(struct traffic *traffic)
{
	free(traffic);
	return NULL;
}

void traffic_count(struct lane *lane, enum answer_transport transport,
		   const struct answer_facts *facts)
{
	traffic_add(lane,
		    TRAFFIC_QUERIES + transport * TRAFFIC_TYPES +
			    type_slot(facts->type),
		    1);
	traffic_add(lane,
		    TRAFFIC_ANSWERS + transport * TRAFFIC_RCODES +
			    rcode_slot(facts->rcode),
		    1);
	if (facts->is_truncated)
		traffic_add(lane, TRAFFIC_TRUNCATED, 1);
	if (facts->is_spent)
		traffic_add(lane, TRAFFIC_SPENT, 1);
}

uint64_t traffic_sum(const struct traffic *traffic, unsigned item)
{
	uint64_t sum = 0;

	assert(item < TRAFFIC_ITEMS);
	for (unsigned i = 0; i < traffic_lanes(traffic); i++)
		sum += atomic_load_explicit(&traffic->lanes[i].counts[item],
					    memory_order_relaxed);
	return sum;
}

void traffic_watch(struct traffic *traffic, bool watched)
{
	for (unsigned i = 0; i < traffic_lanes(traffic); i++)
		atomic_store(&traffic->lanes[i].watched, watched);
}

void traffic_type_text(unsigned slot, char out[16])
{
	if (slot < SLOT_OTHER)
		rr_type_to_text(rr_type_counted(slot + 1), out);
	else
		strcpy(out, "other");
}

const char *traffic_rcode_text(unsigned slot)
{
	if (slot == SLOT_OTHER_RCODE)
		return "other";
	if (slot == SLOT_BADVERS)
		return rcode_text(RCODE_BADVERS);
	return rcode_text(slot == SLOT_BADCOOKIE ? RCODE_BADCOOKIE
						 : (uint16_t)slot);
}
