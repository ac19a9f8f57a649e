// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <time.h>

#include "anchors/error_ring.h"

void error_ring_clear(struct error_ring *ring)
{
	for (size_t i = 0; i < ERROR_RING_SIZE; i++)
		free(ring->lines[i]);
	*ring = (struct error_ring){0};
}

/*
 * One line must stay one line, and a terminal that shows it what it was,
 * whatever a client wrote or named a file. @first is the first octet that
 * stays as it is.
 */
static int add_escaped(struct buffer *out, const char *text,
		       unsigned char first)
{
	int r = 0;

	for (; r == 0 && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < first || c > '~')
			r = buffer_printf(out, "\\%03u", c);
		else
			r = buffer_add(out, text, 1);
	}
	return r;
}

static int add_quoted(struct buffer *out, const char *text)
{
	int r = buffer_add(out, ": \"", 3);

	if (r == 0)
		r = add_escaped(out, text, ' ');
	return r < 0 ? r : buffer_add(out, "\"", 1);
}

static int print_line(struct buffer *out, int64_t now, const char *file,
		      uint32_t line, const char *text, const char *reason)
{
	char when[32] = "";
	time_t seconds = (time_t)now;
	struct tm tm;
	int r;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	r = buffer_printf(out, "%s ", when);
	if (r == 0)
		r = add_escaped(out, file, '!');
	if (r == 0 && line)
		r = buffer_printf(out, " line %u", line);
	if (r == 0 && text && *text)
		r = add_quoted(out, text);
	/* Its NUL goes with it, since the ring holds strings. */
	if (r == 0)
		r = buffer_add_text(out, ": ");
	if (r == 0)
		r = add_escaped(out, reason, ' ');
	return r < 0 ? r : buffer_printf(out, "\n%c", 0);
}

void error_ring_add(struct error_ring *ring, int64_t now, const char *file,
		    uint32_t line, const char *text, const char *reason)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};
	char **slot = &ring->lines[ring->next];

	assert(ring->next < ERROR_RING_SIZE);
	if (print_line(&out, now, file, line, text, reason) < 0)
		return;
	/* It is one line, and a string: whatever was in it is escaped. */
	assert(out.len >= 2 && strlen((char *)out.data) == out.len - 1);
	assert(strchr((char *)out.data, '\n') ==
	       (char *)out.data + out.len - 2);
	free(*slot);
	*slot = (char *)steal(&out.data);
	ring->next = (ring->next + 1) % ERROR_RING_SIZE;
}

int error_ring_print(const struct error_ring *ring, struct buffer *out)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ERROR_RING_SIZE; i++) {
		unsigned at = (ring->next + i) % ERROR_RING_SIZE;

		if (ring->lines[at])
			r = buffer_add_text(out, ring->lines[at]);
	}
	return r;
}

size_t error_ring_len(const struct error_ring *ring)
{
	size_t len = 0;

	for (size_t i = 0; i < ERROR_RING_SIZE; i++)
		len += ring->lines[i] ? strlen(ring->lines[i]) : 0;
	return len;
}
