// SPDX-License-Identifier: Apache-2.0
/*
 * field_ldns.c - fields that ldns reads or prints
 *
 * ldns trusts what it is given more than it should: it reads past the end of
 * a malformed service parameter, and keeps lengths in too small integers. So
 * a text is checked before ldns reads it, and a wire form before it prints.
 */
#include <errno.h>

#include <ldns/ldns.h>

#include "dns/field_kinds.h"

static void rdf_freep(ldns_rdf **rdf)
{
	if (*rdf)
		ldns_rdf_deep_free(*rdf);
}

/* One that only borrows its octets. */
static void borrowed_rdf_freep(ldns_rdf **rdf)
{
	if (*rdf)
		ldns_rdf_free(*rdf);
}

static void ldns_buffer_freep(ldns_buffer **buffer)
{
	ldns_buffer_free(*buffer);
}

static int through_ldns(const struct kind *kind, struct field_text *in,
			const char *text, struct buffer *out)
{
	CLEANUP(rdf_freep)
	ldns_rdf *rdf = ldns_rdf_new_frm_str(kind->ldns, text);
	size_t start = out->len;
	int r;

	if (!rdf)
		return refuse(in, kind->what);
	r = buffer_add(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	if (r < 0)
		return r;
	if (kind->size(kind, out->data + start, out->len - start) !=
	    (int)(out->len - start))
		return refuse(in, kind->what);
	return 0;
}

KIND_PRINT(ldns_print)
{
	CLEANUP(borrowed_rdf_freep)
	ldns_rdf *rdf = ldns_rdf_new(kind->ldns, len, (void *)wire);
	CLEANUP(ldns_buffer_freep)
	ldns_buffer *text = ldns_buffer_new(4 * len + 64);
	size_t text_len;

	if (!rdf || !text)
		return -ENOMEM;
	if (ldns_rdf2buffer_str(text, rdf) != LDNS_STATUS_OK)
		return -EINVAL;
	/* Some kinds end in a blank. */
	text_len = ldns_buffer_position(text);
	while (text_len && ldns_buffer_read_u8_at(text, text_len - 1) == ' ')
		text_len--;
	return buffer_add(out, ldns_buffer_begin(text), text_len);
}

KIND_READ(word_read)
{
	struct field_token token;
	char text[512];

	if (!field_next(in, &token) || token.len > kind->longest ||
	    !token_copy(token, text, sizeof(text)) ||
	    strspn(text, kind->allowed) != token.len)
		return refuse(in, kind->what);
	return through_ldns(kind, in, text, out);
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* A name that ldns knows, or a number, which it would wrap or leak. */
KIND_READ(mnemonic_read)
{
	struct field_text back = *in;
	struct field_token token;

	if (!field_next(in, &token))
		return refuse(in, kind->what);
	*in = back;
	return is_letter(token.text[0]) ? word_read(kind, in, out)
					: number_read(kind, in, out);
}

KIND_SIZE(tag_size)
{
	int size = prefixed_size(kind, wire, len), i;

	if (size < 2)
		return -EINVAL;
	for (i = 1; i < size; i++)
		if (!wire[i] || !strchr(kind->allowed, wire[i]))
			return -EINVAL;
	return size;
}

/* --- service parameters: RFC 9460 --- */

enum svc_key {
	SVC_MANDATORY = 0,
	SVC_ALPN = 1,
	SVC_NO_DEFAULT_ALPN = 2,
	SVC_PORT = 3,
	SVC_IPV4HINT = 4,
	SVC_ECH = 5,
	SVC_IPV6HINT = 6,
};

/* Section 7.1.1: strings of at least one octet, and at least one of them. */
static bool is_alpn(const uint8_t *value, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (value[at] == 0)
			return false;
		at += 1 + (size_t)value[at];
	}
	return len > 0 && at == len;
}

/* Section 8: keys in strictly increasing order, "mandatory" not among them. */
static bool is_mandatory(const uint8_t *value, size_t len)
{
	uint16_t last = SVC_MANDATORY;
	size_t at;

	if (len == 0 || len % 2)
		return false;
	for (at = 0; at < len; at += 2) {
		if (get_u16(value + at) <= last)
			return false;
		last = get_u16(value + at);
	}
	return true;
}

static bool is_svc_value(uint16_t key, const uint8_t *value, size_t len)
{
	switch (key) {
	case SVC_MANDATORY:
		return is_mandatory(value, len);
	case SVC_ALPN:
		return is_alpn(value, len);
	case SVC_NO_DEFAULT_ALPN:
		return len == 0;
	case SVC_PORT:
		return len == 2;
	case SVC_IPV4HINT:
		return len > 0 && len % 4 == 0;
	case SVC_ECH:
		return len > 0;
	case SVC_IPV6HINT:
		return len > 0 && len % 16 == 0;
	default:
		return true;
	}
}

/* Section 2.2: keys in strictly increasing order, up to the RDATA's end. */
KIND_SIZE(svcparams_size)
{
	size_t at = 0, value;
	int last = -1;
	uint16_t key;

	(void)kind;
	if (len == 0)
		return -EINVAL;
	while (at < len) {
		if (len - at < 4)
			return -EINVAL;
		key = get_u16(wire + at);
		value = get_u16(wire + at + 2);
		at += 4;
		if (key <= last || value > len - at ||
		    !is_svc_value(key, wire + at, value))
			return -EINVAL;
		last = key;
		at += value;
	}
	return (int)len;
}

/* ldns wraps a port above 65535. */
static bool is_svc_token(struct field_token token)
{
	static const char port[] = "port=";
	size_t skip = sizeof(port) - 1;
	uint32_t number;

	if (token.len < skip || strncmp(token.text, port, skip) != 0)
		return true;
	token.text += skip;
	token.len -= skip;
	if (token.len > 2 && token.text[0] == '"') {
		token.text++;
		token.len -= 2;
	}
	return token_number(token, 65535, &number);
}

KIND_READ(svcparams_read)
{
	const char *text = in->at + strspn(in->at, " ");
	struct field_token token;

	while (field_next(in, &token))
		if (!is_svc_token(token))
			return refuse(in, "a port is no number up to 65535");
	return through_ldns(kind, in, text, out);
}
