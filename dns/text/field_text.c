// SPDX-License-Identifier: Apache-2.0
/*
 * field_text.c - strings, hex and base64
 */
#include <errno.h>

#include "dns/text/field_kinds.h"
#include "dns/wire/escape.h"

/* --- strings --- */

/* Without quotes and escapes. */
int add_string(struct field_text *in, struct lexer_token token,
	       struct buffer *out)
{
	bool quoted = token.len && token.text[0] == '"';
	size_t at = quoted, taken;
	uint8_t octet;

	if (buffer_reserve(out, token.len) < 0)
		return -ENOMEM;
	while (at < token.len && token.text[at] != '"') {
		octet = (uint8_t)token.text[at++];
		if (octet == '\\') {
			taken = escape_read(token.text + at, token.len - at,
					    &octet);
			if (!taken)
				return field_refuse(
					in, "an escape is neither \\X nor "
					    "\\DDD up to \\255; a backslash "
					    "itself is \\\\");
			at += taken;
		}
		out->data[out->len++] = octet;
	}
	/* The one bare quote is the last octet of a token that began so. */
	if (at + quoted != token.len)
		return field_refuse(in, quoted ? "a quote is not closed"
					       : "a quote is inside a string");
	return 0;
}

int string_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	struct lexer_token token;
	size_t start = out->len;
	int r;

	(void)kind;
	if (lexer_next_string(in->lexer, &token) <= 0)
		return field_refuse(in, "a string is missing");
	r = buffer_add(out, "", 1);
	if (r < 0)
		return r;
	r = add_string(in, token, out);
	if (r < 0)
		return r;
	if (out->len - start > 256)
		return field_refuse(in,
				    "a string is longer than 255 octets; split "
				    "it, as \"...\" \"...\"");
	out->data[start] = (uint8_t)(out->len - start - 1);
	return 0;
}

int string_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	return prefixed_size(kind, wire, len);
}

int field_print_string(const uint8_t *wire, size_t len, bool quoted,
		       struct buffer *out)
{
	char *at;
	size_t i;

	if (buffer_reserve(out, 4 * len + 2) < 0)
		return -ENOMEM;
	at = (char *)out->data + out->len;
	if (quoted)
		*at++ = '"';
	for (i = 0; i < len; i++) {
		if (wire[i] < ' ' || wire[i] >= 0x7f) {
			at = escape_put(at, wire[i]);
			continue;
		}
		if (wire[i] == '"' || wire[i] == '\\')
			*at++ = '\\';
		*at++ = (char)wire[i];
	}
	if (quoted)
		*at++ = '"';
	out->len = (size_t)(at - (char *)out->data);
	return 0;
}

int string_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	(void)kind;
	return field_print_string(wire + 1, len - 1, true, out);
}

/* A string of any length that ends with the RDATA (RFC 8659, section 4.1.1) */
int long_string_read(const struct kind *kind, struct field_text *in,
		     struct buffer *out)
{
	struct lexer_token token;

	(void)kind;
	if (lexer_next_string(in->lexer, &token) <= 0)
		return field_refuse(in, "a string is missing");
	return add_string(in, token, out);
}

int long_string_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind, (void)wire;
	return (int)len;
}

int long_string_print(const struct kind *kind, const uint8_t *wire, size_t len,
		      struct buffer *out)
{
	(void)kind;
	return field_print_string(wire, len, true, out);
}

/* --- hex --- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits may be split over tokens anywhere: @high is one that waits, or -1. */
static int add_digits(struct field_text *in, struct lexer_token token,
		      int *high, struct buffer *out)
{
	size_t i;
	int value;

	if (buffer_reserve(out, token.len / 2 + 1) < 0)
		return -ENOMEM;
	for (i = 0; i < token.len; i++) {
		value = hex_value(token.text[i]);
		if (value < 0)
			return field_refuse(in, "a hex digit was expected");
		if (*high >= 0) {
			out->data[out->len++] = (uint8_t)(*high << 4 | value);
			value = -1;
		}
		*high = value;
	}
	return 0;
}

