// SPDX-License-Identifier: Apache-2.0
/*
 * reader.c - the zone-file stream
 *
 * A write is taken apart into entries. Whole ones are read where they lie, in
 * the writer's memory; only an entry that came in several writes is put
 * together in `tail` first. What a call changes is kept until it has
 * succeeded: the tail grows behind its former octets, and the state that
 * entries carry from one to the next is copied and put back.
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/entry.h"
#include "dns/text/lexer.h"
#include "dns/text/reader.h"

/* Where a stream stood before a call, to go back to. */
struct reader_state {
	struct entry_state state;
	struct change_mark change;
	struct lexer_scan scan;
	size_t tail;
	uint32_t line;
};

struct reader {
	struct entries entries;
	struct buffer tail;	/* an entry that has not ended */
	struct lexer_scan scan; /* at the end of the tail */
	uint32_t line;		/* the first of that entry */
	struct refusal error;

	/* What reader_undo() goes back to: where the last call that succeeded
	 * began, and the tail that was there, if that call took it up. */
	struct reader_state undo;
	struct buffer former;
	bool joined;
};

int reader_new(struct reader **out, const struct name *origin,
	       const struct scope *scope)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	entries_init(&reader->entries, origin, scope, READER_TTL);
	reader->line = 1;
	*out = reader;
	return 0;
}

struct reader *reader_free(struct reader *reader)
{
	if (!reader)
		return NULL;
	entries_deinit(&reader->entries);
	buffer_deinit(&reader->tail);
	buffer_deinit(&reader->former);
	free(reader);
	return NULL;
}

void reader_freep(struct reader **reader)
{
	reader_free(*reader);
}

size_t reader_tail(const struct reader *reader)
{
	return reader->tail.len;
}

const struct refusal *reader_error(const struct reader *reader)
{
	return &reader->error;
}

static struct reader_state state_of(const struct reader *reader,
				    const struct change *change)
{
	return (struct reader_state){
		.state = reader->entries.state,
		.change = change_mark(change),
		.scan = reader->scan,
		.tail = reader->tail.len,
		.line = reader->line,
	};
}

static void rewind_to(struct reader *reader, struct change *change,
		      const struct reader_state *mark)
{
	assert(mark->tail <= reader->tail.len);
	reader->entries.state = mark->state;
	change_rewind(change, mark->change);
	reader->scan = mark->scan;
	reader->tail.len = mark->tail;
	reader->line = mark->line;
}

/* Notes that the entry that begins with @text is refused. */
static int refuse(struct reader *reader, const char *text, size_t len,
		  const char *reason)
{
	refusal_set(&reader->error, -EINVAL, "%s", reason);
	refusal_at_entry(&reader->error, reader->line, text, len);
	return -EINVAL;
}

void reader_refuse_tail(struct reader *reader, const char *reason)
{
	refuse(reader, (const char *)reader->tail.data, reader->tail.len,
	       reason);
}

void reader_drop_tail(struct reader *reader)
{
	reader->line += reader->scan.lines;
	reader->scan = (struct lexer_scan){0};
	reader->tail.len = 0;
	reader->joined = false;
}

/* Reads an entry whose end reader->scan has found. */
static int read_entry(struct reader *reader, const char *text, size_t len,
		      struct change *change)
{
	static const char bom[] = "\xef\xbb\xbf"; /* a byte order mark */
	size_t skip = 0;
	int r;

	if (reader->line == 1 && len >= 3 && memcmp(text, bom, 3) == 0)
		skip = 3;
	r = entry_read(&reader->entries, text + skip, len - skip, reader->line,
		       change, &reader->error);
	if (r == -EINVAL)
		refusal_at_entry(&reader->error, reader->line, text, len);
	if (r < 0)
		return r;
	reader->line += reader->scan.lines;
	reader->scan = (struct lexer_scan){0};
	return 0;
}

/* Reads the entry that the tail begins and @text ends. */
static int read_joined(struct reader *reader, const char *text, size_t len,
		       struct change *change)
{
	int r = buffer_add(&reader->tail, text, len);

	if (r < 0)
		return r;
	return read_entry(reader, (const char *)reader->tail.data,
			  reader->tail.len, change);
}

