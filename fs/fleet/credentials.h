/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.h - -o fleet-creds=: who this host is to the bus
 *
 * A file as NATS's tools write it: a token (JWT) that the server believes,
 * for its account has signed it, and the seed of the key that is named there.
 * The server sends a nonce, and what is shown is the nonce's signature.
 *
 *   -----BEGIN NATS USER JWT-----
 *   eyJ0...
 *   ------END NATS USER JWT------
 *   -----BEGIN USER NKEY SEED-----
 *   SUA...
 *   ------END USER NKEY SEED------
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_CREDENTIALS_H
#define FS_FLEET_CREDENTIALS_H

#include <sodium.h>
#include <stddef.h>

struct credentials {
	char *jwt;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
};

/**
 * credentials_parse() - the text of the file
 *
 * Return: 0; -EINVAL: it has no token, or no seed of a user's; -ENOMEM.
 */
int credentials_parse(struct credentials *out, const char *text);

/** credentials_deinit() - and forget the secret; all zeros are fine */
void credentials_deinit(struct credentials *credentials);

/** credentials_sign() - @out: crypto_sign_BYTES octets */
void credentials_sign(const struct credentials *credentials, const void *nonce,
		      size_t len, unsigned char *out);

#endif
