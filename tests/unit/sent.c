// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "tests/unit/sent.h"

static void check(const struct wire_head *head, const void *body, size_t len)
{
	char *octets = calloc(1, sizeof(*head) + len);
	const struct wire_head *checked;
	const void *checked_body;
	size_t checked_len;

	assert_non_null(octets);
	memcpy(octets, head, sizeof(*head));
	if (len)
		memcpy(octets + sizeof(*head), body, len);
	assert_int_equal(wire_check(octets, sizeof(*head) + len, &checked,
				    &checked_body, &checked_len),
			 0);
	free(octets);
}

void sent_add(struct sent **list, const char *to, const struct wire_head *head,
	      const void *body, size_t len)
{
	struct sent *message = calloc(1, sizeof(*message) + len);

	assert_non_null(message);
	check(head, body, len);
	snprintf(message->to, sizeof(message->to), "%s", to);
	message->head = *head;
	message->len = len;
	if (len)
		memcpy(message->body, body, len);
	DL_APPEND(*list, message);
}

void sent_free(struct sent **list)
{
	struct sent *message, *next;

	DL_FOREACH_SAFE (*list, message, next)
		free(message);
	*list = NULL;
}
