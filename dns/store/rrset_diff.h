/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset_diff.h - which records of one owner are gone, and which have come
 *
 * Both are the records of one value that another one has not: with the same
 * octets, TTL and case of names included, for who takes a difference must get
 * exactly the new value.
 *
 * Pure functions; any thread may call them.
 */
#ifndef DNS_RRSET_DIFF_H
#define DNS_RRSET_DIFF_H

#include "dns/store/rrset.h"

/* Kinds of types, for who looks at some of them only. */
enum rrset_part {
	PART_SOA = 1,
	PART_NS = 2,
	PART_DS = 4,
	PART_ADDRESS = 8, /* A and AAAA */
	PART_OTHER = 16,
	PART_ALL = 31,
};

/** rrset_part() - which of them a type is */
enum rrset_part rrset_part(uint16_t type);

/* Takes a record; what is not 0 ends the walk and is returned. */
typedef int rrset_diff_fn(void *arg, struct rrset_rr rr);

/**
 * rrsets_minus() - every record of @a that @b has not
 * @a_parts: what of @a counts, the rest is as if it was not there; so @b_parts
 *
 * Return: 0; what @take returned; -ENOMEM.
 */
int rrsets_minus(struct rrsets a, unsigned a_parts, struct rrsets b,
		 unsigned b_parts, rrset_diff_fn *take, void *arg);

/** rrsets_differ() - does one have a record that the other has not? An order
 * of records within an RRset is no difference. 1, 0, -ENOMEM */
int rrsets_differ(struct rrsets a, unsigned a_parts, struct rrsets b,
		  unsigned b_parts);

/**
 * rrsets_mix() - some parts of one value, and others of another
 * @out: is set to it; the parts must be others
 *
 * Return: 0, -ENOMEM.
 */
int rrsets_mix(struct rrsets a, unsigned a_parts, struct rrsets b,
	       unsigned b_parts, struct buffer *out);

#endif
