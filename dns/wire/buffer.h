/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer.h - octets that grow
 *
 * A buffer starts as all zeroes and owns its memory until buffer_deinit().
 * Not locked: it belongs to whoever holds it.
 *
 * Every function that adds returns 0, or -ENOMEM with the buffer as it was.
 */
#ifndef DNS_BUFFER_H
#define DNS_BUFFER_H

#include "dns/wire/util.h"

struct buffer {
	uint8_t *data;
	size_t len; /* octets in use */
	size_t cap; /* octets allocated */
};

/** buffer_deinit() - free the memory; the buffer is empty and usable again */
void buffer_deinit(struct buffer *buffer);

/** buffer_reserve() - make room for @more octets behind the ones in use */
int buffer_reserve(struct buffer *buffer, size_t more);

/** buffer_add() - append @len octets of @data */
int buffer_add(struct buffer *buffer, const void *data, size_t len);

/** buffer_add_text() - append a string, without its terminator */
int buffer_add_text(struct buffer *buffer, const char *text);

/** buffer_printf() - append formatted text, without a terminator */
int buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF(2, 3);

#endif
