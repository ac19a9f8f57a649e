// SPDX-License-Identifier: Apache-2.0
/*
 * field.c - the kinds of fields that RDATA is made of
 */
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

/* What ldns has no text for is written as RFC 3597, section 5 has it. */
static const struct kind unknown_kind = {
	.what = "this type is written as \\# LENGTH HEX",
	.read = no_text,
	.size = any_size,
	.print = no_print,
};

#define NUMBER(kind, bytes, text)                                              \
	[kind] = {.ldns = kind,                                                \
		  .what = text,                                                \
		  .octets = bytes,                                             \
		  .exact = true,                                               \
		  .read = number_read,                                         \
		  .size = fixed_size,                                          \
		  .print = number_print}

/* A number that may be given by name; it is printed as a number. */
#define MNEMONIC(kind, bytes, text)                                            \
	[kind] = {.ldns = kind,                                                \
		  .what = text,                                                \
		  .octets = bytes,                                             \
		  .exact = true,                                               \
		  .allowed = LETTERS "0123456789-",                            \
		  .longest = 64,                                               \
		  .read = mnemonic_read,                                       \
		  .size = fixed_size,                                          \
		  .print = number_print}

/* One token of a few octets that ldns may read once they are checked. */
#define WORD(kind, bytes, octets_, most, measure, text)                        \
	[kind] = {.ldns = kind,                                                \
		  .what = text,                                                \
		  .octets = bytes,                                             \
		  .allowed = octets_,                                          \
		  .longest = most,                                             \
		  .read = word_read,                                           \
		  .size = measure,                                             \
		  .print = ldns_print}

/* All ours, with functions named after the kind. */
#define OURS(kind, bytes, reads, measures, prints, text)                       \
	[kind] = {.ldns = kind,                                                \
		  .what = text,                                                \
		  .octets = bytes,                                             \
		  .exact = true,                                               \
		  .read = reads,                                               \
		  .size = measures,                                            \
		  .print = prints}

/* Read by us; ldns prints it. */
#define OTHER(kind, reads, measures, text)                                     \
	[kind] = {.ldns = kind,                                                \
		  .what = text,                                                \
		  .read = reads,                                               \
		  .size = measures,                                            \
		  .print = ldns_print}

