/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h - the escapes of presentation format: \DDD and \X (RFC 1035,
 * section 5.1)
 *
 * Pure functions; any thread may call them.
 */
#ifndef DNS_ESCAPE_H
#define DNS_ESCAPE_H

#include <stdbool.h>

#include "dns/wire/util.h"

static inline bool escape_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/**
 * escape_read() - read one escape
 * @text: @len octets behind the backslash
 * @out:  the octet that it stands for
 *
 * Return: octets taken, or 0: it is cut off, above \255, or a control octet.
 */
static inline size_t escape_read(const char *text, size_t len, uint8_t *out)
{
	int value;

	if (len == 0 || (uint8_t)text[0] < ' ' || text[0] == 0x7f)
		return 0;
	if (!escape_is_digit(text[0])) {
		*out = (uint8_t)text[0];
		return 1;
	}
	if (len < 3 || !escape_is_digit(text[1]) || !escape_is_digit(text[2]))
		return 0;
	value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
	if (value > 255)
		return 0;
	*out = (uint8_t)value;
	return 3;
}

/** escape_put() - write \DDD; returns the first position behind it */
static inline char *escape_put(char *at, uint8_t octet)
{
	*at++ = '\\';
	*at++ = (char)('0' + octet / 100);
	*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

#endif
