/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_kinds.h - inside field.h: what there is to know of a kind of field
 */
#ifndef DNS_FIELD_KINDS_H
#define DNS_FIELD_KINDS_H

#include "dns/text/field.h"

struct kind {
	ldns_rdf_type ldns;
	const char *what;    /* says what was expected, when it is not there */
	uint8_t octets;	     /* of wire, where that is fixed */
	bool exact;	     /* see field_is_exact() */
	const char *allowed; /* octets of a word that ldns may see */
	size_t longest;	     /* octets of such a word */

	int (*read)(const struct kind *kind, struct field_text *in,
		    struct buffer *out);
	int (*size)(const struct kind *kind, const uint8_t *wire, size_t len);
	int (*print)(const struct kind *kind, const uint8_t *wire, size_t len,
		     struct buffer *out);
};

#define KIND_READ(name)                                                        \
	int name(const struct kind *kind, struct field_text *in,               \
		 struct buffer *out)
#define KIND_SIZE(name)                                                        \
	int name(const struct kind *kind, const uint8_t *wire, size_t len)
#define KIND_PRINT(name)                                                       \
	int name(const struct kind *kind, const uint8_t *wire, size_t len,     \
		 struct buffer *out)

/** kind_of() - never NULL: kinds without a text have a kind too */
const struct kind *kind_of(ldns_rdf_type ldns);

/* field_plain.c */
KIND_SIZE(fixed_size);
KIND_SIZE(rest_size);
KIND_SIZE(prefixed_size);
KIND_READ(number_read);
KIND_PRINT(number_print);
KIND_READ(period_read);
KIND_READ(type_read);
KIND_PRINT(type_print);
KIND_READ(time_read);
KIND_PRINT(time_print);
KIND_READ(name_read);
KIND_SIZE(name_size);
KIND_PRINT(name_print);
KIND_READ(address_read);
KIND_PRINT(address_print_field);
/* field_text.c */
KIND_READ(string_read);
KIND_SIZE(string_size);
KIND_PRINT(string_print);
KIND_READ(long_string_read);
KIND_SIZE(long_string_size);
KIND_PRINT(long_string_print);
KIND_READ(hex_read);
KIND_PRINT(hex_print);
KIND_READ(base64_read);
KIND_PRINT(base64_print);
KIND_READ(hash_read);
KIND_SIZE(hash_size);
KIND_PRINT(hash_print);
KIND_READ(eui_read);
KIND_PRINT(eui_print);
KIND_READ(nsap_read);
KIND_PRINT(nsap_print);

/* field_lists.c */
KIND_READ(bitmap_read);
KIND_SIZE(bitmap_size);
KIND_PRINT(bitmap_print);
KIND_READ(wks_read);
KIND_SIZE(wks_size);
KIND_PRINT(wks_print);
KIND_READ(apl_read);
KIND_SIZE(apl_size);
/* field_loc.c */
KIND_READ(loc_read);
KIND_SIZE(loc_size);

/* field_keys.c */
KIND_READ(ipseckey_read);
KIND_SIZE(ipseckey_size);
KIND_PRINT(ipseckey_print);
KIND_READ(hip_read);
KIND_SIZE(hip_size);
KIND_PRINT(hip_print);

/* field_ldns.c */
KIND_READ(word_read);
KIND_READ(mnemonic_read);
KIND_SIZE(tag_size);
KIND_PRINT(ldns_print);

/* field_svc.c */
KIND_READ(svcparams_read);
KIND_SIZE(svcparams_size);
KIND_PRINT(svcparams_print);

/** refuse() - set @in->why and return -EINVAL */
int refuse(struct field_text *in, const char *why);

/** add_string() - append what a token stands for, of any length */
int add_string(struct field_text *in, struct field_token token,
	       struct buffer *out);

/** field_print_string() - octets with escapes; without quotes, they must not
 *  have a blank, a parenthesis or a semicolon */
int field_print_string(const uint8_t *wire, size_t len, bool quoted,
		       struct buffer *out);

/** add_hex(), add_base64() - append the octets of one token */
int add_hex(struct field_text *in, struct field_token token,
	    struct buffer *out);
int add_base64(struct field_text *in, struct field_token token,
	       struct buffer *out);

/** token_number() - digits only, up to @max */
bool token_number(struct field_token token, uint32_t max, uint32_t *out);

/** token_copy() - as a C string; false if it does not fit */
bool token_copy(struct field_token token, char *out, size_t size);

#endif
