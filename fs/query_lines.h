/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query_lines.h - the last lines of a log, in a ring
 *
 * Places are counted in octets since the ring began, and a place is always the
 * start of a line. A new line takes the place of the oldest ones.
 *
 * Threading: the main loop.
 */
#ifndef FS_QUERY_LINES_H
#define FS_QUERY_LINES_H

#include "dns/serve/tap.h"
#include "dns/wire/name.h"

#define QUERY_LINE_SIZE (NAME_TEXT_SIZE + 256) /* octets, with a NUL */
#define QUERY_LINES_MAX (256 * 1024)	       /* octets of a ring */

/* Where a line is: octets of all lines before it, and queries that they are. */
struct query_place {
	uint64_t at;
	uint64_t queries;
};

struct query_lines {
	struct query_place start, end; /* of what is in the ring */
	char *ring;		       /* owned */
	int64_t second; /* since 1970, that the last line was of */
	char time[32];	/* its text, as lines begin with it */
};

/** query_lines_init() - an empty one: 0, -ENOMEM */
int query_lines_init(struct query_lines *lines);
void query_lines_deinit(struct query_lines *lines);

/** query_lines_add() - a line, with its newline; the oldest make room */
void query_lines_add(struct query_lines *lines, const char *line, size_t len);

/**
 * query_lines_get() - the line that begins at @at, which is in the ring
 * Return: octets of it, with its newline.
 */
size_t query_lines_get(const struct query_lines *lines, uint64_t at,
		       char out[QUERY_LINE_SIZE]);

/** query_place_pass() - from the start of a line to that of the next */
void query_place_pass(struct query_place *place, const char *line, size_t len);

/** query_line_print() - of a query, to be added; octets, with its newline */
size_t query_line_print(struct query_lines *lines,
			const struct tap_query *query,
			char out[QUERY_LINE_SIZE]);

/** query_line_print_lost() - that tells of @lost queries */
size_t query_line_print_lost(uint64_t lost, char out[QUERY_LINE_SIZE]);

#endif
