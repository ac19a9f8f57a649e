/* SPDX-License-Identifier: Apache-2.0 */
/*
 * period.h - times in seconds, as master files write them
 *
 * Digits, or digits and units: 3600, 1h, 1h30m, 1w2d. Not in RFC 1035; BIND
 * has had it for so long that files count on it.
 *
 * Pure functions: any thread may call them.
 */
#ifndef DNS_PERIOD_H
#define DNS_PERIOD_H

#include <stddef.h>
#include <stdint.h>

/**
 * period_from_text() - seconds
 * Return: 0; -EINVAL: no period; -ERANGE: above 2^32-1.
 */
int period_from_text(const char *text, size_t len, uint32_t *out);

#endif
