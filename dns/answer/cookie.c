// SPDX-License-Identifier: Apache-2.0
/*
 * cookie.c - DNS cookies: a client proves that its address is its own
 *
 * A cookie is the client's 8 octets and the server's 16: version, three
 * reserved octets, a timestamp and the hash (RFC 9018, section 4).
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>

#include "dns/answer/cookie.h"

#define VERSION	  1
#define TIMESTAMP (COOKIE_CLIENT_SIZE + 4)

/* Seconds: RFC 9018, section 4.3. */
#define AGE_MAX	  3600
#define AHEAD_MAX 300
#define RENEW_AGE 1800

#define SECRET_LIFE (24 * 60 * 60)

_Static_assert(crypto_kdf_KEYBYTES == COOKIE_KEY_SIZE, "libsodium's size");
_Static_assert(crypto_shorthash_KEYBYTES == COOKIE_SECRET_SIZE, "the same");
_Static_assert(crypto_shorthash_BYTES == COOKIE_HASH_SIZE, "the same");

int cookie_init(struct cookies *cookies)
{
	memset(cookies, 0, sizeof(*cookies));
	if (sodium_init() < 0)
		return -EIO;
	crypto_kdf_keygen(cookies->key);
	return 0;
}

/* The secret of the day that a time is in. */
static const uint8_t *secret_of(struct cookies *cookies, uint32_t timestamp)
{
	uint32_t day = timestamp / SECRET_LIFE;
	unsigned i = day & 1;

	/* It is never day 0 again, so a place that has none matches no day. */
	if (cookies->secrets[i].day != day) {
		crypto_kdf_derive_from_key(cookies->secrets[i].octets,
					   COOKIE_SECRET_SIZE, day, "cookies",
					   cookies->key);
		cookies->secrets[i].day = day;
	}
	return cookies->secrets[i].octets;
}

void cookie_hash(const uint8_t secret[COOKIE_SECRET_SIZE],
		 const uint8_t cookie[COOKIE_HASHED_SIZE],
		 const struct address *client, uint8_t out[COOKIE_HASH_SIZE])
{
	uint8_t text[COOKIE_HASHED_SIZE + sizeof(client->ip)];
	size_t ip = client->kind == ADDRESS_IPV4 ? 4 : sizeof(client->ip);

	memcpy(text, cookie, COOKIE_HASHED_SIZE);
	memcpy(text + COOKIE_HASHED_SIZE, client->ip, ip);
	crypto_shorthash(out, text, COOKIE_HASHED_SIZE + ip, secret);
}

/* How many seconds old a timestamp is: RFC 1982; negative: it is ahead. */
static int32_t age(const uint8_t *cookie, uint32_t now)
{
	return (int32_t)(now - get_u32(cookie + TIMESTAMP));
}

/* The reserved octets are hashed as they came: RFC 9018, section 4.2. */
static bool is_ours(struct cookies *cookies, const uint8_t *cookie, size_t len,
		    const struct address *client, uint32_t now)
{
	uint8_t hash[COOKIE_HASH_SIZE];

	if (len != COOKIE_SIZE || cookie[COOKIE_CLIENT_SIZE] != VERSION ||
	    age(cookie, now) > AGE_MAX || age(cookie, now) < -AHEAD_MAX)
		return false;
	cookie_hash(secret_of(cookies, get_u32(cookie + TIMESTAMP)), cookie,
		    client, hash);
	return sodium_memcmp(hash, cookie + COOKIE_HASHED_SIZE, sizeof(hash)) ==
	       0;
}

bool cookie_answer(struct cookies *cookies, const uint8_t *cookie, size_t len,
		   const struct address *client, uint32_t now,
		   uint8_t out[COOKIE_SIZE])
{
	bool ours = is_ours(cookies, cookie, len, client, now);

	assert(len >= COOKIE_CLIENT_SIZE);
	if (ours && age(cookie, now) >= 0 && age(cookie, now) <= RENEW_AGE) {
		memcpy(out, cookie, COOKIE_SIZE);
		return true;
	}
	memcpy(out, cookie, COOKIE_CLIENT_SIZE);
	put_u32(out + COOKIE_CLIENT_SIZE, (uint32_t)VERSION << 24);
	put_u32(out + TIMESTAMP, now);
	cookie_hash(secret_of(cookies, now), out, client,
		    out + COOKIE_HASHED_SIZE);
	return ours;
}
