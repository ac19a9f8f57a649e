// SPDX-License-Identifier: Apache-2.0
/*
 * field_ldns.c - fields that ldns reads or prints
 *
 * ldns trusts what it is given more than it should, and keeps lengths in too
 * small integers. So it reads no more than one short word, of octets that are
 * listed, and a wire form is checked before it prints.
 */
#include <errno.h>

#include <ldns/ldns.h>

#include "dns/text/field_kinds.h"

static void rdf_freep(ldns_rdf **rdf)
{
	if (*rdf)
		ldns_rdf_deep_free(*rdf);
}

/* An rdf that only borrows its octets, which outlive it. */
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
		return field_refuse(in, kind->what);
	r = buffer_add(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	if (r < 0)
		return r;
	if (kind->size(kind, out->data + start, out->len - start) !=
	    (int)(out->len - start))
		return field_refuse(in, kind->what);
	return 0;
}

int ldns_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
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

int word_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	struct lexer_token token;
	char text[512];

	if (!field_next(in, &token) || token.len > kind->longest ||
	    !token_copy(token, text, sizeof(text)) ||
	    strspn(text, kind->allowed) != token.len)
		return field_refuse(in, kind->what);
	return through_ldns(kind, in, text, out);
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Names are ldns's to know; of a number, it would wrap one and leak another. */
int mnemonic_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out)
{
	if (!lexer_more(in->lexer))
		return field_refuse(in, kind->what);
	return is_letter(*in->lexer->at) ? word_read(kind, in, out)
					 : number_read(kind, in, out);
}

int tag_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	int size = prefixed_size(kind, wire, len), i;

	if (size < 2)
		return -EINVAL;
	for (i = 1; i < size; i++)
		if (!wire[i] || !strchr(kind->allowed, wire[i]))
			return -EINVAL;
	return size;
}
