// SPDX-License-Identifier: Apache-2.0
/*
 * serial.c - serial numbers of zones: RFC 1982
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "dns/store/serial.h"

#define SECOND_NS 1000000000

static const char *const policies[] = {
	[SERIAL_AUTO] = "auto",		[SERIAL_INCREMENT] = "increment",
	[SERIAL_UNIXTIME] = "unixtime", [SERIAL_DATE] = "date",
	[SERIAL_KEEP] = "keep",
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

int serial_policy_from_text(const char *text, size_t len,
			    enum serial_policy *out)
{
	for (size_t i = 0; i < POLICIES; i++) {
		if (strlen(policies[i]) != len ||
		    memcmp(policies[i], text, len))
			continue;
		*out = (enum serial_policy)i;
		return 0;
	}
	return -EINVAL;
}

const char *serial_policy_to_text(enum serial_policy policy)
{
	/* The number comes from the store: what is none counts as the first. */
	return policies[policy < POLICIES ? policy : SERIAL_AUTO];
}

bool serial_is_ahead(uint32_t a, uint32_t b)
{
	uint32_t ahead = a - b;

	/* At half the circle neither is: RFC 1982, section 3.2. */
	return ahead && ahead < UINT32_C(0x80000000);
}

/* The first number of the day, YYYYMMDD00; 0: it has none. */
static uint32_t of_day(int64_t now_ns)
{
	time_t now = (time_t)(now_ns / SECOND_NS);
	struct tm day;

	if (!gmtime_r(&now, &day))
		return 0;
	return (uint32_t)((day.tm_year + 1900) * 1000000 +
			  (day.tm_mon + 1) * 10000 + day.tm_mday * 100);
}

uint32_t serial_next(enum serial_policy policy, uint32_t last, int64_t now_ns)
{
	uint32_t wanted = last;

	if (policy == SERIAL_UNIXTIME)
		wanted = (uint32_t)(now_ns / SECOND_NS);
	else if (policy == SERIAL_DATE)
		wanted = of_day(now_ns);
	if (wanted && serial_is_ahead(wanted, last))
		return wanted;
	return last + 1 ? last + 1 : 1;
}
