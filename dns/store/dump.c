// SPDX-License-Identifier: Apache-2.0
/*
 * dump.c - the text of a table, of a zone or of one owner, at any offset
 *
 * The text is a row of pieces: the head, a comma, an owner, a record, the
 * tail. A read goes from piece to piece, and has three ways to be at its offset
 * without printing all before it: a mark, an owner's size, an RRset's size. It
 * prints from the piece on that has its first octet, and ends in the piece
 * that has its last; there it steps back, for the next read may begin within
 * that piece.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "dns/store/dump.h"
#include "dns/store/marks.h"

#define MARKS_APART (64 * 1024) /* octets */

/* What a step costs, in octets that could be printed in the same time. */
#define COST_LOOK  4096 /* at the clock, after so much */
#define COST_OWNER 32
#define COST_RRSET 8

enum dump_at {
	DUMP_AT_HEAD,
	DUMP_AT_OWNERS, /* before the next one */
	DUMP_AT_OWNER,	/* in the walk */
	DUMP_AT_TAIL,
	DUMP_AT_END,
};

/* Before one piece of the text. */
struct dump_place {
	enum dump_at at;
	uint64_t offset;
	struct rrsets_place in; /* the owner */
};

struct dump {
	struct snapshot *snapshot; /* borrowed */
	uint32_t table;
	bool one; /* it is of one owner, whose walk this is */
	bool json;
	bool is_zone;
	struct zone_walk *zone; /* owned; NULL: there is no such zone */
	char *head, *tail;	/* owned; NULL: there is none */
	uint64_t size;
	struct marks marks;

	enum dump_at at;
	uint64_t offset;
	bool first;		 /* the next owner is the first one */
	const struct mark *from; /* the next owner is this one; or NULL */
	struct rrsets_walk walk;
	uint64_t cost; /* since the last look at the clock */
};

/* ---- Begin and end ---- */

uint64_t dump_frame_size(const struct table_counts *counts,
			 const struct dump_frame *frame)
{
	uint64_t commas = counts->names ? counts->names - 1 : 0;

	return strlen(frame->head) + counts->json + commas +
	       strlen(frame->tail);
}

static void rewind_dump(struct dump *dump)
{
	dump->at = dump->one	? DUMP_AT_OWNER
		   : dump->head ? DUMP_AT_HEAD
				: DUMP_AT_OWNERS;
	dump->walk.place = (struct rrsets_place){0};
	dump->first = true;
	dump->from = NULL;
	dump->offset = 0;
}

static int begin_owner(struct dump *dump, const struct name *owner)
{
	struct rrsets rrsets;
	int r = snapshot_get(dump->snapshot, dump->table, owner, &rrsets);

	if (r == -ENOENT)
		rrsets = (struct rrsets){0};
	else if (r < 0)
		return r;
	dump->one = true;
	dump->size = rrsets_text_size(rrsets);
	rrsets_walk_begin(&dump->walk, owner, rrsets, false);
	return 0;
}

static int begin_table(struct dump *dump, const struct dump_frame *frame)
{
	struct table_counts counts;
	int r = snapshot_counts(dump->snapshot, dump->table, &counts);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	dump->size = counts.text;
	if (frame) {
		dump->json = true;
		dump->size = dump_frame_size(&counts, frame);
		dump->head = strdup(frame->head);
		dump->tail = strdup(frame->tail);
		if (!dump->head || !dump->tail)
			return -ENOMEM;
	}
	marks_init(&dump->marks, dump->size, MARKS_APART);
	return 0;
}

#define ZONE_HEAD "$ORIGIN "

uint64_t dump_zone_size(const struct name *apex,
			const struct zone_counts *counts)
{
	uint64_t size = counts ? zone_shown(counts).text : 0;
	char text[NAME_TEXT_SIZE];

	return size + strlen(ZONE_HEAD "\n") + name_to_text(apex, text);
}

