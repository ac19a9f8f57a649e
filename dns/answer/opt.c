// SPDX-License-Identifier: Apache-2.0
/*
 * opt.c - the OPT record of a response: RFC 6891, section 6.1
 */
#include "dns/answer/exchange.h"

#define KEEPALIVE_SIZE 2
#define EXPIRE_SIZE    4

_Static_assert(ERRAND_OPT_SIZE >= EDNS_OPT_SIZE + 5 * EDNS_OPTION_HEAD +
					  ANSWER_NSID_SIZE + COOKIE_SIZE +
					  KEEPALIVE_SIZE + EXPIRE_SIZE + 2,
	       "an errand has room for all options");

static bool tells_nsid(const struct exchange *exchange)
{
	return exchange->query.wants_nsid && exchange->options->nsid &&
	       !exchange->is_brief;
}

/* Over UDP it is ignored: RFC 7828, section 3.3.1. */
static bool tells_keepalive(const struct exchange *exchange)
{
	return exchange->query.wants_keepalive &&
	       exchange->options->keepalive &&
	       exchange->client->transport == ANSWER_TCP;
}

size_t opt_size(const struct exchange *exchange)
{
	size_t size = EDNS_OPT_SIZE;

	if (!exchange->query.has_edns)
		return 0;
	if (tells_nsid(exchange))
		size += EDNS_OPTION_HEAD + exchange->options->nsid_len;
	if (exchange->has_cookie)
		size += EDNS_OPTION_HEAD + COOKIE_SIZE;
	if (tells_keepalive(exchange))
		size += EDNS_OPTION_HEAD + KEEPALIVE_SIZE;
	if (exchange->query.wants_expire)
		size += EDNS_OPTION_HEAD + EXPIRE_SIZE;
	return size;
}

static uint8_t *put_option(uint8_t *at, uint16_t code, const void *data,
			   uint16_t len)
{
	put_u16(at, code);
	put_u16(at + EDNS_OPTION_LENGTH, len);
	memcpy(at + EDNS_OPTION_HEAD, data, len);
	return at + EDNS_OPTION_HEAD + len;
}

static uint8_t *put_options(const struct exchange *exchange, uint8_t *at)
{
	uint8_t word[4];

	if (tells_nsid(exchange))
		at = put_option(at, EDNS_NSID, exchange->options->nsid,
				exchange->options->nsid_len);
	if (exchange->has_cookie)
		at = put_option(at, EDNS_COOKIE, exchange->cookie, COOKIE_SIZE);
	if (tells_keepalive(exchange)) {
		put_u16(word, exchange->options->keepalive);
		at = put_option(at, EDNS_KEEPALIVE, word, KEEPALIVE_SIZE);
	}
	if (exchange->has_expire) {
		put_u32(word, exchange->expire);
		at = put_option(at, EDNS_EXPIRE, word, EXPIRE_SIZE);
	}
	if (exchange->ede != EDE_NONE && !exchange->is_brief) {
		put_u16(word, (uint16_t)exchange->ede);
		at = put_option(at, EDNS_EDE, word, 2);
	}
	return at;
}

size_t opt_write(const struct exchange *exchange, uint8_t *owner)
{
	uint8_t *end = put_options(exchange, owner + EDNS_OPT_SIZE);
	uint8_t *head = owner + 1;

	*owner = 0; /* the root */
	put_u16(head, RR_OPT);
	put_u16(head + EDNS_UDP_SIZE, exchange->options->edns_size);
	head[EDNS_RCODE] = (uint8_t)(exchange->rcode >> RCODE_HEAD_BITS);
	head[EDNS_VERSION] = 0; /* the one we speak */
	/* DO goes back as it came: RFC 3225, section 3. */
	put_u16(head + EDNS_FLAGS, exchange->query.wants_dnssec ? EDNS_DO : 0);
	put_u16(head + RR_HEAD_RDLENGTH, (uint16_t)(end - head - RR_HEAD_SIZE));
	return (size_t)(end - owner);
}
