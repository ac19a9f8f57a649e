// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/transfer/owner.h"

/* Octets of the key of the parent: all up to the end of the label before. */
static size_t parent_key_len(const uint8_t *key, size_t len)
{
	size_t at = len ? len - 1 : 0;

	while (at && key[at - 1] != 0)
		at--;
	return at;
}

static int read_all(struct owner_name *owner, const uint8_t *key, size_t len,
		    size_t parent_len)
{
	int r = name_from_key(key, len, &owner->name);

	owner->parent_len = 0;
	if (r < 0 || !parent_len)
		return r;
	owner->parent_len = parent_len;
	memcpy(owner->parent_key, key, parent_len);
	name_ancestor(&owner->name, 1, &owner->parent);
	return 0;
}

/* One label, before the same parent. */
static int read_label(struct owner_name *owner, const uint8_t *key, size_t len)
{
	size_t size;
	int r = name_from_key(key, len, &owner->name);

	if (r < 0)
		return r;
	size = 1 + (size_t)owner->name.wire[0];
	if (size + owner->parent.len > NAME_WIRE_SIZE)
		return -EINVAL;
	copy_octets(owner->name.wire + size, owner->parent.wire,
		    owner->parent.len);
	owner->name.len = (uint8_t)(size + owner->parent.len);
	return 0;
}

int owner_read(struct owner_name *owner, const uint8_t *key, size_t len,
	       bool *same)
{
	size_t parent_len = parent_key_len(key, len);

	*same = parent_len && parent_len == owner->parent_len &&
		memcmp(key, owner->parent_key, parent_len) == 0;
	return *same ? read_label(owner, key + parent_len, len - parent_len)
		     : read_all(owner, key, len, parent_len);
}
