// SPDX-License-Identifier: Apache-2.0
/*
 * marks.c - where a long walk through a table came by
 *
 * The list is in order and only grows at its end. A walk that starts over
 * passes places that have a mark already, and notes none until it is further
 * than the last.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dns/store/marks.h"

void marks_init(struct marks *marks, uint64_t whole, uint64_t apart)
{
	uint64_t even = whole / MARKS_MAX + 1;

	*marks = (struct marks){.apart = even > apart ? even : apart};
}

void marks_deinit(struct marks *marks)
{
	while (marks->count)
		free(marks->marks[--marks->count]);
}

void marks_note(struct marks *marks, uint64_t at, const uint8_t *key,
		size_t key_len)
{
	uint64_t last = marks->count ? marks->marks[marks->count - 1]->at : 0;
	struct mark *mark;

	if (marks->count == MARKS_MAX || at < last || at - last < marks->apart)
		return;
	mark = malloc(sizeof(*mark) + key_len);
	if (!mark)
		return;
	assert(marks->count < MARKS_MAX);
	mark->at = at;
	mark->key_len = key_len;
	memcpy(mark->key, key, key_len);
	marks->marks[marks->count++] = mark;
}

const struct mark *marks_find(const struct marks *marks, uint64_t at)
{
	unsigned i = marks->count;

	while (i && marks->marks[i - 1]->at > at)
		i--;
	return i ? marks->marks[i - 1] : NULL;
}
