/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookie.h - DNS cookies: a client proves that its address is its own
 *
 * RFC 7873, with server cookies in the form of RFC 9018. A server cookie binds
 * a client's cookie to its address and to a time, with a keyed hash; nothing
 * is kept of any client.
 *
 * The secret is new each day, without anything that has to be passed around:
 * all workers have one key, made at random when the pool starts, and derive a
 * day's secret from it. The time inside a cookie tells which day's it is. After
 * a restart no old cookie is known: a client learns a new one with its next
 * answer, and has lost nothing but its freedom from rate limits until then.
 *
 * Threading: each worker has its own copy, with one key.
 */
#ifndef DNS_COOKIE_H
#define DNS_COOKIE_H

#include "dns/wire/address.h"

/* What a client may send: its own, or with the server's: RFC 7873, section 4.
 */
#define COOKIE_CLIENT_SIZE 8
#define COOKIE_SIZE_MIN	   16
#define COOKIE_SIZE_MAX	   40

/* Ours: RFC 9018, section 4. */
#define COOKIE_SERVER_SIZE 16
#define COOKIE_SIZE	   (COOKIE_CLIENT_SIZE + COOKIE_SERVER_SIZE)
#define COOKIE_HASH_SIZE   8
#define COOKIE_HASHED_SIZE (COOKIE_SIZE - COOKIE_HASH_SIZE)
#define COOKIE_SECRET_SIZE 16
#define COOKIE_KEY_SIZE	   32

struct cookies {
	uint8_t key[COOKIE_KEY_SIZE];

	/* Secrets that were derived last, of even days and of odd ones. */
	struct {
		uint32_t day; /* 0: none; since 1970 */
		uint8_t octets[COOKIE_SECRET_SIZE];
	} secrets[2];
};

/** cookie_init() - a new key: 0, -EIO */
int cookie_init(struct cookies *cookies);

/**
 * cookie_answer() - judge a client's cookie, and make the one to send back
 * @cookie: what came, @len octets, at least COOKIE_CLIENT_SIZE; what follows
 *          that is the server cookie that the client says it got from us
 * @client: its port does not matter
 * @now:    seconds since 1970, modulo 2^32
 * @out:    a good server cookie; the same one, until it is half an hour old
 *
 * Return: whether the server cookie is ours, for this client and this time.
 */
bool cookie_answer(struct cookies *cookies, const uint8_t *cookie, size_t len,
		   const struct address *client, uint32_t now,
		   uint8_t out[COOKIE_SIZE]);

/**
 * cookie_hash() - the hash of RFC 9018, section 4.4
 * @cookie: client cookie, version, reserved octets and timestamp
 */
void cookie_hash(const uint8_t secret[COOKIE_SECRET_SIZE],
		 const uint8_t cookie[COOKIE_HASHED_SIZE],
		 const struct address *client, uint8_t out[COOKIE_HASH_SIZE]);

#endif
