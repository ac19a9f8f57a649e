// SPDX-License-Identifier: Apache-2.0
/*
 * rr.c - one resource record, between text and wire
 *
 * ldns_rr_new_frm_str() and ldns_rr2str() are not used: the first wraps
 * numbers, takes unknown types in lists for type 0 and crashes on a malformed
 * service parameter; the second prints what the first does not read. And a
 * record is kept with the length of its text, which must not change with a
 * library.
 */
#include <errno.h>
#include <stdio.h>

#include "dns/text/base.h"
#include "dns/text/field.h"
#include "dns/text/lexer.h"
#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"
#include "dns/wire/decimal.h"

/* --- RDATA from text --- */

/* Whether RDATA may end before @field. */
static bool may_end(uint8_t field)
{
	return field == FIELD_NONE || field & (FIELD_OPTIONAL | FIELD_REPEATED);
}

/* The field behind @field, which may be the same one again. */
static const uint8_t *next_field(const uint8_t *field)
{
	return *field & FIELD_REPEATED ? field : field + 1;
}

/* Octets of @field, which is @at octets behind the beginning; -EINVAL. */
static int size_at(uint8_t field, const uint8_t *rdata, size_t len, size_t at)
{
	return field == FIELD_NONE
		       ? -EINVAL
		       : field_size(FIELD_KIND(field), rdata + at, len - at);
}

static bool is_valid(const uint8_t *field, const uint8_t *rdata, size_t len)
{
	size_t at = 0;
	int size;

	for (; at < len || !may_end(*field); field = next_field(field)) {
		size = size_at(*field, rdata, len, at);
		if (size < 0)
			return false;
		at += (size_t)size;
	}
	return true;
}

static bool read_length(struct field_text *in, size_t *out)
{
	struct lexer_token token;
	uint32_t length;

	if (!field_next(in, &token) || token.len > 5 ||
	    !token_number(token, UINT32_MAX, &length))
		return false;
	*out = length;
	return true;
}

/* RFC 3597, section 5: what is behind \#, for any type, known or not. */
static int read_generic(const uint8_t *fields, struct field_text *in,
			struct buffer *rdata)
{
	size_t len;
	int r;

	if (!read_length(in, &len))
		return field_refuse(in, "\\# is followed by a length and hex "
					"digits");
	r = field_read(FIELD_HEX, in, rdata);
	if (r < 0)
		return r;
	if (rdata->len != len)
		return field_refuse(in, "the length behind \\# is not that of "
					"the hex digits");
	if (*fields && !is_valid(fields, rdata->data, rdata->len))
		return field_refuse(in,
				    "these octets are no RDATA of that type");
	return 0;
}

static int read_fields(const uint8_t *field, struct field_text *in,
		       struct buffer *rdata)
{
	int r;

	for (; lexer_more(in->lexer); field = next_field(field)) {
		if (*field == FIELD_NONE)
			return field_refuse(in,
					    "there is text behind the RDATA");
		r = field_read(FIELD_KIND(*field), in, rdata);
		if (r < 0)
			return r;
	}
	return may_end(*field) ? 0 : field_refuse(in, "the RDATA ends early");
}

/* Steps over \#, if that is what comes next. */
static bool take_mark(struct lexer *lexer)
{
	struct lexer_token token;
	struct lexer rest;

	if (!lexer_more(lexer) || *lexer->at != '\\')
		return false;
	rest = *lexer;
	if (lexer_next(&rest, &token) <= 0 || token.len != 2 ||
	    token.text[1] != '#')
		return false;
	*lexer = rest;
	return true;
}

static int read_rdata(uint16_t type, struct field_text *in,
		      struct buffer *rdata)
{
	const uint8_t *fields = rr_type_of(type)->fields;
	const char *rule;
	int r;

	rdata->len = 0;
	/* Text of no fields at all still has a wire form to point at. */
	if (buffer_reserve(rdata, 1) < 0)
		return -ENOMEM;
	if (take_mark(in->lexer))
		r = read_generic(fields, in, rdata);
	else if (*fields)
		r = read_fields(fields, in, rdata);
	else
		r = field_refuse(in, "RDATA of this type is written as "
				     "\\# LENGTH HEX");
	/* A field that takes all tokens has ended where the lexer failed. */
	if (r == 0 && in->lexer->failed)
		r = -EINVAL;
	if (r < 0)
		return r;
	rule = rdata->len > RR_RDATA_SIZE
		       ? "RDATA is longer than 65535 octets"
		       : rr_broken_rule(type, rdata->data, rdata->len);
	return rule ? field_refuse(in, rule) : 0;
}

/* --- RDATA to text --- */

static int print_generic(const uint8_t *rdata, size_t len, struct buffer *out)
{
	int r = buffer_printf(out, "\\# %zu", len);

	if (r == 0 && len)
		r = buffer_add(out, " ", 1);
	return r < 0 ? r : base16_encode(rdata, len, out);
}

/* @exact: every field's text is certain to read back as the same octets */
static int print_fields(const uint8_t *field, const uint8_t *rdata, size_t len,
			struct buffer *out, bool *exact)
{
	size_t at = 0;
	int r, size;

