// SPDX-License-Identifier: Apache-2.0
/*
 * field_plain.c - numbers, times, names and addresses
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "dns/text/field_kinds.h"
#include "dns/text/period.h"
#include "dns/text/rr.h"
#include "dns/wire/decimal.h"
#include "dns/wire/escape.h"

int fixed_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)wire;
	return len >= kind_octets(kind) ? kind_octets(kind) : -EINVAL;
}

/* All that is left, which cannot be nothing: that would have no token. */
int rest_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind, (void)wire;
	return len > 0 ? (int)len : -EINVAL;
}

int prefixed_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind;
	return len > 0 && len > wire[0] ? 1 + wire[0] : -EINVAL;
}

/* --- numbers --- */

int add_number(struct buffer *out, uint32_t value, uint8_t octets)
{
	uint8_t wire[4];

	assert(octets <= sizeof(wire));
	put_u32(wire, value);
	return buffer_add(out, wire + 4 - octets, octets);
}

int number_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	uint32_t max = UINT32_MAX >> (32 - 8 * kind_octets(kind)), value;
	struct lexer_token token;

	if (!field_next(in, &token) || !token_number(token, max, &value))
		return field_refuse(in, kind->what);
	return add_number(out, value, kind_octets(kind));
}

int number_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	uint32_t value = 0;
	char text[DECIMAL_SIZE];
	size_t i;

	(void)kind;
	for (i = 0; i < len; i++)
		value = value << 8 | wire[i];
	return buffer_add(out, text, (size_t)(decimal_put(text, value) - text));
}

/* 64 bits. */
int long_number_read(const struct kind *kind, struct field_text *in,
		     struct buffer *out)
{
	struct lexer_token token;
	uint64_t value = 0;
	uint8_t wire[8];

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	for (size_t i = 0; i < token.len; i++) {
		if (!escape_is_digit(token.text[i]) ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, token.text[i] - '0', &value))
			return field_refuse(in, kind->what);
	}
	put_u32(wire, (uint32_t)(value >> 32));
	put_u32(wire + 4, (uint32_t)value);
	return buffer_add(out, wire, sizeof(wire));
}

int long_number_print(const struct kind *kind, const uint8_t *wire, size_t len,
		      struct buffer *out)
{
	(void)kind, (void)len;
	return buffer_printf(out, "%llu",
			     (unsigned long long)get_u32(wire) << 32 |
				     get_u32(wire + 4));
}

/* RFC 9859, section 2: of the numbers of schemes, one has a name. */
#define SCHEME_NOTIFY 1

int scheme_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	struct lexer_token token;
	uint32_t value;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	if (token.len == 6 && strncasecmp(token.text, "NOTIFY", 6) == 0)
		value = SCHEME_NOTIFY;
	else if (!token_number(token, UINT8_MAX, &value))
		return field_refuse(in, kind->what);
	return add_number(out, value, 1);
}

int scheme_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	return *wire == SCHEME_NOTIFY ? buffer_add_text(out, "NOTIFY")
				      : number_print(kind, wire, len, out);
}

int period_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	struct lexer_token token;
	uint32_t value;
	int r;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	r = period_from_text(token.text, token.len, &value);
	if (r == -ERANGE)
		return field_refuse(in, "a time is above 4294967295 seconds");
	if (r < 0)
		return field_refuse(in, kind->what);
	return add_number(out, value, kind_octets(kind));
}

int type_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	struct lexer_token token;
	uint16_t type;

	if (!field_next(in, &token) ||
	    rr_type_from_text(token.text, token.len, &type) < 0)
		return field_refuse(in, kind->what);
	return add_number(out, type, kind_octets(kind));
}

int type_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
{
	char text[16];

	(void)kind, (void)len;
	return buffer_add(out, text, rr_type_to_text(get_u16(wire), text));
}

/* @len digits of a token, at *@at; steps over them. */
static bool take_digits(struct lexer_token token, size_t *at, size_t len,
			int *out)
{
	struct lexer_token part = {token.text + *at, len};
	uint32_t value;

	if (!token_number(part, 9999, &value))
		return false;
	*at += len;
	*out = (int)value;
	return true;
}

/* RFC 4034, section 3.2: YYYYMMDDHHMMSS in UTC, or seconds since 1970. */
static bool read_calendar(struct lexer_token token, uint32_t *out)
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

int time_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	struct lexer_token token;
	uint32_t value;
	bool good;

	if (!field_next(in, &token))
		return field_refuse(in, kind->what);
	good = token.len == 14 ? read_calendar(token, &value)
			       : token_number(token, UINT32_MAX, &value);
	if (!good)
		return field_refuse(in, kind->what);
	return add_number(out, value, kind_octets(kind));
}

int time_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
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

int name_read(const struct kind *kind, struct field_text *in,
	      struct buffer *out)
{
	struct lexer_token token;
	struct name name;

	(void)kind;
	if (!field_next(in, &token))
		return field_refuse(in, "a name is missing");
	if (name_from_text(token.text, token.len, in->origin, &name,
			   in->lexer->why) < 0)
		return -EINVAL;
	return buffer_add(out, name.wire, name.len);
}

int name_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	struct name name;

	(void)kind;
	return name_from_wire(wire, len, &name);
}

int name_print(const struct kind *kind, const uint8_t *wire, size_t len,
	       struct buffer *out)
{
	char text[NAME_TEXT_SIZE];
	struct name name;
	int r;

	(void)kind;
	r = name_from_wire(wire, len, &name);
	assert(r == (int)len);
	return buffer_add(out, text, name_to_text(&name, text));
}

int address_read(const struct kind *kind, struct field_text *in,
		 struct buffer *out)
{
	int family = kind_octets(kind) == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];
	struct lexer_token token;
	uint8_t wire[16];

	if (!field_next(in, &token) || !token_copy(token, text, sizeof(text)) ||
	    inet_pton(family, text, wire) != 1)
		return field_refuse(in, kind->what);
	return buffer_add(out, wire, kind_octets(kind));
}

int address_print_field(const struct kind *kind, const uint8_t *wire,
			size_t len, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN], *at = text;
	size_t i;

	if (kind_octets(kind) == 16) {
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
