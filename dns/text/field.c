// SPDX-License-Identifier: Apache-2.0
/*
 * field.c - the kinds of fields that RDATA is made of
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/field_kinds.h"

#define HEX_DIGITS "0123456789abcdefABCDEF"
#define LETTERS	   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int no_text(const struct kind *kind, struct field_text *in,
		   struct buffer *out)
{
	(void)out;
	return field_refuse(in, kind->what);
}

static int no_print(const struct kind *kind, const uint8_t *wire, size_t len,
		    struct buffer *out)
{
	(void)kind, (void)wire, (void)len, (void)out;
	return -EINVAL;
}

static int any_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind, (void)wire;
	return (int)len;
}

#define NUMBER(kind, text)                                                     \
	[kind] = {.field = kind,                                               \
		  .what = text,                                                \
		  .exact = true,                                               \
		  .read = number_read,                                         \
		  .size = fixed_size,                                          \
		  .print = number_print}

/* A number that may be given by name; it is printed as a number. */
#define MNEMONIC(kind, ldns_, text)                                            \
	[kind] = {.field = kind,                                               \
		  .ldns = ldns_,                                               \
		  .what = text,                                                \
		  .exact = true,                                               \
		  .allowed = LETTERS "0123456789-",                            \
		  .longest = 64,                                               \
		  .read = mnemonic_read,                                       \
		  .size = fixed_size,                                          \
		  .print = number_print}

/* One token of a few octets that ldns may read once they are checked. */
#define WORD(kind, ldns_, octets_, most, measure, text)                        \
	[kind] = {.field = kind,                                               \
		  .ldns = ldns_,                                               \
		  .what = text,                                                \
		  .allowed = octets_,                                          \
		  .longest = most,                                             \
		  .read = word_read,                                           \
		  .size = measure,                                             \
		  .print = ldns_print}

/* All ours. */
#define OURS(kind, reads, measures, prints, text)                              \
	[kind] = {.field = kind,                                               \
		  .what = text,                                                \
		  .exact = true,                                               \
		  .read = reads,                                               \
		  .size = measures,                                            \
		  .print = prints}

/* Read by us; ldns prints it. */
#define OTHER(kind, ldns_, reads, measures, text)                              \
	[kind] = {.field = kind,                                               \
		  .ldns = ldns_,                                               \
		  .what = text,                                                \
		  .read = reads,                                               \
		  .size = measures,                                            \
		  .print = ldns_print}

