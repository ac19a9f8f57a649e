// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "anchors/transfer/looks.h"

struct look *looks_add(struct look **looks, uint64_t server)
{
	struct look *look;

	HASH_FIND(hh, *looks, &server, sizeof(server), look);
	if (look) {
		look->has_begun = false;
		look->key_len = 0;
		return look;
	}
	look = calloc(1, sizeof(*look));
	if (!look)
		return NULL;
	look->server = server;
	HASH_ADD(hh, *looks, server, sizeof(look->server), look);
	return look;
}

void looks_drop(struct look **looks, struct look *look)
{
	HASH_DEL(*looks, look);
	free(look);
}

void look_was_at(struct look *look, const struct name *apex)
{
	look->has_begun = true;
	look->key_len = name_to_key(apex, look->key);
}
