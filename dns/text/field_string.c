// SPDX-License-Identifier: Apache-2.0
/*
 * field_string.c - strings: RFC 1035, sections 3.3 and 5.1
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/field_kinds.h"
#include "dns/wire/escape.h"

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
	/* A quote that is not escaped ends the token, and began it too. */
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
	assert(out->len > start);
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
	assert(out->len <= out->cap);
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
