/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - from the name that is asked to the one that has the answer
 *
 * A query becomes a chain of names: the one asked, and each that a CNAME or a
 * DNAME sends it on to (RFC 1034, section 3.6.2; RFC 6672, section 3.2),
 * through every zone that the table holds. It has a greatest length, and ends
 * where it would come to a name for the second time.
 *
 * Names may be deep, and the way to each be long, so what is looked at for one
 * response has an end too. Then no further link is followed and no more
 * addresses are added; a referral that lacks some of its own is truncated.
 *
 * Threading: as the snapshot's.
 */
#ifndef DNS_CHAIN_H
#define DNS_CHAIN_H

#include "dns/answer/response.h"
#include "dns/store/home.h"

#define CHAIN_MAX 16 /* CNAMEs, synthesized ones too, that are followed */

/*
 * How much may be looked at for one response, as snapshot_effort() counts it:
 * as much as 256 seeks. Once that is reached no other name is looked up. The
 * name that reaches it is looked up to its end, so that a response may take a
 * little more.
 */
#define CHAIN_EFFORT (256 * SNAPSHOT_SEEK)

struct chain {
	/* Given. */
	struct snapshot *snapshot;
	uint32_t table;
	const struct served *dark; /* it has dark zones: dark.h; else NULL */
	const struct query *query;
	struct response *response;
	bool is_any_one; /* to ANY, one RRset is enough */

	/* What comes out, beside the records in the response. */
	enum rcode rcode; /* REFUSED: the name is not held here */
	bool is_authoritative, is_truncated;
	bool is_dark;	 /* with SERVFAIL: by dark.h */
	uint32_t effort; /* that it took; from CHAIN_EFFORT on, something may
			  * have been left out */
	/*
	 * How many of the first labels of the question's name have no say in
	 * the response: with others in their place it is much the same. All
	 * count for a name that exists; below a cut or a DNAME, those from its
	 * owner up do; for the rest, those from the zone's apex up, or none.
	 */
	unsigned varying;

	uint64_t effort_end; /* of snapshot_effort(), when no more may be */

	/* The name it is at, and those it came to after the first. */
	const struct name *name;
	unsigned links;
	struct name names[CHAIN_MAX];
	const uint8_t *dnames[CHAIN_MAX]; /* records that sent it on, or NULL */
};

/** chain_follow() - answer a question; every result is one for the client */
void chain_follow(struct chain *chain);

#endif