/* NULL, or what is wrong with an entry of @len octets, whole or not. */
static const char *check_part(const struct lexer_scan *scan, size_t len)
{
	if (scan->nul)
		return "a NUL octet; if the text is UTF-16, as some editors "
		       "save it, make it UTF-8 with iconv -f UTF-16 -t UTF-8";
	if (len <= READER_LINE_SIZE)
		return NULL;
	if (scan->place == LEXER_QUOTES)
		return "longer than 512 KiB: a quote is not closed";
	if (scan->open)
		return "longer than 512 KiB: a \"(\" is not closed";
	return "longer than 512 KiB";
}

/* @before: octets of the entry that are in the tail */
static int refuse_part(struct reader *reader, const char *text, size_t len,
		       size_t before, const char *reason)
{
	if (!before)
		return refuse(reader, text, len, reason);
	/* The start of the entry is enough. It goes into the tail to be whole,
	 * and out of it again when reader_feed() goes back. */
	if (len > REFUSAL_ENTRY_SIZE)
		len = REFUSAL_ENTRY_SIZE;
	if (buffer_add(&reader->tail, text, len) < 0)
		return -ENOMEM;
	reader_refuse_tail(reader, reason);
	return -EINVAL;
}

/* The tail has been taken up: it makes room, and is kept for reader_undo(). */
static void set_tail_aside(struct reader *reader)
{
	struct buffer tail = reader->tail;

	reader->tail = reader->former;
	reader->tail.len = 0;
	reader->former = tail;
}

static int take(struct reader *reader, const char *text, size_t len,
		struct change *change)
{
	size_t before = reader->tail.len, part;
	const char *reason;
	bool joined = false;
	int r;

	for (;;) {
		part = lexer_scan(&reader->scan, text, len);
		assert(part <= len);
		reason = check_part(&reader->scan, before + part);
		if (reason)
			return refuse_part(reader, text, part, before, reason);
		if (!reader->scan.ended)
			break;
		if (before)
			r = read_joined(reader, text, part, change);
		else
			r = read_entry(reader, text, part, change);
		if (r < 0)
			return r;
		joined = true;
		before = 0;
		text += part;
		len -= part;
	}
	r = buffer_reserve(joined ? &reader->former : &reader->tail, len);
	if (r < 0)
		return r;
	/* From here on nothing can fail: there is room for the new tail. */
	if (joined)
		set_tail_aside(reader);
	reader->joined = joined;
	assert(reader->tail.cap - reader->tail.len >= len);
	return buffer_add(&reader->tail, text, len);
}

int reader_feed(struct reader *reader, const char *text, size_t len,
		struct change *change)
{
	struct reader_state before = state_of(reader, change);
	int r = take(reader, text, len, change);

	if (r < 0)
		rewind_to(reader, change, &before);
	else
		reader->undo = before;
	return r;
}

const char *reader_open(const struct reader *reader)
{
	if (reader->scan.place == LEXER_QUOTES)
		return "a quote is not closed";
	return reader->scan.open ? "a \"(\" is not closed" : NULL;
}

int reader_end(struct reader *reader, struct change *change)
{
	struct reader_state before = state_of(reader, change);
	int r;

	if (!reader->tail.len) {
		reader->joined = false;
		reader->undo = before;
		return 0;
	}
	if (reader->scan.open && reader->scan.place != LEXER_QUOTES) {
		reader_refuse_tail(reader, reader_open(reader));
		return -EINVAL;
	}
	/* A newline is thought behind the tail, and counts as one. */
	reader->scan.lines++;
	r = read_entry(reader, (const char *)reader->tail.data,
		       reader->tail.len, change);
	if (r < 0) {
		rewind_to(reader, change, &before);
		return r;
	}
	set_tail_aside(reader);
	reader->joined = true;
	reader->undo = before;
	return 0;
}

void reader_settle(struct reader *reader)
{
	buffer_deinit(&reader->former);
	buffer_deinit(&reader->entries.rdata);
	if (!reader->tail.len)
		buffer_deinit(&reader->tail);
	reader->joined = false;
}

void reader_undo(struct reader *reader)
{
	const struct reader_state *undo = &reader->undo;

	if (reader->joined)
		set_tail_aside(reader);
	reader->tail.len = undo->tail;
	reader->entries.state = undo->state;
	reader->scan = undo->scan;
	reader->line = undo->line;
}
