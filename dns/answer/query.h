/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - reading a query, of which nothing is trusted
 *
 * One pass over the packet that never leaves it, follows no pointer and
 * allocates nothing. Pure; any thread may call it.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "dns/wire/name.h"

#define QUERY_HEAD_SIZE 12 /* RFC 1035, section 4.1.1 */
#define QUERY_CLASS_IN	1

enum query_opcode {
	QUERY_OPCODE_QUERY = 0, /* the only one that is answered */
};

/* Header flags: RFC 1035, section 4.1.1. */
enum query_flag {
	QUERY_QR = 0x8000,
	QUERY_AA = 0x0400,
	QUERY_TC = 0x0200,
	QUERY_RD = 0x0100,
	QUERY_COPIED =
		0x7800 | QUERY_RD, /* opcode and RD go back as they came */
};

enum query_option {				 /* EDNS option codes */
		    QUERY_OPTION_NSID = 3,	 /* RFC 5001, section 2.3 */
		    QUERY_OPTION_COOKIE = 10,	 /* RFC 7873, section 4 */
		    QUERY_OPTION_KEEPALIVE = 11, /* RFC 7828, section 3.1 */
		    QUERY_OPTION_EDE = 15,	 /* RFC 8914, section 2 */
};

struct query {
	uint16_t flags; /* with opcode and rcode, as they came */

	/* The question, if question_len is not 0: see query_parse(). */
	size_t question_len; /* octets behind the header */
	struct name name;    /* its case as asked */
	uint16_t type, class;

	/* The OPT record, if has_edns. */
	bool has_edns, wants_dnssec, wants_nsid, wants_keepalive;
	uint8_t edns_version;
	uint16_t edns_size;    /* as it came */
	const uint8_t *cookie; /* in the packet; NULL: there is none */
	uint8_t cookie_len;    /* 8, or 16 to 40 octets */
};

enum query_verdict {
	QUERY_OK,
	QUERY_BROKEN, /* FORMERR; the question may still be there to echo */
	QUERY_DROP,   /* no answer is due */
};

/** query_opcode() - of a query that is not QUERY_DROP */
static inline unsigned query_opcode(const struct query *query)
{
	return query->flags >> 11 & 0xf;
}

/**
 * query_parse() - read a packet
 *
 * @out is filled as far as the packet is sound. A packet is read in the same
 * way whatever its opcode is. Who has a cookie may ask nothing but for a new
 * one (RFC 7873, section 5.4): the one way to be QUERY_OK without a question.
 */
enum query_verdict query_parse(const uint8_t *packet, size_t len,
			       struct query *out);

#endif
