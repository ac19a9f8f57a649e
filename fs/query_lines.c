// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dns/text/rr.h"
#include "dns/wire/message.h"
#include "fs/query_lines.h"

/* ---- A line ---- */

/* RFC 3339, section 5.6: what the times of a second begin with. */
static void begin_second(struct query_lines *lines, int64_t second)
{
	time_t seconds = second;
	struct tm tm;

	if (lines->second == second && lines->time[0])
		return;
	lines->second = second;
	gmtime_r(&seconds, &tm);
	strftime(lines->time, sizeof(lines->time), "%Y-%m-%dT%H:%M:%S.", &tm);
}

/* In @digits, or in as many as it takes. Return: its end. */
static char *put_number(char *at, uint64_t number, unsigned digits)
{
	char text[20];
	unsigned len = 0;

	do {
		text[len++] = (char)('0' + number % 10);
		number /= 10;
	} while (number || len < digits);
	while (len)
		*at++ = text[--len];
	*at = 0;
	return at;
}

static char *put_time(struct query_lines *lines, int64_t ns, char *at)
{
	begin_second(lines, ns / 1000000000);
	at = stpcpy(at, lines->time);
	at = put_number(at, (uint64_t)(ns % 1000000000 / 1000), 6);
	return stpcpy(at, "Z ");
}

/* As address_print() does it, without printf(3) for those that are many. */
static char *put_client(const struct address *client, char *at)
{
	if (client->kind != ADDRESS_IPV4)
		return at + address_print(client, at);
	for (size_t i = 0; i < 4; i++) {
		at = put_number(at, client->ip[i], 1);
		*at++ = i < 3 ? '.' : ':';
	}
	return put_number(at, client->port, 1);
}

static char *put_flags(uint8_t flags, char *at)
{
	static const char *const names[] = {
		"aa", "tc", "rd", "edns", "do", "notify", "update",
	};
	const char *between = "";

	if (!flags)
		return stpcpy(at, "-");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		at = stpcpy(stpcpy(at, between), names[i]);
		between = ",";
	}
	return at;
}

static char *put_question(const struct tap_query *query, char *at)
{
	if (!query->has_question)
		return stpcpy(at, "- -");
	name_to_text(&query->name, at);
	at = stpcpy(at + strlen(at), " ");
	return at + rr_type_to_text(query->type, at);
}

static char *put_rcode(const struct tap_query *query, char *at)
{
	const char *rcode = rcode_text(query->rcode);

	if (query->is_pending)
		return stpcpy(at, "-");
	return rcode ? stpcpy(at, rcode)
		     : put_number(stpcpy(at, "RCODE"), query->rcode, 1);
}

/* Tens of thousands in a second: printf(3) would take most of the time. */
size_t query_line_print(struct query_lines *lines,
			const struct tap_query *query,
			char out[QUERY_LINE_SIZE])
{
	char *at = put_time(lines, query->time_ns, out);

	at = put_client(&query->client, at);
	at = stpcpy(at, query->transport == ANSWER_TCP ? " tcp " : " udp ");
	at = stpcpy(put_question(query, at), " ");
	at = stpcpy(put_rcode(query, at), " ");
	at = stpcpy(put_flags(query->flags, at), " ");
	at = query->is_pending ? stpcpy(at, "-")
			       : put_number(at, query->octets, 1);
	at = stpcpy(at, "\n");
	return (size_t)(at - out);
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

/* Of the line at @at, with its newline. */
static size_t len_at(const struct query_lines *lines, uint64_t at)
{
	uint64_t left = lines->end.at - at;
	size_t len = left < QUERY_LINE_SIZE ? (size_t)left : QUERY_LINE_SIZE;
	size_t from = index_of(at), room = QUERY_LINES_MAX - from;
	size_t first = len < room ? len : room;
	const char *end;

	assert(at >= lines->start.at && at < lines->end.at);
	end = memchr(lines->ring + from, '\n', first);
	if (end)
		return (size_t)(end - (lines->ring + from)) + 1;
	end = memchr(lines->ring, '\n', len - first);
	assert(end);
	return first + (size_t)(end - lines->ring) + 1;
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
	size_t len = len_at(lines, at);
	size_t from = index_of(at), room = QUERY_LINES_MAX - from;
	size_t first = len < room ? len : room;

	memcpy(out, lines->ring + from, first);
	memcpy(out + first, lines->ring, len - first);
	return len;
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