static int begin_zone(struct dump *dump, const struct name *apex)
{
	char head[sizeof(ZONE_HEAD "\n") + NAME_TEXT_SIZE] = ZONE_HEAD;
	struct zone_counts counts;
	size_t len = strlen(head);
	int r = snapshot_zone(dump->snapshot, dump->table, apex, &counts);

	if (r < 0 && r != -ENOENT)
		return r;
	dump->is_zone = true;
	dump->size = dump_zone_size(apex, r == 0 ? &counts : NULL);
	len += name_to_text(apex, head + len);
	memcpy(head + len, "\n", 2);
	dump->head = strdup(head);
	if (!dump->head)
		return -ENOMEM;
	marks_init(&dump->marks, dump->size, MARKS_APART);
	return r == 0 ? zone_walk_snapshot(&dump->zone, dump->snapshot,
					   dump->table, apex)
		      : 0;
}

static void dump_freep(struct dump **dump)
{
	dump_free(*dump);
}

int dump_new(struct dump **out, struct snapshot *snapshot, uint32_t table,
	     const struct scope *scope, const struct dump_frame *frame)
{
	enum scope_kind kind = scope_kind_of(scope);
	CLEANUP(dump_freep) struct dump *dump = calloc(1, sizeof(*dump));
	int r;

	if (!dump)
		return -ENOMEM;
	dump->snapshot = snapshot;
	dump->table = table;
	r = kind == SCOPE_OWNER	 ? begin_owner(dump, &scope->name)
	    : kind == SCOPE_ZONE ? begin_zone(dump, &scope->name)
				 : begin_table(dump, frame);
	if (r < 0)
		return r;
	rewind_dump(dump);
	*out = steal(&dump);
	return 0;
}

struct dump *dump_free(struct dump *dump)
{
	if (!dump)
		return NULL;
	marks_deinit(&dump->marks);
	zone_walk_free(dump->zone);
	free(dump->head);
	free(dump->tail);
	free(dump);
	return NULL;
}

uint64_t dump_size(const struct dump *dump)
{
	return dump->size;
}

/* ---- Read ---- */

/* Be at @offset or before it: where we are, or at a mark that is nearer. */
static void approach(struct dump *dump, uint64_t offset)
{
	const struct mark *mark = marks_find(&dump->marks, offset);

	if (mark && (dump->offset > offset || mark->at > dump->offset)) {
		dump->at = DUMP_AT_OWNERS;
		dump->first = false;
		dump->from = mark;
		dump->offset = mark->at;
	} else if (dump->offset > offset) {
		rewind_dump(dump);
	}
}

static int next_of_zone(struct dump *dump, const struct mark *from,
			struct snapshot_entry *entry)
{
	struct zone_entry shown;
	int r = 0;

	if (!dump->zone)
		return -ENOENT;
	if (from)
		r = zone_walk_seek(dump->zone, from->key, from->key_len);
	else if (dump->first)
		r = zone_walk_seek(dump->zone, NULL, 0);
	if (r == 0)
		r = zone_walk_owner(dump->zone, &shown);
	if (r < 0)
		return r;
	*entry =
		(struct snapshot_entry){shown.key, shown.key_len, shown.rrsets};
	/* Glue has no place of its own to go back to. */
	if (!shown.is_glue)
		marks_note(&dump->marks, dump->offset, shown.key,
			   shown.key_len);
	return 0;
}

static int next_of_table(struct dump *dump, const struct mark *from,
			 struct snapshot_entry *entry)
{
	int r;

	if (from)
		r = snapshot_seek(dump->snapshot, dump->table, from->key,
				  from->key_len, entry);
	else if (dump->first)
		r = snapshot_seek(dump->snapshot, dump->table, NULL, 0, entry);
	else
		r = snapshot_next(dump->snapshot, entry);
	if (r == 0)
		marks_note(&dump->marks, dump->offset, entry->key,
			   entry->key_len);
	return r;
}

static int next_entry(struct dump *dump, struct snapshot_entry *entry)
{
	const struct mark *from = dump->from;

	dump->from = NULL;
	return dump->is_zone ? next_of_zone(dump, from, entry)
			     : next_of_table(dump, from, entry);
}