static const struct kind kinds[FIELD_KINDS] = {
	[FIELD_OPAQUE] = {.field = FIELD_OPAQUE,
			  .what = "this type is written as \\# LENGTH HEX",
			  .read = no_text,
			  .size = any_size,
			  .print = no_print},
	OURS(FIELD_NAME, name_read, name_size, name_print, NULL),
	NUMBER(FIELD_U8, "a number from 0 to 255 was expected"),
	NUMBER(FIELD_U16, "a number from 0 to 65535 was expected"),
	NUMBER(FIELD_U32, "a number from 0 to 4294967295 was expected"),
	OURS(FIELD_U64, long_number_read, fixed_size, long_number_print,
	     "a number from 0 to 18446744073709551615 was expected"),
	OURS(FIELD_SCHEME, scheme_read, fixed_size, scheme_print,
	     "a scheme, NOTIFY or a number from 0 to 255, was expected"),
	OURS(FIELD_PERIOD, period_read, fixed_size, number_print,
	     "a time in seconds, or with units as in 1h30m, was expected"),
	OURS(FIELD_IPV4, address_read, fixed_size, address_print_field,
	     "this is no IPv4 address"),
	OURS(FIELD_IPV6, address_read, fixed_size, address_print_field,
	     "this is no IPv6 address"),
	OURS(FIELD_STRING, string_read, string_size, string_print, NULL),
	OURS(FIELD_LONG_STRING, long_string_read, long_string_size,
	     long_string_print, NULL),
	OURS(FIELD_TYPE, type_read, fixed_size, type_print,
	     "this type is not known"),
	OURS(FIELD_TIME, time_read, fixed_size, time_print,
	     "a time, YYYYMMDDHHMMSS or in seconds, was expected"),
	OURS(FIELD_HEX, hex_read, rest_size, hex_print, NULL),
	OURS(FIELD_ATMA, nsap_read, rest_size, hex_print,
	     "this is no ATM address in hex digits"),
	OURS(FIELD_NSAP, nsap_read, rest_size, nsap_print,
	     "this is no NSAP address: 0x and hex digits"),
	OURS(FIELD_EUI48, eui_read, fixed_size, eui_print,
	     "this is no EUI-48, as in 00-00-5e-00-53-2a"),
	OURS(FIELD_EUI64, eui_read, fixed_size, eui_print,
	     "this is no EUI-64, as in 00-00-5e-ef-10-00-00-2a"),
	OURS(FIELD_BASE64, base64_read, rest_size, base64_print, NULL),
	OURS(FIELD_BASE64_OR_NONE, base64_or_none_read, any_size,
	     base64_or_none_print, NULL),
	OURS(FIELD_HASH, hash_read, hash_size, hash_print,
	     "this is no hash in base32"),
	OURS(FIELD_TYPES, bitmap_read, bitmap_size, bitmap_print,
	     "a type in the list is not known"),
	OURS(FIELD_SERVICES, wks_read, wks_size, wks_print, NULL),
	OURS(FIELD_IPSECKEY, ipseckey_read, ipseckey_size, ipseckey_print,
	     NULL),
	OURS(FIELD_AMTRELAY, amtrelay_read, amtrelay_size, amtrelay_print,
	     NULL),
	OURS(FIELD_SVCPARAMS, svcparams_read, svcparams_size, svcparams_print,
	     NULL),
	OURS(FIELD_HIP, hip_read, hip_size, hip_print, NULL),
	MNEMONIC(FIELD_ALGORITHM, LDNS_RDF_TYPE_ALG,
		 "a key algorithm, by number or name, was expected"),
	MNEMONIC(FIELD_CERT_TYPE, LDNS_RDF_TYPE_CERT_ALG,
		 "a certificate type, by number or name, was expected"),
	MNEMONIC(FIELD_USAGE, LDNS_RDF_TYPE_CERTIFICATE_USAGE,
		 "a certificate usage, by number or name, was expected"),
	MNEMONIC(FIELD_SELECTOR, LDNS_RDF_TYPE_SELECTOR,
		 "a selector, by number or name, was expected"),
	MNEMONIC(FIELD_MATCHING, LDNS_RDF_TYPE_MATCHING_TYPE,
		 "a matching type, by number or name, was expected"),
	WORD(FIELD_SALT, LDNS_RDF_TYPE_NSEC3_SALT, HEX_DIGITS "-", 510,
	     prefixed_size, "this is no salt: \"-\" or pairs of hex digits"),
	WORD(FIELD_ILNP, LDNS_RDF_TYPE_ILNP64, HEX_DIGITS ":", 19, fixed_size,
	     "this is no 64-bit locator or node, as in 14:4fff:ff20:ee64"),
	WORD(FIELD_TAG, LDNS_RDF_TYPE_TAG, LETTERS "0123456789", 255, tag_size,
	     "a tag of letters and digits was expected"),
	OTHER(FIELD_PREFIX, LDNS_RDF_TYPE_APL, apl_read, apl_size,
	      "this is no address prefix, as in !1:192.0.2.0/24"),
	OTHER(FIELD_LOC, LDNS_RDF_TYPE_LOC, loc_read, loc_size,
	      "this is no location, as in 52 22 23 N 4 53 32 E -2m"),
};

static const struct kind *kind_of(enum field_kind kind)
{
	assert(kind > FIELD_NONE && kind < FIELD_KINDS && kinds[kind].read);
	return &kinds[kind];
}

int field_read(enum field_kind kind, struct field_text *in, struct buffer *out)
{
	return kind_of(kind)->read(kind_of(kind), in, out);
}

int field_size(enum field_kind kind, const uint8_t *wire, size_t len)
{
	return kind_of(kind)->size(kind_of(kind), wire, len);
}

int field_print(enum field_kind kind, const uint8_t *wire, size_t len,
		struct buffer *out)
{
	return kind_of(kind)->print(kind_of(kind), wire, len, out);
}

bool field_is_exact(enum field_kind kind)
{
	return kind_of(kind)->exact;
}

bool field_next(struct field_text *in, struct lexer_token *out)
{
	return lexer_next(in->lexer, out) > 0;
}

int field_refuse(struct field_text *in, const char *reason)
{
	/* What the lexer refused has ended the field; it is what is wrong. */
	if (in->lexer->failed)
		return -EINVAL;
	return refusal_set(in->lexer->why, -EINVAL, "%s", reason);
}

bool token_number(struct lexer_token token, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < token.len; i++) {
		if (token.text[i] < '0' || token.text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(token.text[i] - '0');
		if (value > max)
			return false;
	}
	*out = (uint32_t)value;
	return token.len > 0;
}

bool token_copy(struct lexer_token token, char *out, size_t size)
{
	if (token.len >= size)
		return false;
	memcpy(out, token.text, token.len);
	out[token.len] = '\0';
	return true;
}
