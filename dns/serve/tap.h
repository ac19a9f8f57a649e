/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - queries on their way to whoever watches
 *
 * A worker puts what it was asked into its own ring, and the main loop takes
 * it out. A full ring takes no more, so that an answer never waits: what it
 * did not take is counted in the nameserver's lane.
 *
 * Who takes says when it has seen that a ring is empty; then, and not for each
 * query, it is woken at the next one.
 *
 * Threading: the worker puts, the main loop takes; no lock. A ring lives as
 * long as its worker. Nobody has touched its memory before the first query
 * that is watched, so that one which is never used costs address space only.
 */
#ifndef DNS_TAP_H
#define DNS_TAP_H

#include "dns/answer/answer.h"
#include "dns/serve/traffic.h"
#include "dns/wire/address.h"

#define TAP_SIZE 1024 /* queries; a power of two */

enum tap_flag {
	TAP_AA = 1,
	TAP_TC = 2,
	TAP_RD = 4,
	TAP_EDNS = 8,
	TAP_DO = 16,
	TAP_NOTIFY = 32, /* its opcode; else it is a query or the next */
	TAP_UPDATE = 64,
};

struct tap_query {
	int64_t time_ns; /* since 1970 */
	uint64_t server; /* the nameserver's id in the store */
	struct address client;
	uint8_t transport; /* enum answer_transport */
	uint8_t flags;	   /* enum tap_flag; AA and TC are the answer's */
	bool has_question; /* or name and type are nothing */
	bool is_pending;   /* the answer comes later: of it nothing is known */
	uint16_t type;
	uint16_t rcode;
	uint32_t octets; /* of the answer; 0: none was sent */
	struct name name;
};

struct tap;

/** tap_new() - 0, -ENOMEM */
int tap_new(struct tap **out);
struct tap *tap_free(struct tap *tap);

/**
 * tap_put() - what was asked, and answered
 * @lane:   the server's, of this worker
 * @query:  as it came
 * @answer: @answer_len octets; 0: none is sent, since the client's rate is
 *          limited, or none yet
 */
void tap_put(struct tap *tap, struct lane *lane,
	     const struct answer_client *client,
	     const struct answer_facts *facts, const uint8_t *query,
	     const uint8_t *answer, size_t answer_len);

/** tap_await() - wake me at the next one; false: there is one already */
bool tap_await(struct tap *tap);

/** tap_is_awaited() - has who takes to be woken? Once for each tap_await() */
bool tap_is_awaited(struct tap *tap);

/** tap_first() - the oldest query in it; NULL: there is none; borrowed */
const struct tap_query *tap_first(const struct tap *tap);

/** tap_drop() - be done with the oldest one */
void tap_drop(struct tap *tap);

#endif
