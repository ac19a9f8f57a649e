/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_ring.h - the last failures of an anchor, for its `error` file
 *
 * An errno cannot say which of a thousand lines was wrong. The ring keeps the
 * last ERROR_RING_SIZE failures as text, one line each, oldest first:
 *
 *   2026-11-22T20:30:00Z records line 3: "x. A 999": not an IPv4 address
 *
 * Threading: the main loop only. A ring takes memory from its first failure
 * on; when there is none to be had, the failure is not kept.
 */
#ifndef ANCHORS_ERROR_RING_H
#define ANCHORS_ERROR_RING_H

#include "dns/wire/buffer.h"

#define ERROR_RING_SIZE 8

struct error_ring {
	char *lines[ERROR_RING_SIZE]; /* with their newline; NULL: none */
	unsigned next;		      /* where the next one goes */
};

/** error_ring_clear() - forget and free all; the ring is usable again */
void error_ring_clear(struct error_ring *ring);

/**
 * error_ring_add() - keep a failure; the oldest makes room
 * @now:  seconds since 1970
 * @file: what the failing call was made on: "records", "names/x."
 * @line: of the text that was written, 1 the first; 0: no line
 * @text: what was wrong, or NULL; in quotes
 * @reason: a sentence for a person
 *
 * Whatever is no printable ASCII in any of them is kept as \DDD, and so is a
 * space in @file: clients name files, and a reason may repeat what they wrote.
 */
void error_ring_add(struct error_ring *ring, int64_t now, const char *file,
		    uint32_t line, const char *text, const char *reason);

/** error_ring_print() - append all lines, oldest first: 0, -ENOMEM */
int error_ring_print(const struct error_ring *ring, struct buffer *out);

/** error_ring_len() - octets that error_ring_print() would append */
size_t error_ring_len(const struct error_ring *ring);

#endif