/* Stand before the next owner's text, or behind it if all of it is skipped. */
static int next_owner(struct dump *dump, struct dump_read *read)
{
	uint64_t skip, left = 0;
	struct snapshot_entry entry;
	struct name owner;
	bool comma;
	int r = next_entry(dump, &entry);

	if (r == -ENOENT)
		dump->at = dump->json ? DUMP_AT_TAIL : DUMP_AT_END;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	comma = dump->json && !dump->first;
	dump->first = false;
	dump->cost += COST_OWNER;
	if (read->offset > dump->offset)
		left = read->offset - dump->offset;
	skip = rrsets_text_size(entry.rrsets);
	if (!dump->json && skip <= left) {
		dump->offset += skip;
		return 0;
	}
	if (name_from_key(entry.key, entry.key_len, &owner) < 0)
		return -EIO;
	if (dump->json) {
		skip = rrsets_size(&owner, entry.rrsets).json + comma;
		if (skip <= left) {
			dump->offset += skip;
			return 0;
		}
	}
	rrsets_walk_begin(&dump->walk, &owner, entry.rrsets, dump->json);
	dump->at = DUMP_AT_OWNER;
	return comma ? buffer_add(read->text, ",", 1) : 0;
}

static int next_piece(struct dump *dump, struct dump_read *read)
{
	uint64_t skip = 0;
	int r;

	if (read->offset > dump->offset)
		skip = rrsets_walk_skip(&dump->walk,
					read->offset - dump->offset);
	if (skip) {
		dump->offset += skip;
		dump->cost += COST_RRSET;
		return 0;
	}
	r = rrsets_walk_next(&dump->walk, read->text);
	if (r == -ENOENT)
		dump->at = dump->one ? DUMP_AT_END : DUMP_AT_OWNERS;
	return r == -ENOENT ? 0 : r;
}

/* Append the next piece, or step over something. */
static int append(struct dump *dump, struct dump_read *read)
{
	switch (dump->at) {
	case DUMP_AT_HEAD:
		dump->at = DUMP_AT_OWNERS;
		return buffer_add_text(read->text, dump->head);
	case DUMP_AT_OWNERS:
		return next_owner(dump, read);
	case DUMP_AT_OWNER:
		return next_piece(dump, read);
	case DUMP_AT_TAIL:
		dump->at = DUMP_AT_END;
		return buffer_add_text(read->text, dump->tail);
	default:
		return 0;
	}
}

static struct dump_place place_of(const struct dump *dump)
{
	return (struct dump_place){
		.at = dump->at,
		.offset = dump->offset,
		.in = dump->walk.place,
	};
}

/* One step; @before: where what it has appended begins. */
static int step(struct dump *dump, struct dump_read *read,
		struct dump_place *before)
{
	size_t had = read->text->len, len;
	int r;

	assert(dump->at != DUMP_AT_END);
	*before = place_of(dump);
	r = append(dump, read);
	if (r < 0)
		return r;
	len = read->text->len - had;
	if (!had)
		read->text_at = dump->offset;
	dump->offset += len;
	dump->cost += len;
	/* All of it lies before what is wanted. */
	if (dump->offset <= read->offset)
		read->text->len = 0;
	return 0;
}

/* What the next read wants may begin in the piece that this one ends in. */
static void step_back(struct dump *dump, const struct dump_place *before)
{
	dump->at = before->at;
	dump->offset = before->offset;
	dump->walk.place = before->in;
}

static bool is_late(struct dump *dump, uint64_t until_ns)
{
	if (dump->cost < COST_LOOK)
		return false;
	dump->cost = 0;
	return uv_hrtime() >= until_ns;
}

int dump_read(struct dump *dump, struct dump_read *read, uint64_t until_ns)
{
	struct dump_place before = {0};
	uint64_t end;
	int r;

	read->len = 0;
	if (read->offset >= dump->size)
		return 0;
	end = dump->size - read->offset > read->size ? read->offset + read->size
						     : dump->size;
	if (!read->text->len)
		approach(dump, read->offset);
	while (dump->offset < end && dump->at != DUMP_AT_END) {
		if (is_late(dump, until_ns))
			return -EAGAIN;
		r = step(dump, read, &before);
		if (r < 0)
			return r;
	}
	if (dump->offset > read->offset) {
		/* What was printed reaches from before it to where we are. */
		assert(read->text_at <= read->offset);
		assert(read->text_at + read->text->len == dump->offset);
		read->data = read->text->data + (read->offset - read->text_at);
		read->len = (dump->offset < end ? dump->offset : end) -
			    read->offset;
	}
	if (dump->offset > end)
		step_back(dump, &before);
	return 0;
}
