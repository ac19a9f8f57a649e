// SPDX-License-Identifier: Apache-2.0
/*
 * tsig_rr.c - the TSIG record, and what of a message is hashed
 *
 * A message is read in one pass, of which nothing is trusted: reading_take() is
 * the one place that moves on. Names are only stepped over, but for those of
 * the TSIG record itself. Its owner may be compressed, as any record's;
 * dnspython does that. The algorithm's name must not be.
 */
#include <assert.h>
#include <errno.h>

#include "dns/answer/tsig_rr.h"
#include "dns/wire/message_rr.h"
#include "dns/wire/reading.h"
#include "dns/wire/rr_type.h"

static bool take_algorithm(struct reading *in, struct name *out)
{
	int len = name_from_wire(in->at, in->left, out);

	if (len < 0)
		return false;
	reading_take(in, (size_t)len);
	name_lower(out);
	return true;
}

/* 48 bits. */
static uint64_t get_time(const uint8_t *at)
{
	return (uint64_t)get_u16(at) << 32 | get_u32(at + 2);
}

static void put_time(uint8_t *at, uint64_t time)
{
	put_u16(at, (uint16_t)(time >> 32));
	put_u32(at + 2, (uint32_t)time);
}

/* RFC 8945, section 4.2; other data has its length, and ends it. */
static bool read_rdata(struct reading in, struct tsig_rr *out)
{
	const uint8_t *fixed;

	if (!take_algorithm(&in, &out->algorithm))
		return false;
	fixed = reading_take(&in, 10);
	if (!fixed)
		return false;
	out->time = get_time(fixed);
	out->fudge = get_u16(fixed + 6);
	out->mac_len = get_u16(fixed + 8);
	out->mac = reading_take(&in, out->mac_len);
	fixed = out->mac ? reading_take(&in, 6) : NULL;
	if (!fixed)
		return false;
	out->id = get_u16(fixed);
	out->error = get_u16(fixed + 2);
	out->other_len = get_u16(fixed + 4);
	out->other = reading_take(&in, out->other_len);
	return out->other && in.left == 0;
}

static int read_tsig(const uint8_t *message, size_t at, size_t len,
		     struct tsig_rr *out)
{
	struct reading in;
	const uint8_t *head;

	out->at = at;
	if (message_name(message, len, &at, &out->name) < 0)
		return -EINVAL;
	name_lower(&out->name);
	in = (struct reading){message + at, len - at};
	head = reading_take(&in, RR_HEAD_SIZE);
	if (!head || get_u16(head + RR_HEAD_CLASS) != RR_CLASS_ANY ||
	    get_u32(head + RR_HEAD_TTL) != 0 ||
	    get_u16(head + RR_HEAD_RDLENGTH) != in.left)
		return -EINVAL;
	return read_rdata(in, out) ? 0 : -EINVAL;
}

/* Steps over a record; its type, or -EINVAL. */
static int skip_record(struct reading *in)
{
	const uint8_t *head;

	if (!reading_skip_name(in))
		return -EINVAL;
	head = reading_take(in, RR_HEAD_SIZE);
	if (!head || !reading_take(in, get_u16(head + RR_HEAD_RDLENGTH)))
		return -EINVAL;
	return get_u16(head);
}

static bool skip_questions(struct reading *in, unsigned count)
{
	while (count--)
		if (!reading_skip_name(in) ||
		    !reading_take(in, MESSAGE_QUESTION_TAIL))
			return false;
	return true;
}

int tsig_rr_read(const uint8_t *message, size_t len, struct tsig_rr *out)
{
	struct reading in = {message, len};
	const uint8_t *head = reading_take(&in, MESSAGE_HEAD_SIZE);
	unsigned count, additional;
	int type = 0;
	size_t at = 0;

	if (!head || !skip_questions(&in, get_u16(head + MESSAGE_QDCOUNT)))
		return -EINVAL;
	additional = get_u16(head + MESSAGE_ARCOUNT);
	count = get_u16(head + MESSAGE_ANCOUNT) +
		get_u16(head + MESSAGE_NSCOUNT) + additional;
	for (; count; count--) {
		/* Nothing follows it: RFC 8945, section 5.1. */
		if (type == RR_TSIG)
			return -EINVAL;
		at = len - in.left;
		type = skip_record(&in);
		if (type < 0)
			return type;
	}
	if (in.left)
		return -EINVAL;
	if (type != RR_TSIG)
		return -ENOENT;
	return additional ? read_tsig(message, at, len, out) : -EINVAL;
}

