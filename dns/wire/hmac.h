/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hmac.h - keyed hashes of messages, by OpenSSL
 *
 * The one file that knows of a crypto library beside cookie.c's. Any thread,
 * each with an hmac of its own.
 */
#ifndef DNS_HMAC_H
#define DNS_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMAC_SIZE 64 /* octets of the longest */

/* RFC 8945, section 6, but hmac-md5. Values are stored. */
enum hmac_kind {
	HMAC_NONE = 0,
	HMAC_SHA1 = 1,
	HMAC_SHA224 = 2,
	HMAC_SHA256 = 3,
	HMAC_SHA384 = 4,
	HMAC_SHA512 = 5,
};

/** hmac_size() - octets of a whole one */
size_t hmac_size(enum hmac_kind kind);

/** hmac_name() - "hmac-sha256"; hmac_kind_of() - back, in any case; HMAC_NONE
 */
const char *hmac_name(enum hmac_kind kind);
enum hmac_kind hmac_kind_of(const char *name, size_t len);

struct hmac; /* a kept context */

/** hmac_new() - 0, -ENOMEM; -EINVAL: OpenSSL has no HMAC here */
int hmac_new(struct hmac **out);
struct hmac *hmac_free(struct hmac *hmac);
void hmac_freep(struct hmac **hmac);

/*
 * hmac_begin(), any number of hmac_add(), hmac_end(). What was begun and not
 * ended may be begun anew. Return: 0; -ENOMEM; of hmac_begin() also -EINVAL:
 * OpenSSL has no such hash here.
 *
 * @secret: @len octets, at least 1; a copy is in the hmac until the next
 *          begin of the kind
 */
int hmac_begin(struct hmac *hmac, enum hmac_kind kind, const uint8_t *secret,
	       size_t len);
int hmac_add(struct hmac *hmac, const void *data, size_t len);
int hmac_end(struct hmac *hmac, uint8_t out[HMAC_SIZE], size_t *len);

/** hmac_equal() - in a time that tells nothing of where they differ */
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
