// SPDX-License-Identifier: Apache-2.0
/*
 * field_keys.c - HIP and IPSECKEY, whose RDATA tells what is in it
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/base.h"
#include "dns/text/field_kinds.h"

/* --- HIP: RFC 8005, section 5 --- */

/* Algorithm, HIT and key, one token each; the servers are fields of their own
 */
int hip_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	struct lexer_token algorithm, hit, key;
	size_t start = out->len, hit_len, key_len;
	uint32_t number;
	int r;

	(void)kind;
	if (!field_next(in, &algorithm) || !field_next(in, &hit) ||
	    !field_next(in, &key))
		return field_refuse(in, "algorithm, HIT or key is missing");
	if (!token_number(algorithm, 255, &number))
		return field_refuse(in, "the algorithm is no number up to 255");
	r = buffer_add(out, "\0\0\0\0", 4);
	if (r == 0)
		r = add_hex(in, hit, out);
	hit_len = out->len - start - 4;
	if (r == 0)
		r = add_base64(in, key, out);
	key_len = out->len - start - 4 - hit_len;
	if (r < 0)
		return r;
	if (hit_len > 255 || key_len > 65535)
		return field_refuse(in, "the HIT or the key is too long");
	out->data[start] = (uint8_t)hit_len;
	out->data[start + 1] = (uint8_t)number;
	put_u16(out->data + start + 2, (uint16_t)key_len);
	return 0;
}

int hip_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	size_t need;

	(void)kind;
	if (len < 4 || !wire[0] || !get_u16(wire + 2))
		return -EINVAL;
	need = 4 + (size_t)wire[0] + get_u16(wire + 2);
	return need <= len ? (int)need : -EINVAL;
}

int hip_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out)
{
	size_t hit = wire[0];
	int r = buffer_printf(out, "%u ", wire[1]);

	(void)kind;
	assert(4 + hit < len);
	if (r == 0)
		r = base16_encode(wire + 4, hit, out);
	if (r == 0)
		r = buffer_add(out, " ", 1);
	if (r == 0)
		r = base64_encode(wire + 4 + hit, len - 4 - hit, out);
	return r;
}

/* --- IPSECKEY: RFC 4025, section 2 --- */

/* What kind of field the gateway is, by its type; of type 0 there is none. */
static const enum field_kind gateways[] = {
	FIELD_NONE,
	FIELD_IPV4,
	FIELD_IPV6,
	FIELD_NAME,
};

int ipseckey_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out)
{
	struct lexer_token token;
	size_t start = out->len;
	uint8_t type;
	int i, r;

	(void)kind;
	for (i = 0; i < 3; i++) {
		r = field_read(FIELD_U8, in, out);
		if (r < 0)
			return r;
	}
	type = out->data[start + 1];
	if (type >= ARRAY_SIZE(gateways))
		return field_refuse(in, "the gateway type is none of 0 to 3");
	if (type)
		r = field_read(gateways[type], in, out);
	else if (!field_next(in, &token) || token.len != 1 ||
		 token.text[0] != '.')
		r = field_refuse(in, "a gateway of type 0 is written \".\"");
	if (r < 0)
		return r;
	/* With algorithm 0 there is no key: nothing is behind the gateway. */
	return lexer_more(in->lexer) ? field_read(FIELD_BASE64, in, out) : 0;
}

static int gateway_size(const uint8_t *wire, size_t len)
{
	if (len < 3 || wire[1] >= ARRAY_SIZE(gateways))
		return -EINVAL;
	return wire[1] ? field_size(gateways[wire[1]], wire + 3, len - 3) : 0;
}

int ipseckey_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	int gateway = gateway_size(wire, len);

	(void)kind;
	return gateway < 0 ? gateway : (int)len;
}

int ipseckey_print(const struct kind *kind, const uint8_t *wire, size_t len,
		   struct buffer *out)
{
	size_t gateway = (size_t)gateway_size(wire, len);
	int r;

	(void)kind;
	assert(gateway <= len - 3);
	r = buffer_printf(out, "%u %u %u ", wire[0], wire[1], wire[2]);
	if (r == 0 && wire[1])
		r = field_print(gateways[wire[1]], wire + 3, gateway, out);
	else if (r == 0)
		r = buffer_add(out, ".", 1);
	wire += 3 + gateway;
	len -= 3 + gateway;
	if (r == 0 && len)
		r = buffer_add(out, " ", 1);
	if (r == 0 && len)
		r = field_print(FIELD_BASE64, wire, len, out);
	return r;
}
