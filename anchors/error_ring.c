// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "anchors/error_ring.h"

void error_ring_clear(struct error_ring *ring)
{
	for (size_t i = 0; i < ERROR_RING_SIZE; i++)
		free(ring->lines[i]);
	*ring = (struct error_ring){0};
}

/* One line must stay one line, whatever a client wrote. */
static int add_quoted(struct buffer *out, const char *text)
{
	int r = buffer_add(out, ": \"", 3);

	for (; r == 0 && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			r = buffer_printf(out, "\\%03u", c);
		else
			r = buffer_add(out, text, 1);
	}
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
	r = buffer_printf(out, "%s %s", when, file);
	if (r == 0 && line)
		r = buffer_printf(out, " line %u", line);
	if (r == 0 && text && *text)
		r = add_quoted(out, text);
	/* With its NUL: the ring holds strings. */
	return r < 0 ? r : buffer_printf(out, ": %s\n%c", reason, 0);
}

void error_ring_add(struct error_ring *ring, int64_t now, const char *file,
		    uint32_t line, const char *text, const char *reason)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};
	char **slot = &ring->lines[ring->next];

	if (print_line(&out, now, file, line, text, reason) < 0)
		return;
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
