/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_text.h - TSIG keys as text
 *
 * Printed as tsig-keygen(8) does:
 *
 *   key "xfr." {
 *           algorithm hmac-sha256;
 *           secret "...";
 *   };
 *
 * Read are that form, with comments to the end of a line; "[ALG:]NAME:SECRET"
 * as dig -y takes it; an algorithm alone, which asks for a new secret; and
 * nothing at all, which asks for one of hmac-sha256. Pure but for that; any
 * thread.
 */
#ifndef DNS_KEY_TEXT_H
#define DNS_KEY_TEXT_H

#include "dns/wire/buffer.h"
#include "dns/wire/hmac.h"
#include "dns/wire/name.h"

/**
 * key_from_text() - read a key of that name
 * @secret: room for @size octets; @len of them are set
 *
 * A secret that is made is as long as the hash, from the kernel; @size is that
 * of the longest at least. @kind, @secret and @len are as they were unless all
 * is well. The caller wipes @secret and @text. Return: 0; -ENOMEM;
 * -EINVAL with @why, which never has the secret in it: another name, hmac-md5
 * or an unknown algorithm, no base64, a secret too short (8 octets) or long.
 */
int key_from_text(const char *text, size_t text_len, const struct name *name,
		  enum hmac_kind *kind, uint8_t *secret, size_t size,
		  size_t *len, struct refusal *why);

/** key_to_text() - append: 0, -ENOMEM */
int key_to_text(const struct name *name, enum hmac_kind kind,
		const uint8_t *secret, size_t len, struct buffer *out);

#endif
