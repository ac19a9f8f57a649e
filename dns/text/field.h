/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - one field of RDATA, between text and wire
 *
 * A type's row says which fields it has, and of which kind each is (rr_type.h);
 * so no list of types is kept here. Kinds are read and printed by us, with
 * bounds: ldns wraps numbers that are too big, knows no origin inside a field
 * and cuts strings. A few are ldns's, behind a check of what it would misread:
 * names of algorithms and their like, and the text of LOC and APL.
 *
 * Any thread may call these.
 */
#ifndef DNS_FIELD_H
#define DNS_FIELD_H

#include "dns/text/lexer.h"
#include "dns/wire/buffer.h"
#include "dns/wire/name.h"
#include "dns/wire/rr_type.h"

/* RDATA in text, being read from left to right. */
struct field_text {
	struct lexer *lexer;	   /* before the next token */
	const struct name *origin; /* of relative names, or NULL: none yet */
};

/**
 * field_next() - take the next token
 * Return: false at the end, and where the lexer refuses: no record is made of
 * that, whatever the field makes of the tokens that it got.
 */
bool field_next(struct field_text *in, struct lexer_token *out);

/** field_refuse() - say what is wrong with a field, and return -EINVAL */
int field_refuse(struct field_text *in, const char *reason);

/** token_number() - digits only, and no more than @max */
bool token_number(struct lexer_token token, uint32_t max, uint32_t *out);

/** token_copy() - as a C string; false if it does not fit */
bool token_copy(struct lexer_token token, char *out, size_t size);

/**
 * field_read() - read one field, of one or more tokens, and append its wire
 * Return: 0, -EINVAL with the lexer's refusal, -ENOMEM.
 */
int field_read(enum field_kind kind, struct field_text *in, struct buffer *out);

/**
 * field_size() - octets of the field that @wire starts with
 * @len: octets up to the end of the RDATA
 *
 * Return: octets, or -EINVAL: the field is malformed, or has no text.
 */
int field_size(enum field_kind kind, const uint8_t *wire, size_t len);

/**
 * field_print() - append the text of a field of field_size() octets
 * Return: 0; -EINVAL: ldns cannot print it; -ENOMEM.
 */
int field_print(enum field_kind kind, const uint8_t *wire, size_t len,
		struct buffer *out);

/** field_is_exact() - what field_print() writes always reads back the same */
bool field_is_exact(enum field_kind kind);

#endif
