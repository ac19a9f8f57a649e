// SPDX-License-Identifier: Apache-2.0
/*
 * tap.c - queries on their way to whoever watches
 *
 * A ring with one writer and one reader. Two counts, of what was put and of
 * what was taken, only grow; their difference is what is in the ring.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "dns/serve/tap.h"

/* Both only grow, and so does what they count; each has one writer. */
struct tap {
	_Alignas(64) atomic_size_t put;
	_Alignas(64) atomic_size_t taken;
	_Alignas(64) atomic_bool awaited;
	_Alignas(64) struct tap_query queries[TAP_SIZE];
};

int tap_new(struct tap **out)
{
	/* Large, so libc takes it from the kernel, which has it zeroed. */
	struct tap *tap = aligned_alloc(_Alignof(struct tap), sizeof(*tap));

	if (!tap)
		return -ENOMEM;
	atomic_init(&tap->put, 0);
	atomic_init(&tap->taken, 0);
	atomic_init(&tap->awaited, true);
	*out = tap;
	return 0;
}

struct tap *tap_free(struct tap *tap)
{
	free(tap);
	return NULL;
}

static uint8_t flags_of(const struct answer_facts *facts, const uint8_t *query,
			const uint8_t *answer, size_t answer_len)
{
	uint16_t asked = get_u16(query + MESSAGE_FLAGS);
	uint16_t said = answer_len ? get_u16(answer + MESSAGE_FLAGS) : 0;
	unsigned opcode = asked >> MESSAGE_OPCODE_SHIFT & 0xf;
	uint8_t flags = 0;

	if (opcode == MESSAGE_OPCODE_NOTIFY)
		flags |= TAP_NOTIFY;
	if (opcode == MESSAGE_OPCODE_UPDATE)
		flags |= TAP_UPDATE;
	if (asked & MESSAGE_RD)
		flags |= TAP_RD;
	if (facts->has_edns)
		flags |= TAP_EDNS;
	if (facts->wants_dnssec)
		flags |= TAP_DO;
	if (said & MESSAGE_AA)
		flags |= TAP_AA;
	if (said & MESSAGE_TC)
		flags |= TAP_TC;
	return flags;
}

static void describe(struct tap_query *out, const struct lane *lane,
		     const struct answer_client *client,
		     const struct answer_facts *facts, const uint8_t *query)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	out->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	out->server = lane->server;
	out->client = (struct address){.kind = ADDRESS_OFF};
	if (client->address)
		address_from_sockaddr(client->address, &out->client);
	out->transport = (uint8_t)client->transport;
	out->type = facts->type;
	out->rcode = facts->rcode;
	/* A name that is compressed or too long was no question. */
	out->has_question =
		facts->question_len > MESSAGE_QUESTION_TAIL &&
		name_from_wire(query + MESSAGE_HEAD_SIZE,
			       facts->question_len - MESSAGE_QUESTION_TAIL,
			       &out->name) > 0;
}

void tap_put(struct tap *tap, struct lane *lane,
	     const struct answer_client *client,
	     const struct answer_facts *facts, const uint8_t *query,
	     const uint8_t *answer, size_t answer_len)
{
	size_t put = atomic_load_explicit(&tap->put, memory_order_relaxed);
	struct tap_query *to = &tap->queries[put % TAP_SIZE];

	if (put - atomic_load_explicit(&tap->taken, memory_order_acquire) ==
	    TAP_SIZE) {
		traffic_add(lane, TRAFFIC_UNSEEN, 1);
		return;
	}
	describe(to, lane, client, facts, query);
	to->flags = flags_of(facts, query, answer, answer_len);
	to->octets = (uint32_t)answer_len;
	to->is_pending = !answer_len && !facts->is_limited;
	atomic_store_explicit(&tap->put, put + 1, memory_order_release);
}

/*
 * Each exchanges the word, and whoever is the second one sees what the first
 * did before: the worker, that it is awaited, or who takes, what was put.
 */
bool tap_await(struct tap *tap)
{
	atomic_exchange(&tap->awaited, true);
	if (!tap_first(tap))
		return true;
	atomic_store(&tap->awaited, false);
	return false;
}

bool tap_is_awaited(struct tap *tap)
{
	return atomic_exchange(&tap->awaited, false);
}

const struct tap_query *tap_first(const struct tap *tap)
{
	size_t taken = atomic_load_explicit(&tap->taken, memory_order_relaxed);

	if (atomic_load_explicit(&tap->put, memory_order_acquire) == taken)
		return NULL;
	return &tap->queries[taken % TAP_SIZE];
}

void tap_drop(struct tap *tap)
{
	size_t taken = atomic_load_explicit(&tap->taken, memory_order_relaxed);

	assert(tap_first(tap));
	atomic_store_explicit(&tap->taken, taken + 1, memory_order_release);
}
