// SPDX-License-Identifier: Apache-2.0
/*
 * restore_judge.c - which rows fit into the tree
 *
 * A row is judged by what it says, then by whether its place is free, which
 * the younger of two gets; and then by the way from it up to the host's anchor,
 * where a directory may be missing, or come twice.
 */
#include <assert.h>

#include "anchors/restore_layout.h"

static const char unreadable[] = "what it is cannot be read";

const char *restore_judge_row(const struct store_anchor *stored)
{
	const struct address *at;

	if (!stored || stored->mode & ~07777U)
		return unreadable;
	at = &stored->address;
	if (at->kind == ADDRESS_OFF)
		return NULL;
	if ((at->kind != ADDRESS_IPV4 && at->kind != ADDRESS_IPV6 &&
	     at->kind != ADDRESS_EVERY) ||
	    !at->port)
		return unreadable;
	return NULL;
}

static const char *judge_name(const struct store_anchor *stored)
{
	char name[STORE_NAME_SIZE + 1] = "";

	memcpy(name, stored->name, stored->name_len);
	if (!stored->name_len || strlen(name) != stored->name_len ||
	    strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return "its name is none";
	return NULL;
}

/* By a file that this program has, and the one that kept it had not. */
static bool name_is_taken(const struct restore *restore,
			  const struct store_anchor *stored)
{
	bool (*is_taken)(const char *) = restore->options->name_is_taken;
	char name[STORE_NAME_SIZE + 1] = "";

	memcpy(name, stored->name, stored->name_len);
	return is_taken && is_taken(name);
}

static size_t place_size(const struct row *row)
{
	return offsetof(struct place, name) + row->stored.name_len;
}

void restore_place(struct restore *restore, struct row *row)
{
	struct row *other;
	size_t size = place_size(row);

	row->place.parent = row->stored.parent;
	memcpy(row->place.name, row->stored.name, row->stored.name_len);
	HASH_FIND(at, restore->places, &row->place, size, other);
	row->placed = !other;
	if (!other)
		HASH_ADD(at, restore->places, place, size, row);
}

static void judge_alone(struct restore *restore, struct row *row)
{
	if (row == restore->root)
		return;
	if (!row->wrong)
		row->wrong = judge_name(&row->stored);
	if (!row->wrong && !row->has_table)
		row->wrong = "it has no table of records; perhaps it had "
			     "been removed";
	if (row->wrong)
		return;
	/* It gets one that is free when all others have theirs. */
	row->is_taken = name_is_taken(restore, &row->stored);
	if (row->is_taken)
		return;
	restore_place(restore, row);
	if (!row->placed)
		row->wrong = "its name is another's too";
}

static struct row *parent_of(const struct restore *restore,
			     const struct row *row)
{
	return row->wrong ? restore->root
			  : restore_find(restore, row->stored.parent);
}

/* The first one on the way up that does not lead to the host is wrong. */
static void judge_above(struct restore *restore, struct row *row)
{
	struct row *at = row, *up;

	for (; at->state == ROW_NEW; at = up) {
		at->state = ROW_WALKED;
		up = parent_of(restore, at);
		if (up && up->state != ROW_WALKED)
			continue;
		at->wrong = up ? "it is in a directory that is in it"
			       : "the directory that it was in is missing";
		up = restore->root;
	}
	for (at = row; at->state == ROW_WALKED; at = parent_of(restore, at))
		at->state = ROW_FITS;
}

/* The younger one comes first, since the elder's row may be a leftover. */
static int by_age(const struct row *a, const struct row *b)
{
	return a->stored.id < b->stored.id ? 1 : -1;
}

void restore_judge(struct restore *restore)
{
	struct row *row, *next;

	HASH_SRT(hh, restore->rows, by_age);
	HASH_ITER (hh, restore->rows, row, next) {
		judge_alone(restore, row);
	}
	HASH_ITER (hh, restore->rows, row, next) {
		if (row->is_taken)
			restore_rename(restore, row);
	}
	HASH_ITER (hh, restore->rows, row, next) {
		judge_above(restore, row);
		assert(row->state == ROW_FITS);
	}
}
