/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svc_key.h - inside field_svc.c, what there is to know of a key of service
 * parameters (RFC 9460)
 *
 * A row for each key that has a name; all others share one, whose values are
 * any octets. Any thread may call these.
 */
#ifndef DNS_SVC_KEY_H
#define DNS_SVC_KEY_H

#include "dns/text/field.h"

/* By IANA's registry; these are the ones that code speaks of. */
enum {
	SVC_MANDATORY = 0,
	SVC_ALPN = 1,
	SVC_NO_DEFAULT_ALPN = 2,
	SVC_DOHPATH = 7,
};

struct svc_key {
	const char *name;

	/* Whether octets are a value that has a text. */
	bool (*is_value)(const uint8_t *value, size_t len);

	/* Appends the value of a text, perhaps in quotes: 0, -EINVAL, -ENOMEM
	 */
	int (*read)(struct field_text *in, struct lexer_token text,
		    struct buffer *out);

	/* Appends the text of octets that are a value, and not none. */
	int (*print)(const uint8_t *value, size_t len, struct buffer *out);
};

/** svc_key() - never NULL; without a name, if the key has none */
const struct svc_key *svc_key(uint16_t number);

/** svc_key_from_text() - a name, or "key" and a number: section 2.1 */
bool svc_key_from_text(struct lexer_token text, uint16_t *out);

/** svc_key_print() - append the name, or "key" and the number: 0, -ENOMEM */
int svc_key_print(uint16_t number, struct buffer *out);

/** svc_print_any() - any octets as a string; quoted only if that is needed */
int svc_print_any(const uint8_t *value, size_t len, struct buffer *out);

/* Of struct svc_key, for those whose value is a list of strings. */
bool svc_are_strings(const uint8_t *value, size_t len);
bool svc_is_alpn(const uint8_t *value, size_t len);
int svc_strings_read(struct field_text *in, struct lexer_token text,
		     struct buffer *out);
int svc_strings_print(const uint8_t *value, size_t len, struct buffer *out);

/** svc_refuse() - say that the text is no service parameters; -EINVAL */
int svc_refuse(struct field_text *in);

#endif
