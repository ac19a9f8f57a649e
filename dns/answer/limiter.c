// SPDX-License-Identifier: Apache-2.0
/*
 * limiter.c - response rate limiting: no amplifier against others
 *
 * A bucket's word is a tag, which tells whose it is, a bit that is turned over
 * by each response past the rate, and the time at which the bucket will be full
 * again. That time says it all: a response moves it on by what one costs, and
 * is past the rate if it would be more than a second away. A time that is over,
 * or too far away to be a debt, is a full bucket; so nothing needs to be swept,
 * and the clock may wrap.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>

#include "dns/answer/limiter.h"

#define SETS_LOG2 13
#define WAYS	  8 /* words of one line of the processor's cache */

/* From the low end: the time in microseconds, the bit, the tag. */
#define TIME_BITS 44
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SLIP_BIT  (UINT64_C(1) << TIME_BITS)
#define TAG_MASK  (~(TIME_MASK | SLIP_BIT))

#define SECOND_US 1000000

/*
 * What costs more than one may go that far over a second. Clocks of two
 * workers are not read at the same moment, so a debt may seem larger still.
 */
#define DEBT_SET (SECOND_US + SECOND_US / 2)
#define DEBT_MAX (2 * SECOND_US)

/* Octets of a network, and what tells the families apart. */
#define NETWORK_SIZE 8
#define IPV4_PREFIX  3 /* octets: /24 */
#define IPV6_PREFIX  7 /* /56 */

struct limiter {
	uint64_t cost_us; /* of one response */
	bool loopback;
	atomic_uint_fast64_t past_end_ms; /* a second after the last verdict
					   * that was not to send */
	uint8_t key[crypto_shorthash_KEYBYTES];
	_Alignas(64) atomic_uint_fast64_t buckets[1 << SETS_LOG2][WAYS];
};

_Static_assert(sizeof(atomic_uint_fast64_t) == 8, "a set is a cache line");

int limiter_new(struct limiter **out, unsigned rate, bool loopback)
{
	struct limiter *limiter;

	assert(rate >= 1 && rate <= LIMITER_RATE_MAX);
	if (sodium_init() < 0)
		return -EIO;
	limiter = aligned_alloc(64, sizeof(*limiter));
	if (!limiter)
		return -ENOMEM;
	memset(limiter, 0, sizeof(*limiter));
	limiter->cost_us = SECOND_US / rate;
	limiter->loopback = loopback;
	crypto_shorthash_keygen(limiter->key);
	*out = limiter;
	return 0;
}

struct limiter *limiter_free(struct limiter *limiter)
{
	free(limiter);
	return NULL;
}

static bool is_loopback(const struct sockaddr *client)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)client;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)client;
	const uint8_t *ip;

	if (client->sa_family == AF_INET)
		return *(const uint8_t *)&in4->sin_addr == 127;
	if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	ip = in6->sin6_addr.s6_addr + 12;
	return *ip == 127;
}

bool limiter_counts(const struct limiter *limiter,
		    const struct sockaddr *client)
{
	return limiter->loopback || !is_loopback(client);
}

static uint64_t hash(const struct limiter *limiter,
		     const struct limiter_kind *kind)
{
	const uint8_t *name = kind->name;
	size_t len = kind->len;
	uint8_t text[NETWORK_SIZE + 1 + NAME_WIRE_SIZE] = {0};
	struct address address;
	uint64_t out;

	assert(len >= 1 && len <= NAME_WIRE_SIZE);
	address_from_sockaddr(kind->client, &address);
	text[0] = address.kind;
	memcpy(text + 1, address.ip,
	       address.kind == ADDRESS_IPV4 ? IPV4_PREFIX : IPV6_PREFIX);
	text[NETWORK_SIZE] = (uint8_t)kind->class;
	for (size_t i = 0; i < len; i++)
		text[NETWORK_SIZE + 1 + i] = name_lower_octet(name[i]);
	crypto_shorthash((uint8_t *)&out, text, NETWORK_SIZE + 1 + len,
			 limiter->key);
	return out;
}

/* How far in microseconds a bucket is from being full. */
static uint64_t debt_of(uint64_t word, uint64_t now_us)
{
	uint64_t debt = (word - now_us) & TIME_MASK;

	return debt <= DEBT_MAX ? debt : 0;
}

/* The bucket of a tag, or the one whose loss matters least. */
static atomic_uint_fast64_t *find(atomic_uint_fast64_t *set, uint64_t tag,
				  uint64_t now_us)
{
	atomic_uint_fast64_t *least = set;
	uint64_t least_debt = UINT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t word =
			atomic_load_explicit(set + i, memory_order_relaxed);

		if ((word & TAG_MASK) == tag)
			return set + i;
		if (debt_of(word, now_us) < least_debt) {
			least_debt = debt_of(word, now_us);
			least = set + i;
		}
	}
	return least;
}

/* What a bucket is when a response was sent. */
static uint64_t pay(uint64_t word, uint64_t debt, uint64_t now_us,
		    uint64_t cost_us)
{
	debt += cost_us;
	if (debt > DEBT_SET)
		debt = DEBT_SET;
	return (word & ~TIME_MASK) | ((now_us + debt) & TIME_MASK);
}

/* Remember that somebody is past the rate. */
static void note_past(struct limiter *limiter, uint64_t now_ms)
{
	uint64_t end = now_ms + 1000;

	if (atomic_load_explicit(&limiter->past_end_ms, memory_order_relaxed) !=
	    end)
		atomic_store_explicit(&limiter->past_end_ms, end,
				      memory_order_relaxed);
}

/* @cost_us: of a response that is sent; 0: it is not known yet. */
static enum limiter_verdict judge(struct limiter *limiter, uint64_t now_ms,
				  const struct limiter_kind *kind,
				  uint64_t cost_us)
{
	uint64_t code = hash(limiter, kind);
	uint64_t tag = code & TAG_MASK;
	uint64_t now_us = now_ms * 1000, word, next, debt;
	atomic_uint_fast64_t *bucket = find(
		limiter->buckets[code & ((1 << SETS_LOG2) - 1)], tag, now_us);
	enum limiter_verdict verdict;

	word = atomic_load_explicit(bucket, memory_order_relaxed);
	do {
		bool mine = (word & TAG_MASK) == tag;

		next = mine ? word : tag;
		debt = mine ? debt_of(word, now_us) : 0;
		if (debt + limiter->cost_us <= SECOND_US) {
			verdict = LIMITER_SEND;
			if (!cost_us)
				return verdict;
			next = pay(next, debt, now_us, cost_us);
		} else {
			verdict = next & SLIP_BIT ? LIMITER_DROP : LIMITER_SLIP;
			next ^= SLIP_BIT;
		}
	} while (!atomic_compare_exchange_weak_explicit(bucket, &word, next,
							memory_order_relaxed,
							memory_order_relaxed));
	if (verdict != LIMITER_SEND)
		note_past(limiter, now_ms);
	return verdict;
}

enum limiter_verdict limiter_judge(struct limiter *limiter, uint64_t now_ms,
				   const struct limiter_kind *kind,
				   unsigned cost)
{
	assert(cost >= 1);
	return judge(limiter, now_ms, kind, cost * limiter->cost_us);
}

enum limiter_verdict limiter_judge_early(struct limiter *limiter,
					 uint64_t now_ms,
					 const struct limiter_kind *kind)
{
	if (now_ms >=
	    atomic_load_explicit(&limiter->past_end_ms, memory_order_relaxed))
		return LIMITER_SEND;
	return judge(limiter, now_ms, kind, 0);
}
