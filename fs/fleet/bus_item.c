// SPDX-License-Identifier: Apache-2.0
/*
 * bus_item.c - what waits in a queue of the bus, or is told
 */
#include <utlist.h>

#include "fs/fleet/bus_inside.h"

struct bus_item *bus_item_new(enum bus_item_kind kind, const char *subject,
			      const char *reply, size_t len)
{
	size_t subject_size = subject ? strlen(subject) + 1 : 0;
	size_t reply_size = reply ? strlen(reply) + 1 : 0;
	struct bus_item *item =
		malloc(sizeof(*item) + len + subject_size + reply_size);
	char *texts;

	if (!item)
		return NULL;
	*item = (struct bus_item){.kind = kind, .len = len};
	texts = (char *)item->data + len;
	if (subject)
		item->subject = memcpy(texts, subject, subject_size);
	if (reply)
		item->reply = memcpy(texts + subject_size, reply, reply_size);
	return item;
}

size_t bus_item_octets(const struct bus_item *item)
{
	/* Also a message without a body takes memory. */
	return sizeof(*item) + item->len;
}

void bus_items_free(struct bus_item *list)
{
	struct bus_item *item, *next;

	DL_FOREACH_SAFE (list, item, next)
		free(item);
}