int add_hex(struct field_text *in, struct lexer_token token, struct buffer *out)
{
	int high = -1;
	int r = add_digits(in, token, &high, out);

	if (r == 0 && high >= 0)
		return field_refuse(in, "an odd number of hex digits");
	return r;
}

int field_hex(struct field_text *in, struct buffer *out)
{
	struct lexer_token token;
	int r = 0, high = -1;

	while (r == 0 && field_next(in, &token))
		r = add_digits(in, token, &high, out);
	if (r == 0 && high >= 0)
		return field_refuse(in, "an odd number of hex digits");
	return r;
}

int field_print_hex(const uint8_t *wire, size_t len, struct buffer *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (buffer_reserve(out, 2 * len) < 0)
		return -ENOMEM;
	for (i = 0; i < len; i++) {
		out->data[out->len++] = (uint8_t)digits[wire[i] >> 4];
		out->data[out->len++] = (uint8_t)digits[wire[i] & 15];
	}
	return 0;
}

int hex_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	(void)kind;
	return field_hex(in, out);
}

int hex_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out)
{
	(void)kind;
	return field_print_hex(wire, len, out);
}

/* RFC 7043: pairs of hex digits between hyphens. */
int eui_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	struct lexer_token token, pair;
	size_t i;
	int r = 0;

	if (!field_next(in, &token) || token.len != 3u * kind->octets - 1)
		return field_refuse(in, kind->what);
	for (i = 0; r == 0 && i < token.len; i += 3) {
		pair = (struct lexer_token){token.text + i, 2};
		if (i > 0 && token.text[i - 1] != '-')
			return field_refuse(in, kind->what);
		r = add_hex(in, pair, out);
	}
	return r == -EINVAL ? field_refuse(in, kind->what) : r;
}

int eui_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out)
{
	size_t i;
	int r = 0;

	(void)kind;
	for (i = 0; r == 0 && i < len; i++) {
		if (i > 0)
			r = buffer_add(out, "-", 1);
		if (r == 0)
			r = field_print_hex(wire + i, 1, out);
	}
	return r;
}

/* Hex digits with dots anywhere between them; NSAP begins with 0x. */
int nsap_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer digits = {0};
	bool prefixed = kind->ldns == LDNS_RDF_TYPE_NSAP;
	struct lexer_token token, plain;
	size_t i;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	if (prefixed && (token.len < 4 || token.text[0] != '0' ||
			 (token.text[1] | 0x20) != 'x'))
		return field_refuse(in, kind->what);
	if (buffer_reserve(&digits, token.len) < 0)
		return -ENOMEM;
	for (i = prefixed ? 2 : 0; i < token.len; i++)
		if (token.text[i] != '.')
			digits.data[digits.len++] = (uint8_t)token.text[i];
	plain = (struct lexer_token){(char *)digits.data, digits.len};
	return plain.len ? add_hex(in, plain, out)
			 : field_refuse(in, kind->what);
}

int nsap_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
{
	(void)kind;
	if (buffer_add_text(out, "0x") < 0)
		return -ENOMEM;
	return field_print_hex(wire, len, out);
}

/*
 * --- base32 with the extended hex alphabet: RFC 4648, section 7 ---
 *
 * Hashes in it have no padding, and any length: RFC 5155, section 3.3. ldns
 * takes groups of eight digits alone.
 */

static int base32_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

size_t field_hash(const char *text, size_t len, uint8_t out[FIELD_HASH_SIZE])
{
	uint32_t bits = 0;
	unsigned count = 0; /* of bits that are no octet yet */
	size_t i, octets = 0;
	int value;

	if (len > (FIELD_HASH_SIZE * 8 + 4) / 5)
		return 0;
	for (i = 0; i < len; i++) {
		value = base32_value(text[i]);
		if (value < 0)
			return 0;
		bits = bits << 5 | (uint32_t)value;
		count += 5;
		if (count < 8)
			continue;
		count -= 8;
		out[octets++] = (uint8_t)(bits >> count);
		bits &= (1u << count) - 1;
	}
	/* A digit that adds no octet, or bits that no octet takes. */
	return count >= 5 || bits ? 0 : octets;
}

