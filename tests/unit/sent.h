/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sent.h - messages between two hosts, kept until a test looks at them
 */
#ifndef TESTS_SENT_H
#define TESTS_SENT_H

#include "fs/fleet/wire.h"

struct sent {
	struct sent *prev, *next; /* utlist */
	char to[WIRE_NAME_MAX + 1];
	struct wire_head head;
	size_t len;
	char body[] __attribute__((aligned(8)));
};

/* One that wire_check() takes, at the end of @list. */
void sent_add(struct sent **list, const char *to, const struct wire_head *head,
	      const void *body, size_t len);

void sent_free(struct sent **list);

#endif