static const struct kind kinds[] = {
	OURS(LDNS_RDF_TYPE_DNAME, 0, name_read, name_size, name_print, NULL),
	NUMBER(LDNS_RDF_TYPE_INT8, 1, "a number from 0 to 255 was expected"),
	NUMBER(LDNS_RDF_TYPE_INT16, 2, "a number from 0 to 65535 was expected"),
	NUMBER(LDNS_RDF_TYPE_INT32, 4,
	       "a number from 0 to 4294967295 was expected"),
	OURS(LDNS_RDF_TYPE_PERIOD, 4, period_read, fixed_size, number_print,
	     "a time in seconds, or with units as in 1h30m, was expected"),
	OURS(LDNS_RDF_TYPE_A, 4, address_read, fixed_size, address_print_field,
	     "this is no IPv4 address"),
	OURS(LDNS_RDF_TYPE_AAAA, 16, address_read, fixed_size,
	     address_print_field, "this is no IPv6 address"),
	OURS(LDNS_RDF_TYPE_STR, 0, string_read, string_size, string_print,
	     NULL),
	OURS(LDNS_RDF_TYPE_LONG_STR, 0, long_string_read, long_string_size,
	     long_string_print, NULL),
	OURS(LDNS_RDF_TYPE_TYPE, 2, type_read, fixed_size, type_print,
	     "this type is not known"),
	OURS(LDNS_RDF_TYPE_TIME, 4, time_read, fixed_size, time_print,
	     "a time, YYYYMMDDHHMMSS or in seconds, was expected"),
	OURS(LDNS_RDF_TYPE_HEX, 0, hex_read, rest_size, hex_print, NULL),
	OURS(LDNS_RDF_TYPE_ATMA, 0, nsap_read, rest_size, hex_print,
	     "this is no ATM address in hex digits"),
	OURS(LDNS_RDF_TYPE_NSAP, 0, nsap_read, rest_size, nsap_print,
	     "this is no NSAP address: 0x and hex digits"),
	OURS(LDNS_RDF_TYPE_EUI48, 6, eui_read, fixed_size, eui_print,
	     "this is no EUI-48, as in 00-00-5e-00-53-2a"),
	OURS(LDNS_RDF_TYPE_EUI64, 8, eui_read, fixed_size, eui_print,
	     "this is no EUI-64, as in 00-00-5e-ef-10-00-00-2a"),
	OURS(LDNS_RDF_TYPE_B64, 0, base64_read, rest_size, base64_print, NULL),
	OURS(LDNS_RDF_TYPE_NSEC3_NEXT_OWNER, 0, hash_read, hash_size,
	     hash_print, "this is no hash in base32"),
	OURS(LDNS_RDF_TYPE_NSEC, 0, bitmap_read, bitmap_size, bitmap_print,
	     "a type in the list is not known"),
	OURS(LDNS_RDF_TYPE_WKS, 0, wks_read, wks_size, wks_print, NULL),
	OURS(LDNS_RDF_TYPE_IPSECKEY, 0, ipseckey_read, ipseckey_size,
	     ipseckey_print, NULL),
	OURS(LDNS_RDF_TYPE_SVCPARAMS, 0, svcparams_read, svcparams_size,
	     svcparams_print, NULL),
	OURS(LDNS_RDF_TYPE_HIP, 0, hip_read, hip_size, hip_print, NULL),
	MNEMONIC(LDNS_RDF_TYPE_ALG, 1,
		 "a key algorithm, by number or name, was expected"),
	MNEMONIC(LDNS_RDF_TYPE_CERT_ALG, 2,
		 "a certificate type, by number or name, was expected"),
	MNEMONIC(LDNS_RDF_TYPE_CERTIFICATE_USAGE, 1,
		 "a certificate usage, by number or name, was expected"),
	MNEMONIC(LDNS_RDF_TYPE_SELECTOR, 1,
		 "a selector, by number or name, was expected"),
	MNEMONIC(LDNS_RDF_TYPE_MATCHING_TYPE, 1,
		 "a matching type, by number or name, was expected"),
	WORD(LDNS_RDF_TYPE_NSEC3_SALT, 0, HEX_DIGITS "-", 510, prefixed_size,
	     "this is no salt: \"-\" or pairs of hex digits"),
	WORD(LDNS_RDF_TYPE_ILNP64, 8, HEX_DIGITS ":", 19, fixed_size,
	     "this is no 64-bit locator or node, as in 14:4fff:ff20:ee64"),
	WORD(LDNS_RDF_TYPE_TAG, 0, LETTERS "0123456789", 255, tag_size,
	     "a tag of letters and digits was expected"),
	OTHER(LDNS_RDF_TYPE_APL, apl_read, apl_size,
	      "this is no address prefix, as in !1:192.0.2.0/24"),
	OTHER(LDNS_RDF_TYPE_LOC, loc_read, loc_size,
	      "this is no location, as in 52 22 23 N 4 53 32 E -2m"),
};

const struct kind *kind_of(ldns_rdf_type ldns)
{
	if ((size_t)ldns >= ARRAY_SIZE(kinds) || !kinds[ldns].read)
		return &unknown_kind;
	return &kinds[ldns];
}

int field_read(ldns_rdf_type kind, struct field_text *in, struct buffer *out)
{
	return kind_of(kind)->read(kind_of(kind), in, out);
}

int field_size(ldns_rdf_type kind, const uint8_t *wire, size_t len)
{
	return kind_of(kind)->size(kind_of(kind), wire, len);
}

int field_print(ldns_rdf_type kind, const uint8_t *wire, size_t len,
		struct buffer *out)
{
	return kind_of(kind)->print(kind_of(kind), wire, len, out);
}

bool field_is_exact(ldns_rdf_type kind)
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
