/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name.h - domain names in their four forms
 *
 *   wire   length octets and labels, uncompressed (RFC 1035, section 3.1)
 *   text   presentation format, always fully qualified (RFC 1035, section
 *          5.1, and RFC 4343, section 2.1 for the escapes)
 *   file   text that can be a file name: "/" is "\047", the root is "@"
 *   key    what the store sorts by: octet order of keys is the canonical DNS
 *          order of the names (RFC 4034, section 6.1)
 *
 * Pure functions on the caller's memory: any thread may call them.
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>

#include "dns/wire/refusal.h"

#define NAME_WIRE_SIZE	255  /* RFC 1035, section 2.3.4 */
#define NAME_LABEL_SIZE 63   /* the same */
#define NAME_LABELS_MAX 127  /* so many of one octet fill a name */
#define NAME_TEXT_SIZE	1024 /* longest text or file form and its NUL */
#define NAME_KEY_SIZE	504  /* longest key: 250 octets doubled, 4 ends */

struct name {
	uint8_t len; /* octets of wire in use, the root's zero included: >= 1 */
	uint8_t wire[NAME_WIRE_SIZE];
};

/** name_root() - make @out the root */
void name_root(struct name *out);

/**
 * name_from_text() - read presentation format
 * @text:   @len octets, not terminated
 * @origin: what a name without a last dot ends in, and what "@" means; NULL:
 *          none was said, so that the root ends a name, and "@" means nothing
 * @out:    the name, its case kept
 * @why:    receives what is wrong; or NULL
 *
 * Return: 0, or -EINVAL with @why: an empty label, a label over 63 octets, a
 * name over 255, an escape that is none, an octet that presentation format
 * never holds bare (a blank, a control octet, a quote, a parenthesis, a
 * semicolon), "@" without an origin.
 */
int name_from_text(const char *text, size_t len, const struct name *origin,
		   struct name *out, struct refusal *why);

/**
 * name_to_text() - write presentation format, with the last dot
 *
 * Escapes so that the text is one token of a master file that name_from_text()
 * reads back as the same name: `.`, `"`, `;`, `(`, `)`, `\`, `@` and `$`
 * behind a backslash, what is not printable ASCII, and space, as \DDD.
 *
 * Return: octets written, without the NUL that ends them.
 */
size_t name_to_text(const struct name *name, char out[NAME_TEXT_SIZE]);

/** name_to_file() - the file form; else as name_to_text() */
size_t name_to_file(const struct name *name, char out[NAME_TEXT_SIZE]);

/**
 * name_from_file() - read the file form in any case, with or without last dot
 * Return: 0 with @out in lower case, or -EINVAL and @why as name_from_text().
 */
int name_from_file(const char *file, struct name *out, struct refusal *why);

/**
 * name_from_wire() - take an uncompressed name from the start of @wire
 * Return: octets taken, or -EINVAL: it does not end within @len or within 255
 * octets, or has a label of another kind (a compression pointer).
 */
int name_from_wire(const uint8_t *wire, size_t len, struct name *out);

/** name_lower_octet() - an ASCII letter to lower case (RFC 4343) */
static inline uint8_t name_lower_octet(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

/** name_lower() - ASCII letters to lower case, in place (RFC 4343) */
void name_lower(struct name *name);

/** name_equal() - the same name, case ignored */
bool name_equal(const struct name *a, const struct name *b);

/** name_label_equal() - the same, of labels with their length octets */
bool name_label_equal(const uint8_t *a, const uint8_t *b);

/** name_is_under() - @name is @ancestor or below it, case ignored */
bool name_is_under(const struct name *name, const struct name *ancestor);

/** name_labels() - how many labels, the root's not counted */
unsigned name_labels(const struct name *name);

/**
 * name_ancestor() - @name without its first @labels labels; in or out of place
 *
 * @labels is at most name_labels().
 */
void name_ancestor(const struct name *name, unsigned labels, struct name *out);

/**
 * name_to_key() - the key form
 *
 * The labels from the root down, in lower case, each ended by 0x00; inside a
 * label 0x00 is 0x01 0x01 and 0x01 is 0x01 0x02. A name's key is a prefix of
 * the key of every name below it, and of no other.
 *
 * Return: octets written; 0 for the root.
 */
size_t name_to_key(const struct name *name, uint8_t out[NAME_KEY_SIZE]);

/**
 * name_to_key_ends() - name_to_key(), and where the labels end in the key
 * @ends: octets of the key of the ancestor-or-self with so many labels
 *
 * Return: how many labels @name has.
 */
unsigned name_to_key_ends(const struct name *name, uint8_t out[NAME_KEY_SIZE],
			  uint16_t ends[NAME_LABELS_MAX + 1]);

/** name_from_key() - back; 0, or -EINVAL: @key is no key of a name */
int name_from_key(const uint8_t *key, size_t len, struct name *out);

#endif
