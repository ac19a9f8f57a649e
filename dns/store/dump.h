/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - the text of a table, of a zone or of one owner, at any offset
 *
 * It may be gigabytes, so none of it is kept: a dump is a place in a snapshot,
 * and each read prints what it was asked for, from the record on that the
 * last one ended in. How long all of it is, is known from the start. What is
 * stepped over is counted, by the sizes that are kept with the records, and is
 * not printed; only within one RRset there are no sizes to go by. Marks
 * (marks.h) make the way short where one was gone before.
 *
 * A read may take its time in slices.
 *
 * Threading: as the snapshot.
 */
#ifndef DNS_DUMP_H
#define DNS_DUMP_H

#include "dns/store/zone.h"
#include "dns/text/scope.h"

struct dump;

/* JSON instead of lines: all owners, with commas between them. */
struct dump_frame {
	const char *head, *tail; /* before the first and behind the last one */
};

/**
 * dump_new() - stand at the start
 * @snapshot: begun; borrowed, and used for nothing else
 * @scope:    whose lines; NULL: those of all. A zone's begin with $ORIGIN, and
 *            that is all where there is no such zone
 * @frame:    of all; copied; or NULL: lines
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int dump_new(struct dump **out, struct snapshot *snapshot, uint32_t table,
	     const struct scope *scope, const struct dump_frame *frame);
struct dump *dump_free(struct dump *dump); /* NULL is fine */

/** dump_size() - octets of all of it */
uint64_t dump_size(const struct dump *dump);

/** dump_frame_size() - of a table with these counts, in @frame */
uint64_t dump_frame_size(const struct table_counts *counts,
			 const struct dump_frame *frame);

/** dump_zone_size() - of a zone with these counts; NULL: there is none */
uint64_t dump_zone_size(const struct name *apex,
			const struct zone_counts *counts);

/* One read, on its way. */
struct dump_read {
	uint64_t offset;
	size_t size;	     /* octets at most */
	struct buffer *text; /* borrowed; empty at first: room to print in */
	uint64_t text_at;    /* offset of what is in there */

	const uint8_t *data; /* at the end: in text, and */
	size_t len;	     /* how many; 0: at or behind the end */
};

/**
 * dump_read() - go on with a read until it is done, or time is up
 * @until_ns: by uv_hrtime()
 *
 * Of several reads one must be done before the next one begins. While @text is
 * empty it may be used for something else.
 *
 * Return: 0: done; -EAGAIN: time is up; -ENOMEM, -EIO: it is off.
 */
int dump_read(struct dump *dump, struct dump_read *read, uint64_t until_ns);

#endif
