// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dns/text/rr.h"
#include "dns/wire/rcode.h"
#include "fs/query_lines.h"

/* ---- A line ---- */

/* RFC 3339, section 5.6, in microseconds. */
static void print_time(int64_t ns, char *out, size_t size)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, size - len, ".%06dZ",
		 (int)(ns % 1000000000 / 1000));
}

static void print_flags(uint8_t flags, char out[32])
{
	static const char *const names[] = {"aa", "tc", "rd", "edns", "do"};

	out[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		if (out[0])
			strcat(out, ",");
		strcat(out, names[i]);
	}
	if (!out[0])
		strcpy(out, "-");
}

size_t query_line_print(const struct tap_query *query,
			char out[QUERY_LINE_SIZE])
{
	char time[40], client[ADDRESS_TEXT_SIZE], name[NAME_TEXT_SIZE] = "-";
	char type[16] = "-", number[16], flags[32];
	const char *rcode = rcode_text(query->rcode);

	print_time(query->time_ns, time, sizeof(time));
	address_print(&query->client, client);
	if (query->has_question) {
		name_to_text(&query->name, name);
		rr_type_to_text(query->type, type);
	}
	print_flags(query->flags, flags);
	snprintf(number, sizeof(number), "RCODE%u", query->rcode);
	return (size_t)snprintf(
		out, QUERY_LINE_SIZE, "%s %s %s %s %s %s %s %u\n", time, client,
		query->transport == ANSWER_TCP ? "tcp" : "udp", name, type,
		rcode ? rcode : number, flags, query->octets);
}

#define LOST_LINE "# %llu lines lost\n"

size_t query_line_print_lost(uint64_t lost, char out[QUERY_LINE_SIZE])
{
	return (size_t)snprintf(out, QUERY_LINE_SIZE, LOST_LINE,
				(unsigned long long)lost);
}

/* A line is of one query, or tells how many were lost. */
static uint64_t queries_of(const char *line)
{
	return *line == '#' ? strtoull(line + 2, NULL, 10) : 1;
}

void query_place_pass(struct query_place *place, const char *line, size_t len)
{
	place->at += len;
	place->queries += queries_of(line);
}

/* ---- The ring ---- */

int query_lines_init(struct query_lines *lines)
{
	*lines = (struct query_lines){.ring = malloc(QUERY_LINES_MAX)};
	return lines->ring ? 0 : -ENOMEM;
}

void query_lines_deinit(struct query_lines *lines)
{
	free(lines->ring);
	lines->ring = NULL;
}

static size_t index_of(uint64_t at)
{
	return (size_t)(at % QUERY_LINES_MAX);
}

static void put(struct query_lines *lines, const char *text, size_t len)
{
	size_t from = index_of(lines->end.at), room = QUERY_LINES_MAX - from;
	size_t first = len < room ? len : room;

	memcpy(lines->ring + from, text, first);
	memcpy(lines->ring, text + first, len - first);
}

size_t query_lines_get(const struct query_lines *lines, uint64_t at,
		       char out[QUERY_LINE_SIZE])
{
	uint64_t left = lines->end.at - at;
	size_t len = left < QUERY_LINE_SIZE ? (size_t)left : QUERY_LINE_SIZE;
	size_t from = index_of(at), room = QUERY_LINES_MAX - from;
	size_t first = len < room ? len : room;
	const char *end;

	assert(at >= lines->start.at && at < lines->end.at);
	memcpy(out, lines->ring + from, first);
	memcpy(out + first, lines->ring, len - first);
	end = memchr(out, '\n', len);
	assert(end);
	return (size_t)(end - out) + 1;
}

void query_lines_add(struct query_lines *lines, const char *line, size_t len)
{
	char old[QUERY_LINE_SIZE];

	assert(len > 0 && len < QUERY_LINE_SIZE && line[len - 1] == '\n');
	while (lines->end.at - lines->start.at + len > QUERY_LINES_MAX)
		query_place_pass(&lines->start, old,
				 query_lines_get(lines, lines->start.at, old));
	put(lines, line, len);
	query_place_pass(&lines->end, line, len);
}