	*exact = true;
	for (; at < len || !may_end(*field); field = next_field(field)) {
		enum field_kind kind = FIELD_KIND(*field);

		size = size_at(*field, rdata, len, at);
		if (size < 0)
			return size;
		if (at > 0 && buffer_add(out, " ", 1) < 0)
			return -ENOMEM;
		r = field_print(kind, rdata + at, (size_t)size, out);
		if (r < 0)
			return r;
		*exact = *exact && field_is_exact(kind);
		at += (size_t)size;
	}
	return 0;
}

/*
 * Whether it is printable ASCII, and the lexer takes tokens and single spaces,
 * and nothing else, off.
 */
static bool is_plain(const char *text, size_t len)
{
	struct lexer lexer = lexer_begin(text, len, NULL);
	struct lexer_token token;
	const char *at = text;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}

	while (lexer_next(&lexer, &token) > 0) {
		if (token.text != at || (at > text && at[-1] != ' '))
			return false;
		at += token.len + 1;
	}
	return at == text + len + 1;
}

/*
 * Whether the text from @start on gives @rdata again: 1, 0, -ENOMEM. ldns
 * leaves parentheses, semicolons and tabs bare, which a file must not have.
 */
static int reads_back(const uint8_t *fields, const uint8_t *rdata, size_t len,
		      struct buffer *out, size_t start)
{
	CLEANUP(buffer_deinit) struct buffer back = {0};
	const char *text = (const char *)out->data + start;
	struct lexer lexer = lexer_begin(text, out->len - start, NULL);
	struct name root;
	struct field_text in = {.lexer = &lexer, .origin = &root};
	int r;

	name_root(&root);
	if (!is_plain(text, out->len - start))
		return 0;
	r = read_fields(fields, &in, &back);
	if (r == -EINVAL)
		return 0;
	return r < 0 ? r : back.len == len && !memcmp(back.data, rdata, len);
}

int rr_rdata_to_text(uint16_t type, const uint8_t *rdata, uint16_t rdlen,
		     struct buffer *out)
{
	const uint8_t *fields = rr_type_of(type)->fields;
	size_t start = out->len;
	bool exact = false;
	int r;

	/* No octets at all are fields of no text, which would be missed. */
	if (!*fields || rdlen == 0)
		return print_generic(rdata, rdlen, out);
	r = print_fields(fields, rdata, rdlen, out, &exact);
	if (r == 0 && exact)
		return 0;
	if (r == 0) {
		r = reads_back(fields, rdata, rdlen, out, start);
		if (r == 1)
			return 0;
	}
	out->len = start;
	if (r == -ENOMEM)
		return r;
	return print_generic(rdata, rdlen, out);
}

static struct rr_measure measure_text(const uint8_t *text, size_t len)
{
	struct rr_measure measure = {.text = (uint32_t)len};
	size_t i;

	for (i = 0; i < len; i++)
		measure.escapes += text[i] == '"' || text[i] == '\\';
	return measure;
}

int rr_measure(uint16_t type, const uint8_t *rdata, uint16_t rdlen,
	       struct rr_measure *out)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	int r = rr_rdata_to_text(type, rdata, rdlen, &text);

	if (r < 0)
		return r;
	*out = measure_text(text.data, text.len);
	return 0;
}

/* What the entry's own grammar forbids is told before what a field's does. */
static int explain(uint16_t type, struct lexer *lexer)
{
	char name[16];

	if (lexer_finish(lexer) < 0)
		return -EINVAL;
	rr_type_to_text(type, name);
	return refusal_within(lexer->why, "bad RDATA for %s", name);
}

int rr_rdata_from_text(uint16_t type, struct lexer *lexer,
		       const struct name *origin, struct buffer *rdata,
		       struct rr_measure *measure)
{
	struct field_text in = {.lexer = lexer, .origin = origin};
	int r = read_rdata(type, &in, rdata);

	if (r == -EINVAL)
		return explain(type, lexer);
	if (r < 0)
		return r;
	return rr_measure(type, rdata->data, (uint16_t)rdata->len, measure);
}

/* --- records --- */

int rr_to_text(const char *owner, size_t owner_len, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t rdlen, struct buffer *out)
{
	size_t start = out->len;
	char text[16];
	int r;

	rr_type_to_text(type, text);
	r = buffer_add(out, owner, owner_len);
	if (r == 0)
		r = buffer_printf(out, "\t%u\tIN\t%s\t", ttl, text);
	if (r == 0)
		r = rr_rdata_to_text(type, rdata, rdlen, out);
	if (r < 0)
		out->len = start;
	return r;
}

uint32_t rr_text_len(size_t owner_len, uint16_t type, uint32_t ttl,
		     const struct rr_measure *measure)
{
	char text[16];
	size_t type_len = rr_type_to_text(type, text);

	return (uint32_t)(owner_len + 1 + decimal_len(ttl) + strlen("\tIN\t") +
			  type_len + 1 + measure->text);
}
