// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/text/period.h"
#include "dns/wire/escape.h"

static uint32_t unit_seconds(char unit)
{
	switch (unit | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

/*
 * Steps over digits; false: there is none. A number that 32 bits do not hold
 * stays at 2^32, however long it is.
 */
static bool take_number(const char *text, size_t len, size_t *at, uint64_t *out)
{
	size_t start = *at;

	*out = 0;
	for (; *at < len && escape_is_digit(text[*at]); ++*at) {
		*out = *out * 10 + (uint64_t)(text[*at] - '0');
		if (*out > UINT32_MAX)
			*out = UINT64_C(1) << 32;
	}
	return *at > start;
}

/* A text that is no period is refused for that, even if its sum is too big. */
int period_from_text(const char *text, size_t len, uint32_t *out)
{
	uint64_t sum = 0, number;
	size_t at = 0;
	uint32_t unit;

	if (len == 0)
		return -EINVAL;
	while (at < len) {
		if (!take_number(text, len, &at, &number))
			return -EINVAL;
		unit = at < len ? unit_seconds(text[at++]) : 1;
		if (!unit)
			return -EINVAL;
		sum += number * unit;
		if (sum > UINT32_MAX)
			sum = UINT64_C(1) << 32;
	}
	if (sum > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)sum;
	return 0;
}
