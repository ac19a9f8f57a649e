/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - reading a query, of which nothing is trusted
 *
 * One pass over the packet that never leaves it, follows no pointer and
 * allocates nothing. Pure; any thread may call it.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "dns/wire/message.h"
#include "dns/wire/name.h"

struct query {
	uint16_t flags; /* with opcode and rcode, as they came */

	/* The question, if question_len is not 0: see query_parse(). */
	size_t question_len; /* octets behind the header */
	struct name name;    /* its case as asked */
	uint16_t type, class;

	/* The OPT record, if has_edns. */
	bool has_edns, wants_dnssec, wants_nsid, wants_keepalive;
	bool wants_expire; /* RFC 7314 */
	uint8_t edns_version;
	uint16_t edns_size;    /* as it came */
	const uint8_t *cookie; /* in the packet; NULL: there is none */
	uint8_t cookie_len;    /* octets, as cookie.h allows them */

	bool has_tsig; /* wherever it stands: tsig_check() judges that */

	/* An SOA before the additional section, as IXFR and NOTIFY have it. */
	bool has_serial;
	uint32_t serial;
};

enum query_verdict {
	QUERY_OK,
	QUERY_BROKEN, /* FORMERR; the question may still be there to echo */
	QUERY_DROP,   /* no answer is due */
};

/** query_opcode() - of a query that is not QUERY_DROP */
static inline unsigned query_opcode(const struct query *query)
{
	return (query->flags & MESSAGE_OPCODE) >> MESSAGE_OPCODE_SHIFT;
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
