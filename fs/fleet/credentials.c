// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dns/wire/util.h"
#include "fs/fleet/credentials.h"

/* A seed: two octets that say what it is, the seed, and a sum of both. */
#define SEED_PREFIX 2
#define SEED_SUM    2
#define SEED_OCTETS (SEED_PREFIX + crypto_sign_SEEDBYTES + SEED_SUM)
#define SEED_TEXT   ((SEED_OCTETS * 8 + 4) / 5)
#define IS_SEED	    (18 << 3) /* "S" */
#define IS_USER	    (20 << 3) /* "U" */

/*
 * The one line between "-----BEGIN @what-----" and what follows. Return: its
 * octets; 0: there is none.
 */
static size_t find_block(const char *text, const char *what, const char **out)
{
	const char *at = strstr(text, what), *begin;

	if (!at)
		return 0;
	begin = at + strcspn(at, "\r\n");
	begin += strspn(begin, " \t\r\n");
	*out = begin;
	return strcspn(begin, " \t\r\n");
}

/* RFC 4648, section 6, without padding. */
static bool decode_base32(unsigned char *out, size_t size, const char *text,
			  size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned bits = 0, held = 0;
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit || !text[i])
			return false;
		bits = bits << 5 | (unsigned)(digit - digits);
		held += 5;
		if (held < 8)
			continue;
		held -= 8;
		if (count == size)
			return false;
		out[count++] = (unsigned char)(bits >> held);
		bits &= (1u << held) - 1;
	}
	return count == size;
}

/* CRC-16 as XMODEM has it. */
static unsigned sum_of(const unsigned char *octets, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum ^= (unsigned)octets[i] << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			sum = (sum & 0x8000 ? sum << 1 ^ 0x1021 : sum << 1) &
			      0xffff;
	}
	return sum;
}

static bool take_seed(struct credentials *out, const char *text, size_t len)
{
	unsigned char raw[SEED_OCTETS];
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	const unsigned char *sum = raw + SEED_OCTETS - SEED_SUM;
	bool good = len == SEED_TEXT &&
		    decode_base32(raw, sizeof(raw), text, len) &&
		    (raw[0] & 0xf8) == IS_SEED &&
		    ((raw[0] & 7) << 5 | raw[1] >> 3) == IS_USER &&
		    sum_of(raw, SEED_OCTETS - SEED_SUM) ==
			    (sum[0] | (unsigned)sum[1] << 8);

	if (good)
		crypto_sign_seed_keypair(public, out->secret,
					 raw + SEED_PREFIX);
	sodium_memzero(raw, sizeof(raw));
	return good;
}

int credentials_parse(struct credentials *out, const char *text)
{
	struct credentials taken = {0};
	const char *jwt, *seed;
	size_t jwt_len = find_block(text, "BEGIN NATS USER JWT", &jwt);
	size_t seed_len = find_block(text, "BEGIN USER NKEY SEED", &seed);

	if (!jwt_len || *jwt == '-' || !seed_len ||
	    !take_seed(&taken, seed, seed_len))
		return -EINVAL;
	taken.jwt = strndup(jwt, jwt_len);
	if (!taken.jwt)
		return -ENOMEM;
	*out = taken;
	return 0;
}

void credentials_deinit(struct credentials *credentials)
{
	free(credentials->jwt);
	sodium_memzero(credentials, sizeof(*credentials));
}

void credentials_sign(const struct credentials *credentials, const void *nonce,
		      size_t len, unsigned char *out)
{
	crypto_sign_detached(out, NULL, nonce, len, credentials->secret);
}
