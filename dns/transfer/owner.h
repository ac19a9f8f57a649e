/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - the owners of a zone, one after the other, from their keys
 *
 * Most of them have the same parent as the one before, so that only a label is
 * to be read of the key.
 *
 * Threading: the caller's.
 */
#ifndef DNS_OWNER_H
#define DNS_OWNER_H

#include <stddef.h>

#include "dns/wire/name.h"

struct owner_name {
	struct name name;

	/* All but its first label; octets of its key, 0: not known. */
	struct name parent;
	size_t parent_len;
	uint8_t parent_key[NAME_KEY_SIZE];
};

/**
 * owner_read() - the next one
 * @owner: the one before, or all zeroes
 * @same:  is set: it has the same parent
 *
 * Return: 0; -EINVAL: @key is no key of a name.
 */
int owner_read(struct owner_name *owner, const uint8_t *key, size_t len,
	       bool *same);

#endif
