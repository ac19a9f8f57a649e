/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limiter.h - response rate limiting: no amplifier against others
 *
 * Who sends queries under another's address has the answers sent there. So
 * responses over UDP are counted by the network they go to (an IPv4 /24, an
 * IPv6 /56) and by what they say; what is past the rate is dropped, or now and
 * then answered with nothing but the advice to come over TCP, which only the
 * true owner of the address can follow. That is the practice of BIND, NSD and
 * Knot.
 *
 * Each count is a bucket of tokens that holds a second's worth. All workers
 * share the buckets, so that the rate is that of the daemon, whoever of them
 * answers. A bucket is one word, changed by compare and exchange: no lock, no
 * allocation, and memory that was fixed at the start. Where more networks are
 * in debt than there are buckets, the least debt is forgotten.
 *
 * A response is counted when it is made, since only then it is known what it
 * says. But what says the data of a name, or refers to it, will do so again: if
 * such a count is past its rate, the work for the next one is not begun.
 *
 * Buckets are found with SipHash and a key at random, so that nobody can aim
 * at another's.
 *
 * Threading: any thread.
 */
#ifndef DNS_LIMITER_H
#define DNS_LIMITER_H

#include "dns/wire/address.h"
#include "dns/wire/name.h"

#define LIMITER_RATE	 200	/* responses a second, by default */
#define LIMITER_RATE_MAX 100000 /* responses a second */

struct limiter;

/* What a response says; beside the name, what it is counted by. */
enum limiter_class {
	LIMITER_DATA,	    /* the name: of the question, or its zone's if
			     * a wildcard was the source */
	LIMITER_REFERRAL,   /* the cut */
	LIMITER_NAME_ERROR, /* the zone */
	LIMITER_ERROR,	    /* none */
};

enum limiter_verdict {
	LIMITER_SEND,
	LIMITER_SLIP, /* past the rate: say little; every second time */
	LIMITER_DROP,
};

/**
 * limiter_new() - with all buckets full
 * @rate: responses a second, from 1 to LIMITER_RATE_MAX
 * @loopback: whether clients on a loopback address are counted too
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int limiter_new(struct limiter **out, unsigned rate, bool loopback);
struct limiter *limiter_free(struct limiter *limiter);

/** limiter_counts() - does it count what a client is sent? */
bool limiter_counts(const struct limiter *limiter,
		    const struct sockaddr *client);

/* What is counted together. */
struct limiter_kind {
	const struct sockaddr *client;
	enum limiter_class class;
	const uint8_t *name; /* wire format; its case does not matter; of
			      * LIMITER_ERROR, the root */
	size_t len;	     /* octets of the name */
};

/**
 * limiter_judge() - count a response that is about to be sent
 * @now_ms: by a monotonic clock, the same one in all workers
 * @cost:   as how many it counts, 1 at least. It is sent if one would be.
 */
enum limiter_verdict limiter_judge(struct limiter *limiter, uint64_t now_ms,
				   const struct limiter_kind *kind,
				   unsigned cost);

/**
 * limiter_judge_early() - count a response that nothing was done for yet
 *
 * Costs next to nothing as long as nobody is past the rate.
 *
 * Return: as limiter_judge(), if the kind is past the rate; else LIMITER_SEND,
 * and nothing is counted.
 */
enum limiter_verdict limiter_judge_early(struct limiter *limiter,
					 uint64_t now_ms,
					 const struct limiter_kind *kind);

#endif
