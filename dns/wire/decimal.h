/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.h - numbers as decimal digits, without the cost of a format
 *
 * Pure functions; any thread may call them.
 */
#ifndef DNS_DECIMAL_H
#define DNS_DECIMAL_H

#include <stdint.h>

#define DECIMAL_SIZE 10 /* digits of the longest */

/** decimal_len() - how many digits decimal_put() writes */
static inline unsigned decimal_len(uint32_t value)
{
	unsigned len = 1;

	for (; value > 9; value /= 10)
		len++;
	return len;
}

/** decimal_put() - write the digits; returns the first position behind them */
static inline char *decimal_put(char *at, uint32_t value)
{
	char digits[DECIMAL_SIZE];
	unsigned len = 0;

	do {
		digits[len++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (len)
		*at++ = digits[--len];
	return at;
}

#endif
