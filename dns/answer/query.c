// SPDX-License-Identifier: Apache-2.0
/*
 * query.c - reading a query, of which nothing is trusted
 *
 * Everything goes through struct reading: reading_take() is the one place that
 * moves on, and it never moves past the end. The counts in the header are only
 * how often to try; each record takes at least 11 octets, so the packet's
 * length bounds the work.
 */
#include "dns/answer/cookie.h"
#include "dns/answer/query.h"
#include "dns/wire/reading.h"
#include "dns/wire/rr_type.h"

/* RFC 1035, section 4.1.2. */
static bool read_question(struct reading *in, struct query *out)
{
	const uint8_t *fixed;
	int name_len;

	/* There is nothing before it that a compressed name could point to. */
	name_len = name_from_wire(in->at, in->left, &out->name);
	if (name_len < 0)
		return false;
	reading_take(in, (size_t)name_len);
	fixed = reading_take(in, MESSAGE_QUESTION_TAIL);
	if (!fixed)
		return false;
	out->type = get_u16(fixed);
	out->class = get_u16(fixed + 2);
	out->question_len = (size_t)name_len + MESSAGE_QUESTION_TAIL;
	return true;
}

/* RFC 7873, sections 5.2 and 5.2.2: of several cookies the first one counts. */
static bool read_cookie(const uint8_t *data, uint16_t len, struct query *out)
{
	if (out->cookie)
		return true;
	out->cookie = data;
	out->cookie_len = (uint8_t)len;
	return len == COOKIE_CLIENT_SIZE ||
	       (len >= COOKIE_SIZE_MIN && len <= COOKIE_SIZE_MAX);
}

/* RFC 6891, section 6.1.2: {code, length, data}, and nothing left over. */
static bool read_options(struct reading in, struct query *out)
{
	const uint8_t *fixed, *data;
	uint16_t len;

	while (in.left) {
		fixed = reading_take(&in, EDNS_OPTION_HEAD);
		if (!fixed)
			return false;
		len = get_u16(fixed + EDNS_OPTION_LENGTH);
		data = reading_take(&in, len);
		if (!data)
			return false;
		/* Unknown options are ignored: RFC 6891, section 6.1.2. */
		if (get_u16(fixed) == EDNS_NSID)
			out->wants_nsid = true;
		else if (get_u16(fixed) == EDNS_KEEPALIVE)
			out->wants_keepalive = true;
		else if (get_u16(fixed) == EDNS_EXPIRE)
			out->wants_expire = true;
		else if (get_u16(fixed) == EDNS_COOKIE &&
			 !read_cookie(data, len, out))
			return false;
	}
	return true;
}

static bool read_opt(const uint8_t *fixed, struct reading options,
		     struct query *out)
{
	/* More than one is FORMERR: RFC 6891, section 6.1.1. */
	if (out->has_edns)
		return false;
	out->has_edns = true;
	out->edns_size = get_u16(fixed + EDNS_UDP_SIZE);
	out->edns_version = fixed[EDNS_VERSION];
	/* The other flags are ignored: RFC 6891, section 6.1.4. */
	out->wants_dnssec = get_u16(fixed + EDNS_FLAGS) & EDNS_DO;
	return read_options(options, out);
}

/* Five numbers end an SOA's RDATA, whatever its names are. */
#define SOA_NUMBERS_SIZE 20
#define SOA_SIZE_MIN	 (SOA_NUMBERS_SIZE + 2)

/* Of several the first one counts. */
static void read_soa(const uint8_t *rdata, uint16_t len, struct query *out)
{
	if (out->has_serial || len < SOA_SIZE_MIN)
		return;
	out->has_serial = true;
	out->serial = get_u32(rdata + len - SOA_NUMBERS_SIZE);
}

/* Any record may stand in a query; few say something here. */
static bool read_record(struct reading *in, bool in_additional,
			struct query *out)
{
	const uint8_t *owner = in->at, *fixed, *rdata;
	uint16_t rdlen;

	if (!reading_skip_name(in))
		return false;
	fixed = reading_take(in, RR_HEAD_SIZE);
	if (!fixed)
		return false;
	rdlen = get_u16(fixed + RR_HEAD_RDLENGTH);
	rdata = reading_take(in, rdlen);
	if (!rdata)
		return false;
	switch (get_u16(fixed)) {
	case RR_OPT:
		/* Of the root, in the additional section: RFC 6891, 6.1. */
		return in_additional && *owner == 0 &&
		       read_opt(fixed, (struct reading){rdata, rdlen}, out);
	case RR_TSIG:
		out->has_tsig = true;
		return true;
	case RR_SOA:
		if (!in_additional)
			read_soa(rdata, rdlen, out);
		return true;
	default:
		return true;
	}
}

static bool read_records(struct reading *in, const uint8_t *head,
			 struct query *out)
{
	unsigned before = get_u16(head + MESSAGE_ANCOUNT) +
			  get_u16(head + MESSAGE_NSCOUNT);
	unsigned arcount = get_u16(head + MESSAGE_ARCOUNT);

	for (unsigned i = 0; i < before + arcount; i++)
		if (!read_record(in, i >= before, out))
			return false;
	return in->left == 0;
}

/* A packet that broke has no OPT record to go by: RFC 6891, section 7. */
static enum query_verdict broken(struct query *out)
{
	out->has_edns = false;
	return QUERY_BROKEN;
}

enum query_verdict query_parse(const uint8_t *packet, size_t len,
			       struct query *out)
{
	struct reading in = {packet, len};
	const uint8_t *head = reading_take(&in, MESSAGE_HEAD_SIZE);
	unsigned qdcount;

	if (!head)
		return QUERY_DROP;
	out->flags = get_u16(head + MESSAGE_FLAGS);
	out->question_len = 0;
	out->has_edns = out->wants_dnssec = false;
	out->wants_nsid = out->wants_keepalive = out->wants_expire = false;
	out->has_tsig = out->has_serial = false;
	out->cookie = NULL;

	/* A response to a response could go on for ever. */
	if (out->flags & MESSAGE_QR)
		return QUERY_DROP;

	/* More than one question is FORMERR: RFC 9619, section 4. */
	qdcount = get_u16(head + MESSAGE_QDCOUNT);
	if (qdcount > 1 || (qdcount == 1 && !read_question(&in, out)))
		return broken(out);
	if (!read_records(&in, head, out))
		return broken(out);

	/* A query without a question asks nothing, but for a cookie. */
	return qdcount == 1 || out->cookie ? QUERY_OK : QUERY_BROKEN;
}
