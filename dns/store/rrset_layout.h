/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset_layout.h - the form of an owner's value, for those who read and write
 * it
 */
#ifndef DNS_RRSET_LAYOUT_H
#define DNS_RRSET_LAYOUT_H

#include "dns/store/rrset.h"

/* Before the records of an RRset; in host order, as LMDB's own pages are. */
struct rrset_head {
	uint16_t type;
	uint16_t count;
	uint32_t len;  /* octets of the records */
	uint32_t text; /* octets of their lines, newlines included */
	uint32_t json; /* octets of their JSON strings, quotes included */
};

static inline struct rrset_head rrset_head_at(struct rrsets rrsets,
					      size_t offset)
{
	struct rrset_head head;

	memcpy(&head, rrsets.data + offset, sizeof(head));
	return head;
}

/* SOA, NS, and the rest by number: the order in which RRsets stand. */
static inline unsigned rrset_rank(uint16_t type)
{
	return type == RR_SOA ? 0 : type == RR_NS ? 1 : 2u + type;
}

/* How many characters of a text JSON writes as two. */
static inline uint32_t rrset_json_escapes(const char *text, size_t len)
{
	uint32_t escapes = 0;

	for (size_t i = 0; i < len; i++)
		escapes += text[i] == '"' || text[i] == '\\' || text[i] == '\t';
	return escapes;
}

#endif
