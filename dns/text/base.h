/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - octets in digits: base 16, 32 and 64 (RFC 4648)
 *
 * Base 16 in either case, and printed in lower case (section 8). Base 32 with
 * the extended hex alphabet, in either case, of any length and without
 * padding, as the hashes of NSEC3 have it (section 7, and RFC 5155, section
 * 3.3). Base 64 with its padding, and no bits that no octet takes (sections
 * 3.5 and 4). Libsodium does the first; it has no base 32, and its base 64
 * takes octets above 127 for digits.
 *
 * What appends to a buffer leaves it as it was when it fails.
 *
 * Pure functions on the caller's memory: any thread may call them.
 */
#ifndef DNS_BASE_H
#define DNS_BASE_H

#include <stdbool.h>

#include "dns/wire/buffer.h"

/** base16_decode() - 0; -EINVAL: an octet is no digit, or they are odd; -ENOMEM
 */
int base16_decode(const char *text, size_t len, struct buffer *out);

/** base16_are_digits() - to tell the one -EINVAL from the other */
bool base16_are_digits(const char *text, size_t len);

/** base16_encode() - append two digits for each octet: 0, -ENOMEM */
int base16_encode(const uint8_t *octets, size_t len, struct buffer *out);

#define BASE32_SIZE 255 /* octets: RFC 5155, section 3.2 */

/** base32_decode() - octets written, or 0: it is no such text, or empty */
size_t base32_decode(const char *text, size_t len, uint8_t out[BASE32_SIZE]);

/** base32_encode() - append the digits: 0, -ENOMEM */
int base32_encode(const uint8_t *octets, size_t len, struct buffer *out);

/** base64_decode() - 0; -EINVAL: it is no such text; -ENOMEM */
int base64_decode(const char *text, size_t len, struct buffer *out);

/** base64_encode() - append the digits and their padding: 0, -ENOMEM */
int base64_encode(const uint8_t *octets, size_t len, struct buffer *out);

#endif
