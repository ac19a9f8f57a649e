// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include <sodium.h>

#include "dns/text/base.h"

/* --- base 16 --- */

bool base16_are_digits(const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t i;

	for (i = 0; i < len; i++)
		if (!memchr(digits, text[i], sizeof(digits) - 1))
			return false;
	return true;
}

int base16_decode(const char *text, size_t len, struct buffer *out)
{
	size_t octets;

	if (buffer_reserve(out, len / 2) < 0)
		return -ENOMEM;
	if (len == 0)
		return 0;
	if (sodium_hex2bin(out->data + out->len, len / 2, text, len, NULL,
			   &octets, NULL) < 0)
		return -EINVAL;
	out->len += octets;
	return 0;
}

int base16_encode(const uint8_t *octets, size_t len, struct buffer *out)
{
	/* One more: libsodium ends its text with a NUL. */
	if (buffer_reserve(out, 2 * len + 1) < 0)
		return -ENOMEM;
	sodium_bin2hex((char *)out->data + out->len, 2 * len + 1, octets, len);
	out->len += 2 * len;
	return 0;
}

/* --- base 32 --- */

static int base32_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

size_t base32_decode(const char *text, size_t len, uint8_t out[BASE32_SIZE])
{
	uint32_t bits = 0;
	unsigned count = 0; /* of bits that are no octet yet */
	size_t i, octets = 0;
	int value;

	if (len > (BASE32_SIZE * 8 + 4) / 5)
		return 0;
	for (i = 0; i < len; i++) {
		value = base32_value(text[i]);
		if (value < 0)
			return 0;
		bits = bits << 5 | (uint32_t)value;
		count += 5;
		if (count < 8)
			continue;
		count -= 8;
		out[octets++] = (uint8_t)(bits >> count);
		bits &= (1u << count) - 1;
	}
	/* A digit that adds no octet, or bits that no octet takes. */
	return count >= 5 || bits ? 0 : octets;
}

int base32_encode(const uint8_t *octets, size_t len, struct buffer *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint32_t bits = 0;
	unsigned count = 0;
	size_t i;

	if (buffer_reserve(out, (8 * len + 4) / 5) < 0)
		return -ENOMEM;
	for (i = 0; i < len; i++) {
		bits = bits << 8 | octets[i];
		for (count += 8; count >= 5; count -= 5)
			out->data[out->len++] =
				(uint8_t)digits[bits >> (count - 5) & 31];
		bits &= 0x1f;
	}
	if (count)
		out->data[out->len++] =
			(uint8_t)digits[bits << (5 - count) & 31];
	return 0;
}

/* --- base 64 --- */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four digits to three octets, fewer where the last ones are padding: or -1. */
static int decode_group(const char *text, uint8_t out[3])
{
	int octets = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
	uint32_t bits = 0;
	int i, value;

	for (i = 0; i < 4; i++) {
		value = i <= octets ? base64_value(text[i]) : 0;
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
	}
	for (i = 0; i < 3; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	/* Section 3.5: bits that no octet takes are zero. */
	return octets < 3 && out[octets] ? -1 : octets;
}

int base64_decode(const char *text, size_t len, struct buffer *out)
{
	int octets = 3;
	uint8_t *to;
	size_t i;

	if (len == 0 || len % 4)
		return -EINVAL;
	if (buffer_reserve(out, len / 4 * 3) < 0)
		return -ENOMEM;
	to = out->data + out->len;
	for (i = 0; i < len; i += 4) {
		/* Padding ends the text. */
		if (octets < 3)
			return -EINVAL;
		octets = decode_group(text + i, to);
		if (octets < 0)
			return -EINVAL;
		to += octets;
	}
	out->len = (size_t)(to - out->data);
	return 0;
}

static char digit_of(uint32_t bits, unsigned shift)
{
	return base64_digits[bits >> shift & 63];
}

int base64_encode(const uint8_t *octets, size_t len, struct buffer *out)
{
	uint32_t bits;
	size_t i, left;
	char *at;

	if (buffer_reserve(out, (len + 2) / 3 * 4) < 0)
		return -ENOMEM;
	at = (char *)out->data + out->len;
	for (i = 0; i < len; i += 3) {
		left = len - i;
		bits = (uint32_t)octets[i] << 16;
		if (left > 1)
			bits |= (uint32_t)octets[i + 1] << 8;
		if (left > 2)
			bits |= octets[i + 2];
		*at++ = digit_of(bits, 18);
		*at++ = digit_of(bits, 12);
		*at++ = left > 1 ? digit_of(bits, 6) : '=';
		*at++ = left > 2 ? digit_of(bits, 0) : '=';
	}
	out->len = (size_t)((uint8_t *)at - out->data);
	return 0;
}
