// SPDX-License-Identifier: Apache-2.0
/*
 * field_digits.c - octets in hex, base32 and base64
 */
#include <errno.h>

#include "dns/text/base.h"
#include "dns/text/field_kinds.h"

/*
 * All tokens that are left as one, for digits are often split by blanks. Of a
 * single one there is no copy, and @digits, which holds any other, is empty.
 */
static int join_rest(struct field_text *in, struct buffer *digits,
		     struct lexer_token *out)
{
	struct lexer_token token;

	*out = (struct lexer_token){"", 0};
	if (!field_next(in, out) || !lexer_more(in->lexer))
		return 0;
	if (buffer_add(digits, out->text, out->len) < 0)
		return -ENOMEM;
	while (field_next(in, &token))
		if (buffer_add(digits, token.text, token.len) < 0)
			return -ENOMEM;
	*out = (struct lexer_token){(char *)digits->data, digits->len};
	return 0;
}

/* --- hex --- */

int add_hex(struct field_text *in, struct lexer_token token, struct buffer *out)
{
	int r = base16_decode(token.text, token.len, out);

	if (r != -EINVAL)
		return r;
	return field_refuse(in, base16_are_digits(token.text, token.len)
					? "an odd number of hex digits"
					: "a hex digit was expected");
}

int hex_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer digits = {0};
	struct lexer_token token;
	int r = join_rest(in, &digits, &token);

	(void)kind;
	return r < 0 ? r : add_hex(in, token, out);
}

int hex_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out)
{
	(void)kind;
	return base16_encode(wire, len, out);
}

/* RFC 7043: pairs of hex digits between hyphens. */
int eui_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	struct lexer_token token, pair;
	size_t i;
	int r = 0;

	if (!field_next(in, &token) || token.len != 3u * kind_octets(kind) - 1)
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
			r = base16_encode(wire + i, 1, out);
	}
	return r;
}

/* Hex digits with dots anywhere between them; NSAP begins with 0x. */
int nsap_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer digits = {0};
	bool prefixed = kind->field == FIELD_NSAP;
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
	return base16_encode(wire, len, out);
}

/* --- base32 --- */

int hash_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	uint8_t wire[1 + BASE32_SIZE];
	struct lexer_token token;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	wire[0] = (uint8_t)base32_decode(token.text, token.len, wire + 1);
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
	(void)kind;
	return base32_encode(wire + 1, len - 1, out);
}

/* --- base64 --- */

int add_base64(struct field_text *in, struct lexer_token token,
	       struct buffer *out)
{
	int r = base64_decode(token.text, token.len, out);

	if (r != -EINVAL)
		return r;
	return field_refuse(in, token.len == 0 || token.len % 4
					? "base64 has digits in fours"
					: "this is no base64");
}

int base64_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer digits = {0};
	struct lexer_token token;
	int r = join_rest(in, &digits, &token);

	(void)kind;
	return r < 0 ? r : add_base64(in, token, out);
}

int base64_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	(void)kind;
	return base64_encode(wire, len, out);
}

int base64_or_none_read(const struct kind *kind, struct field_text *in,
			struct buffer *out)
{
	struct lexer_token token;

	if (!lexer_more(in->lexer) || *in->lexer->at != '-')
		return base64_read(kind, in, out);
	return field_next(in, &token) && token.len == 1
		       ? 0
		       : field_refuse(in, "this is no base64");
}

int base64_or_none_print(const struct kind *kind, const uint8_t *wire,
			 size_t len, struct buffer *out)
{
	return len ? base64_print(kind, wire, len, out)
		   : buffer_add(out, "-", 1);
}
