// SPDX-License-Identifier: Apache-2.0
/*
 * field_loc.c - locations (RFC 1876)
 *
 * ldns prints them, but reads "4 E" behind "52 22 23 N" as 4 degrees, 22
 * minutes and 23 seconds, takes 91 degrees, and anything for a size.
 */
#include <errno.h>

#include "dns/text/field_kinds.h"

#define EQUATOR	      0x80000000u
#define ALTITUDE_BASE 10000000 /* cm below the reference: section 2 */

/* Digits with up to @places behind a dot, in units of the last place. */
static bool read_decimal(const char *text, size_t len, unsigned places,
			 uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	bool dot = false, digit = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '.' && !dot) {
			dot = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || (dot && places == 0))
			return false;
		digit = true;
		places -= dot;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > max)
			return false;
	}
	while (places--)
		value *= 10;
	*out = value;
	return digit && value <= max;
}

/* DEGREES [MINUTES [SECONDS]] N|S or E|W, in 1/1000 seconds of arc. */
static bool read_arc(struct field_text *in, unsigned degrees,
		     const char *directions, uint32_t *out)
{
	uint64_t parts[3] = {0}, most[] = {degrees, 59, 59999}, sum;
	struct lexer_token token;
	int i;

	for (i = 0; field_next(in, &token); i++) {
		if (i > 0 && token.len == 1 &&
		    strchr(directions, token.text[0] & ~0x20)) {
			sum = (parts[0] * 60 + parts[1]) * 60000 + parts[2];
			if (sum > degrees * UINT64_C(3600000))
				return false;
			*out = (token.text[0] & ~0x20) == directions[0]
				       ? EQUATOR + (uint32_t)sum
				       : EQUATOR - (uint32_t)sum;
			return true;
		}
		if (i == 3 || !read_decimal(token.text, token.len,
					    i == 2 ? 3 : 0, most[i], &parts[i]))
			return false;
	}
	return false;
}

/* Metres with up to two decimals and perhaps an m, in cm. */
static bool read_metres(struct lexer_token token, uint64_t max, uint64_t *out)
{
	if (token.len > 1 && (token.text[token.len - 1] | 0x20) == 'm')
		token.len--;
	return read_decimal(token.text, token.len, 2, max, out);
}

static bool read_altitude(struct field_text *in, uint32_t *out)
{
	struct lexer_token token;
	bool below;
	uint64_t cm;

	if (!field_next(in, &token))
		return false;
	below = token.text[0] == '-';
	token.text += below;
	token.len -= below;
	if (!read_metres(token,
			 below ? ALTITUDE_BASE : UINT32_MAX - ALTITUDE_BASE,
			 &cm))
		return false;
	*out = (uint32_t)(below ? ALTITUDE_BASE - cm : ALTITUDE_BASE + cm);
	return true;
}

/* Size and precisions: a digit times a power of ten, section 2; rounded down */
static bool read_precision(struct field_text *in, uint8_t *out)
{
	struct lexer_token token;
	uint8_t power = 0;
	uint64_t cm;

	if (!field_next(in, &token))
		return true;
	if (!read_metres(token, 9000000000, &cm))
		return false;
	for (; cm > 9; cm /= 10)
		power++;
	*out = (uint8_t)(cm << 4 | power);
	return true;
}

int loc_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	/* Section 3: 1 m, 10,000 m and 10 m where nothing is said. */
	uint8_t wire[16] = {0, 0x12, 0x16, 0x13};
	uint32_t latitude, longitude, altitude;

	if (!read_arc(in, 90, "NS", &latitude) ||
	    !read_arc(in, 180, "EW", &longitude) ||
	    !read_altitude(in, &altitude) || !read_precision(in, &wire[1]) ||
	    !read_precision(in, &wire[2]) || !read_precision(in, &wire[3]))
		return field_refuse(in, kind->what);
	put_u32(wire + 4, latitude);
	put_u32(wire + 8, longitude);
	put_u32(wire + 12, altitude);
	return buffer_add(out, wire, sizeof(wire));
}

/* Only version 0, digits below 10 and places on the globe have a text. */
int loc_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	uint32_t latitude, longitude;
	int i;

	(void)kind;
	if (len < 16 || wire[0] != 0)
		return -EINVAL;
	for (i = 1; i <= 3; i++)
		if (wire[i] >> 4 > 9 || (wire[i] & 15) > 9)
			return -EINVAL;
	latitude = get_u32(wire + 4) - EQUATOR + 90 * 3600000;
	longitude = get_u32(wire + 8) - EQUATOR + 180 * 3600000;
	if (latitude > 180 * 3600000 || longitude > 360u * 3600000)
		return -EINVAL;
	return 16;
}
