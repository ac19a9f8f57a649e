/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_kinds.h - inside field.h: what there is to know of a kind of field
 */
#ifndef DNS_FIELD_KINDS_H
#define DNS_FIELD_KINDS_H

#include <ldns/rdata.h>

#include "dns/text/field.h"

struct kind {
	enum field_kind field;
	bool exact;	    /* see field_is_exact() */
	ldns_rdf_type ldns; /* what it is to ldns, where that reads or prints */
	const char *what;   /* says what was expected, when it is not there */
	const char *allowed; /* octets of a word that ldns may see */
	size_t longest;	     /* octets of such a word */

	int (*read)(const struct kind *kind, struct field_text *in,
		    struct buffer *out);
	int (*size)(const struct kind *kind, const uint8_t *wire, size_t len);
	int (*print)(const struct kind *kind, const uint8_t *wire, size_t len,
		     struct buffer *out);
};

/* Octets in wire form, where these are always as many. */
static inline uint8_t kind_octets(const struct kind *kind)
{
	return field_octets[kind->field];
}

/* field_plain.c */
int fixed_size(const struct kind *kind, const uint8_t *wire, size_t len);
int rest_size(const struct kind *kind, const uint8_t *wire, size_t len);
int prefixed_size(const struct kind *kind, const uint8_t *wire, size_t len);
int number_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int number_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out);
int long_number_read(const struct kind *kind, struct field_text *in,
		     struct buffer *out);
int long_number_print(const struct kind *kind, const uint8_t *wire, size_t len,
		      struct buffer *out);
int scheme_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int scheme_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out);
int period_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int type_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int type_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);
int time_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int time_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);
int name_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int name_size(const struct kind *kind, const uint8_t *wire, size_t len);
int name_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);
int address_read(const struct kind *kind, struct field_text *in,
		 struct buffer *out);
int address_print_field(const struct kind *kind, const uint8_t *wire,
			size_t len, struct buffer *out);
/* field_string.c */
int string_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int string_size(const struct kind *kind, const uint8_t *wire, size_t len);
int string_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out);
int long_string_read(const struct kind *kind, struct field_text *in,
		     struct buffer *out);
int long_string_size(const struct kind *kind, const uint8_t *wire, size_t len);
int long_string_print(const struct kind *kind, const uint8_t *wire, size_t len,
		      struct buffer *out);

/* field_digits.c */
int hex_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int hex_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out);
int base64_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int base64_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out);
int base64_or_none_read(const struct kind *kind, struct field_text *in,
			struct buffer *out);
int base64_or_none_print(const struct kind *kind, const uint8_t *wire,
			 size_t len, struct buffer *out);
int hash_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int hash_size(const struct kind *kind, const uint8_t *wire, size_t len);
int hash_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);
int eui_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int eui_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out);
int nsap_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int nsap_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);

/* field_lists.c */
int bitmap_read(const struct kind *kind, struct field_text *in,
		struct buffer *out);
int bitmap_size(const struct kind *kind, const uint8_t *wire, size_t len);
int bitmap_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out);
int wks_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int wks_size(const struct kind *kind, const uint8_t *wire, size_t len);
int wks_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out);
int apl_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int apl_size(const struct kind *kind, const uint8_t *wire, size_t len);
/* field_loc.c */
int loc_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int loc_size(const struct kind *kind, const uint8_t *wire, size_t len);

/* field_keys.c */
int ipseckey_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out);
int ipseckey_size(const struct kind *kind, const uint8_t *wire, size_t len);
int ipseckey_print(const struct kind *kind, const uint8_t *wire, size_t len,
		   struct buffer *out);
int amtrelay_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out);
int amtrelay_size(const struct kind *kind, const uint8_t *wire, size_t len);
int amtrelay_print(const struct kind *kind, const uint8_t *wire, size_t len,
		   struct buffer *out);
int hip_read(const struct kind *kind, struct field_text *in,
	     struct buffer *out);
int hip_size(const struct kind *kind, const uint8_t *wire, size_t len);
int hip_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out);

/* field_ldns.c */
int word_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out);
int mnemonic_read(const struct kind *kind, struct field_text *in,
		  struct buffer *out);
int tag_size(const struct kind *kind, const uint8_t *wire, size_t len);
int ldns_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out);

/* field_svc.c */
int svcparams_read(const struct kind *kind, struct field_text *in,
		   struct buffer *out);
int svcparams_size(const struct kind *kind, const uint8_t *wire, size_t len);
int svcparams_print(const struct kind *kind, const uint8_t *wire, size_t len,
		    struct buffer *out);

/** add_number() - append the last @octets of a number: 0, -ENOMEM */
int add_number(struct buffer *out, uint32_t value, uint8_t octets);

/** add_string() - append what a token stands for, of any length */
int add_string(struct field_text *in, struct lexer_token token,
	       struct buffer *out);

/** field_print_string() - octets with escapes; without quotes, they must not
 *  have a blank, a parenthesis or a semicolon */
int field_print_string(const uint8_t *wire, size_t len, bool quoted,
		       struct buffer *out);

/** add_hex(), add_base64() - append the octets of one token */
int add_hex(struct field_text *in, struct lexer_token token,
	    struct buffer *out);
int add_base64(struct field_text *in, struct lexer_token token,
	       struct buffer *out);

#endif