size_t tsig_rr_size(const struct tsig_rr *rr)
{
	return rr->name.len + RR_HEAD_SIZE + (size_t)rr->algorithm.len +
	       TSIG_FIXED_SIZE + rr->mac_len + rr->other_len;
}

static uint8_t *put_octets(uint8_t *at, const void *octets, size_t len)
{
	if (len)
		memcpy(at, octets, len);
	return at + len;
}

static uint8_t *put_head(uint8_t *at, const struct tsig_rr *rr)
{
	size_t head = rr->name.len + (size_t)RR_HEAD_SIZE;

	at = put_octets(at, rr->name.wire, rr->name.len);
	put_u16(at, RR_TSIG);
	put_u16(at + RR_HEAD_CLASS, RR_CLASS_ANY);
	put_u32(at + RR_HEAD_TTL, 0);
	put_u16(at + RR_HEAD_RDLENGTH, (uint16_t)(tsig_rr_size(rr) - head));
	return at + RR_HEAD_SIZE;
}

size_t tsig_rr_write(const struct tsig_rr *rr, uint8_t *message, size_t len)
{
	uint8_t *at = put_head(message + len, rr);

	at = put_octets(at, rr->algorithm.wire, rr->algorithm.len);
	put_time(at, rr->time);
	put_u16(at + 6, rr->fudge);
	put_u16(at + 8, rr->mac_len);
	at = put_octets(at + 10, rr->mac, rr->mac_len);
	put_u16(at, rr->id);
	put_u16(at + 2, rr->error);
	put_u16(at + 4, rr->other_len);
	at = put_octets(at + 6, rr->other, rr->other_len);
	assert((size_t)(at - message) == len + tsig_rr_size(rr));
	put_u16(message + MESSAGE_ARCOUNT,
		(uint16_t)(get_u16(message + MESSAGE_ARCOUNT) + 1));
	return (size_t)(at - message);
}

int tsig_add_mac(struct hmac *hmac, const uint8_t *mac, size_t len)
{
	uint8_t prefix[2];
	int r;

	put_u16(prefix, (uint16_t)len);
	r = hmac_add(hmac, prefix, sizeof(prefix));
	return r < 0 ? r : hmac_add(hmac, mac, len);
}

/* A forwarder may have given it another ID: RFC 8945, section 4.3.2. */
int tsig_add_message(struct hmac *hmac, const uint8_t *message,
		     const struct tsig_rr *rr)
{
	uint8_t head[MESSAGE_HEAD_SIZE];
	int r;

	assert(rr->at >= MESSAGE_HEAD_SIZE);
	memcpy(head, message, sizeof(head));
	put_u16(head, rr->id);
	put_u16(head + MESSAGE_ARCOUNT,
		(uint16_t)(get_u16(head + MESSAGE_ARCOUNT) - 1));
	r = hmac_add(hmac, head, sizeof(head));
	return r < 0 ? r
		     : hmac_add(hmac, message + sizeof(head),
				rr->at - sizeof(head));
}

int tsig_add_variables(struct hmac *hmac, const struct tsig_rr *rr)
{
	uint8_t octets[2 * NAME_WIRE_SIZE + 18], *at = octets;
	int r;

	at = put_octets(at, rr->name.wire, rr->name.len);
	put_u16(at, RR_CLASS_ANY);
	put_u32(at + 2, 0); /* the TTL */
	at = put_octets(at + 6, rr->algorithm.wire, rr->algorithm.len);
	put_time(at, rr->time);
	put_u16(at + 6, rr->fudge);
	put_u16(at + 8, rr->error);
	put_u16(at + 10, rr->other_len);
	r = hmac_add(hmac, octets, (size_t)(at + 12 - octets));
	return r < 0 ? r : hmac_add(hmac, rr->other, rr->other_len);
}

int tsig_add_timers(struct hmac *hmac, const struct tsig_rr *rr)
{
	uint8_t timers[8];

	put_time(timers, rr->time);
	put_u16(timers + 6, rr->fudge);
	return hmac_add(hmac, timers, sizeof(timers));
}
