// SPDX-License-Identifier: Apache-2.0
/*
 * field_plain.c - numbers, times, names and addresses
 */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "dns/text/field_kinds.h"
#include "dns/text/rr.h"
#include "dns/wire/decimal.h"
#include "dns/wire/escape.h"

KIND_SIZE(fixed_size)
{
	(void)wire;
	return len >= kind->octets ? kind->octets : -EINVAL;
}

/* All that is left, and something must be: a missing token has no text. */
KIND_SIZE(rest_size)
{
	(void)kind, (void)wire;
	return len > 0 ? (int)len : -EINVAL;
}

KIND_SIZE(prefixed_size)
{
	(void)kind;
	return len > 0 && len > wire[0] ? 1 + wire[0] : -EINVAL;
}

/* --- numbers --- */

static int add_number(struct buffer *out, uint32_t value, uint8_t octets)
{
	uint8_t wire[4];

	put_u32(wire, value);
	return buffer_add(out, wire + 4 - octets, octets);
}

KIND_READ(number_read)
{
	uint32_t max = UINT32_MAX >> (32 - 8 * kind->octets), value;
	struct field_token token;

	if (!field_next(in, &token) || !token_number(token, max, &value))
		return refuse(in, kind->what);
	return add_number(out, value, kind->octets);
}

KIND_PRINT(number_print)
{
	uint32_t value = 0;
	char text[DECIMAL_SIZE];
	size_t i;

	(void)kind;
	for (i = 0; i < len; i++)
		value = value << 8 | wire[i];
	return buffer_add(out, text, (size_t)(decimal_put(text, value) - text));
}

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

/* Steps over digits; false if there is none. Sticks above what 32 bits hold. */
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

/* Reads on when the sum is too big: what is no period is that above all. */
int field_period(const char *text, size_t len, uint32_t *out)
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

KIND_READ(period_read)
{
	struct field_token token;
	uint32_t value;
	int r;

	if (!field_next(in, &token))
		return refuse(in, kind->what);
	r = field_period(token.text, token.len, &value);
	if (r == -ERANGE)
		return refuse(in, "a time is above 4294967295 seconds");
	if (r < 0)
		return refuse(in, kind->what);
	return add_number(out, value, kind->octets);
}

KIND_READ(type_read)
{
	struct field_token token;
	uint16_t type;

	if (!field_next(in, &token) ||
	    rr_type_from_text(token.text, token.len, &type) < 0)
		return refuse(in, kind->what);
	return add_number(out, type, kind->octets);
}

KIND_PRINT(type_print)
{
	char text[16];

	(void)kind, (void)len;
	return buffer_add(out, text, rr_type_to_text(get_u16(wire), text));
}

/* @len digits of a token, at *@at; steps over them. */
static bool take_digits(struct field_token token, size_t *at, size_t len,
			int *out)
{
	struct field_token part = {token.text + *at, len};
	uint32_t value;

	if (!token_number(part, 9999, &value))
		return false;
	*at += len;
	*out = (int)value;
	return true;
}

/* RFC 4034, section 3.2: YYYYMMDDHHMMSS in UTC, or seconds since 1970. */
static bool read_calendar(struct field_token token, uint32_t *out)
{
	struct tm tm, back;
	time_t time;
	size_t at = 0;

	memset(&tm, 0, sizeof(tm));
	if (!take_digits(token, &at, 4, &tm.tm_year) ||
	    !take_digits(token, &at, 2, &tm.tm_mon) ||
	    !take_digits(token, &at, 2, &tm.tm_mday) ||
	    !take_digits(token, &at, 2, &tm.tm_hour) ||
	    !take_digits(token, &at, 2, &tm.tm_min) ||
	    !take_digits(token, &at, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	back = tm;
	time = timegm(&back);
	/* timegm() moves the 31st of February to March: no such day. */
	if (time < 0 || time > UINT32_MAX || back.tm_mon != tm.tm_mon ||
	    back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return false;
	*out = (uint32_t)time;
	return true;
}

KIND_READ(time_read)
{
	struct field_token token;
	uint32_t value;
	bool good;

	if (!field_next(in, &token))
		return refuse(in, kind->what);
	good = token.len == 14 ? read_calendar(token, &value)
			       : token_number(token, UINT32_MAX, &value);
	if (!good)
		return refuse(in, kind->what);
	return add_number(out, value, kind->octets);
}

KIND_PRINT(time_print)
{
	time_t time = get_u32(wire);
	char text[16];
	struct tm tm;

	(void)kind, (void)len;
	gmtime_r(&time, &tm);
	return buffer_add(out, text,
			  strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm));
}

/* --- names and addresses --- */

KIND_READ(name_read)
{
	struct field_token token;
	struct name name;

	(void)kind;
	if (!field_next(in, &token))
		return refuse(in, "a name is missing");
	if (name_from_text(token.text, token.len, in->origin, &name, &in->why) <
	    0)
		return -EINVAL;
	return buffer_add(out, name.wire, name.len);
}

KIND_SIZE(name_size)
{
	struct name name;

	(void)kind;
	return name_from_wire(wire, len, &name);
}

KIND_PRINT(name_print)
{
	char text[NAME_TEXT_SIZE];
	struct name name;

	(void)kind;
	name_from_wire(wire, len, &name);
	return buffer_add(out, text, name_to_text(&name, text));
}

KIND_READ(address_read)
{
	int family = kind->octets == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];
	struct field_token token;
	uint8_t wire[16];

	if (!field_next(in, &token) || !token_copy(token, text, sizeof(text)) ||
	    inet_pton(family, text, wire) != 1)
		return refuse(in, kind->what);
	return buffer_add(out, wire, kind->octets);
}

KIND_PRINT(address_print_field)
{
	char text[INET6_ADDRSTRLEN], *at = text;
	size_t i;

	if (kind->octets == 16) {
		inet_ntop(AF_INET6, wire, text, sizeof(text));
		return buffer_add(out, text, strlen(text));
	}
	for (i = 0; i < len; i++) {
		if (i)
			*at++ = '.';
		at = decimal_put(at, wire[i]);
	}
	return buffer_add(out, text, (size_t)(at - text));
}
