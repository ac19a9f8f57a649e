/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks.h - where a long walk through a table came by
 *
 * Every so often the walk notes how far it is, and the owner that comes next.
 * Whoever wants to be elsewhere starts at the mark before that. There are few
 * marks, far enough from each other for the whole walk, so that what they hold
 * does not grow with the table.
 *
 * Threading: of whoever walks.
 */
#ifndef DNS_MARKS_H
#define DNS_MARKS_H

#include <stddef.h>
#include <stdint.h>

#define MARKS_MAX 32

struct mark {
	uint64_t at;
	size_t key_len;
	uint8_t key[]; /* name_to_key() form */
};

struct marks {
	uint64_t apart;
	unsigned count;
	struct mark *marks[MARKS_MAX]; /* owned, in order */
};

/**
 * marks_init() - none yet
 * @whole: how far the walk goes, in the unit that is used throughout
 * @apart: marks are no closer than this
 */
void marks_init(struct marks *marks, uint64_t whole, uint64_t apart);
void marks_deinit(struct marks *marks);

/**
 * marks_note() - the walk is at @at, before the owner with this key
 *
 * It becomes a mark if it is far enough behind the last one. Without memory it
 * does not.
 */
void marks_note(struct marks *marks, uint64_t at, const uint8_t *key,
		size_t key_len);

/** marks_find() - the last one that is not behind @at; NULL: the start */
const struct mark *marks_find(const struct marks *marks, uint64_t at);

#endif