int hash_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	uint8_t wire[1 + FIELD_HASH_SIZE];
	struct lexer_token token;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	wire[0] = (uint8_t)field_hash(token.text, token.len, wire + 1);
	if (!wire[0])
		return field_refuse(in, kind->what);
	return buffer_add(out, wire, 1 + (size_t)wire[0]);
}

/* One octet at least: RFC 5155, section 3.2. */
int hash_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	return len > 0 && wire[0] > 0 ? prefixed_size(kind, wire, len)
				      : -EINVAL;
}

int hash_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint32_t bits = 0;
	unsigned count = 0;
	size_t i;

	(void)kind;
	if (buffer_reserve(out, (8 * len + 4) / 5) < 0)
		return -ENOMEM;
	for (i = 1; i < len; i++) {
		bits = bits << 8 | wire[i];
		for (count += 8; count >= 5; count -= 5)
			out->data[out->len++] =
				(uint8_t)digits[bits >> (count - 5) & 31];
		bits &= 0x1f;
	}
	if (count)
		out->data[out->len++] =
			(uint8_t)digits[bits << (5 - count) & 31];
	return 0;
}

/* --- base64: RFC 4648, section 4 --- */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four digits to three octets, fewer where the last ones are padding: or -1. */
static int base64_group(const char *text, uint8_t out[3])
{
	int octets = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
	uint32_t bits = 0;
	int i, value;

	for (i = 0; i < 4; i++) {
		value = i <= octets ? base64_value(text[i]) : 0;
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
	}
	for (i = 0; i < 3; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	/* Section 3.5: bits that no octet takes are zero, or text is not one.
	 */
	return octets < 3 && out[octets] ? -1 : octets;
}

int add_base64(struct field_text *in, struct lexer_token token,
	       struct buffer *out)
{
	int octets = 3;
	size_t i;

	if (token.len == 0 || token.len % 4)
		return field_refuse(in, "base64 has digits in fours");
	if (buffer_reserve(out, token.len / 4 * 3) < 0)
		return -ENOMEM;
	for (i = 0; i < token.len; i += 4) {
		/* Padding ends the text. */
		if (octets == 3)
			octets = base64_group(token.text + i,
					      out->data + out->len);
		else
			octets = -1;
		if (octets < 0)
			return field_refuse(in, "this is no base64");
		out->len += (size_t)octets;
	}
	return 0;
}

/* All tokens that are left: keys and signatures are often split by blanks. */
int base64_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer digits = {0};
	struct lexer_token token, joined;

	(void)kind;
	while (field_next(in, &token))
		if (buffer_add(&digits, token.text, token.len) < 0)
			return -ENOMEM;
	joined = (struct lexer_token){(char *)digits.data, digits.len};
	return add_base64(in, joined, out);
}

int base64_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	uint32_t bits;
	uint8_t *at;
	size_t i, j;

	(void)kind;
	if (buffer_reserve(out, (len + 2) / 3 * 4) < 0)
		return -ENOMEM;
	at = out->data + out->len;
	for (i = 0; i < len; i += 3) {
		bits = (uint32_t)wire[i] << 16;
		if (i + 1 < len)
			bits |= (uint32_t)wire[i + 1] << 8;
		if (i + 2 < len)
			bits |= wire[i + 2];
		for (j = 0; j < 4; j++)
			*at++ = i + j > len
					? (uint8_t)'='
					: (uint8_t)base64_digits
						  [bits >> (18 - 6 * j) & 63];
	}
	out->len = (size_t)(at - out->data);
	return 0;
}
