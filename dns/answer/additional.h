/* SPDX-License-Identifier: Apache-2.0 */
/*
 * additional.h - addresses for the names that an RRset points to
 *
 * RFC 1034, section 4.3.2, step 6, for NS, MX, SRV, SVCB and HTTPS. How many
 * names are looked up has a limit, and so has what is looked at for the
 * response in all. What is added is of the same zone; for NS also glue, which
 * is at and below the zone's cuts.
 *
 * Threading: as the snapshot's.
 */
#ifndef DNS_ADDITIONAL_H
#define DNS_ADDITIONAL_H

#include "dns/answer/lookup.h"
#include "dns/answer/response.h"

#define ADDITIONAL_TARGETS 32 /* different names that are looked up */

/* Where the RRset stands that the names are taken from. */
struct additional {
	struct snapshot *snapshot;
	uint32_t table;
	uint64_t effort_end; /* by snapshot_effort(): from there on, no more */
	struct response *response;
	bool in_zone;
	struct name apex; /* in a zone */
	const struct name *owner;
	bool owner_is_answered; /* the answer has all its RRsets */
	const struct rrset *rrset;
	/* Of a referral: where its records stand in the response, and what was
	 * found; else 0 and NULL. */
	size_t at;
	const struct lookup *cut;

	/* Names that were looked up, for this RRset and those before it. */
	struct additional_target {
		struct name name;
		uint16_t type; /* of the last RRset that pointed to it */
	} targets[ADDITIONAL_TARGETS];
	unsigned count;
};

/** additional_is_due() - RRsets of this type point to names */
bool additional_is_due(uint16_t type);

/**
 * additional_add() - what is there and fits, and is found soon enough
 *
 * Called again with another RRset of the same owner, it adds what is new.
 *
 * Return: 0; -EIO.
 */
int additional_add(struct additional *additional);

/**
 * additional_add_glue() - for the NS RRset of a referral
 *
 * Return: 0; -ENOSPC: not all addresses that the referral cannot do without
 * are there (RFC 9471, section 3.1); -EIO.
 */
int additional_add_glue(const struct additional *additional);

#endif
