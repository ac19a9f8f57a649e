// SPDX-License-Identifier: Apache-2.0
/*
 * field_keys.c - HIP, IPSECKEY and AMTRELAY, whose RDATA tells what is in it
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

/* --- gateways (RFC 4025, section 2.5) and relays (RFC 8777, 4.2.4) --- */

/* What kind of field the gateway is, by its type; of type 0 there is none. */
static const enum field_kind gateways[] = {
	FIELD_NONE,
	FIELD_IPV4,
	FIELD_IPV6,
	FIELD_NAME,
};

static int gateway_read(uint8_t type, struct field_text *in, struct buffer *out,
			const char *none)
{
	struct lexer_token token;

	if (type)
		return field_read(gateways[type], in, out);
	if (!field_next(in, &token) || token.len != 1 || token.text[0] != '.')
		return field_refuse(in, none);
	return 0;
}

/* Of the gateway behind @fixed octets. */
static int gateway_size(uint8_t type, const uint8_t *wire, size_t len,
			size_t fixed)
{
	if (type >= ARRAY_SIZE(gateways))
		return -EINVAL;
	return type ? field_size(gateways[type], wire + fixed, len - fixed) : 0;
}

static int gateway_print(uint8_t type, const uint8_t *wire, size_t len,
			 struct buffer *out)
{
	return type ? field_print(gateways[type], wire, len, out)
		    : buffer_add(out, ".", 1);
}

/* --- IPSECKEY: RFC 4025, section 2 --- */

int ipseckey_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out)
{
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
	r = gateway_read(type, in, out, "a gateway of type 0 is written \".\"");
	if (r < 0)
		return r;
	/* With algorithm 0 there is no key: nothing is behind the gateway. */
	return lexer_more(in->lexer) ? field_read(FIELD_BASE64, in, out) : 0;
}

int ipseckey_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind;
	if (len < 3 || gateway_size(wire[1], wire, len, 3) < 0)
		return -EINVAL;
	return (int)len;
}

int ipseckey_print(const struct kind *kind, const uint8_t *wire, size_t len,
		   struct buffer *out)
{
	size_t gateway = (size_t)gateway_size(wire[1], wire, len, 3);
	int r;

	(void)kind;
	assert(gateway <= len - 3);
	r = buffer_printf(out, "%u %u %u ", wire[0], wire[1], wire[2]);
	if (r == 0)
		r = gateway_print(wire[1], wire + 3, gateway, out);
	wire += 3 + gateway;
	len -= 3 + gateway;
	if (r == 0 && len)
		r = buffer_add(out, " ", 1);
	if (r == 0 && len)
		r = field_print(FIELD_BASE64, wire, len, out);
	return r;
}

/* --- AMTRELAY: RFC 8777, section 4 --- */

#define DISCOVERY  0x80 /* in the octet of the relay's type */
#define RELAY_TYPE 0x7f

/* Precedence, discovery and type, each a number, and the relay. */
int amtrelay_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out)
{
	struct lexer_token discovery, type;
	uint32_t bit, number;
	uint8_t octet;
	int r = field_read(FIELD_U8, in, out);

	(void)kind;
	if (r < 0)
		return r;
	if (!field_next(in, &discovery) || !token_number(discovery, 1, &bit))
		return field_refuse(in, "the discovery bit is 0 or 1");
	if (!field_next(in, &type) ||
	    !token_number(type, ARRAY_SIZE(gateways) - 1, &number))
		return field_refuse(in, "the relay type is none of 0 to 3");
	octet = (uint8_t)((bit ? DISCOVERY : 0) | number);
	r = buffer_add(out, &octet, 1);
	if (r < 0)
		return r;
	return gateway_read((uint8_t)number, in, out,
			    "a relay of type 0 is written \".\"");
}

int amtrelay_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	int relay;

	(void)kind;
	if (len < 2)
		return -EINVAL;
	relay = gateway_size(wire[1] & RELAY_TYPE, wire, len, 2);
	return relay < 0 ? relay : 2 + relay;
}

int amtrelay_print(const struct kind *kind, const uint8_t *wire, size_t len,
		   struct buffer *out)
{
	uint8_t type = wire[1] & RELAY_TYPE;
	int r = buffer_printf(out, "%u %u %u ", wire[0],
			      wire[1] & DISCOVERY ? 1 : 0, type);

	(void)kind;
	return r < 0 ? r : gateway_print(type, wire + 2, len - 2, out);
}
