// SPDX-License-Identifier: Apache-2.0
/*
 * hmac.c - keyed hashes of messages, by OpenSSL
 *
 * To look a hash up by its name costs more than to hash a message. So there is
 * a context for each kind, made when the kind is first met; from then on it is
 * only given other keys.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <strings.h>

#include "dns/wire/hmac.h"
#include "dns/wire/util.h"

#define HMAC_KINDS (HMAC_SHA512 + 1)

static const struct {
	const char *name, *hash;
	size_t size;
} kinds[HMAC_KINDS] = {
	[HMAC_SHA1] = {"hmac-sha1", "SHA1", 20},
	[HMAC_SHA224] = {"hmac-sha224", "SHA224", 28},
	[HMAC_SHA256] = {"hmac-sha256", "SHA256", 32},
	[HMAC_SHA384] = {"hmac-sha384", "SHA384", 48},
	[HMAC_SHA512] = {"hmac-sha512", "SHA512", 64},
};

struct hmac {
	EVP_MAC *mac;
	EVP_MAC_CTX *contexts[HMAC_KINDS]; /* NULL: not met yet */
	EVP_MAC_CTX *now;		   /* between begin and end */
};

size_t hmac_size(enum hmac_kind kind)
{
	assert(kind > HMAC_NONE && kind < HMAC_KINDS);
	return kinds[kind].size;
}

const char *hmac_name(enum hmac_kind kind)
{
	assert(kind > HMAC_NONE && kind < HMAC_KINDS);
	return kinds[kind].name;
}

enum hmac_kind hmac_kind_of(const char *name, size_t len)
{
	for (enum hmac_kind kind = HMAC_SHA1; kind < HMAC_KINDS; kind++)
		if (strlen(kinds[kind].name) == len &&
		    strncasecmp(kinds[kind].name, name, len) == 0)
			return kind;
	return HMAC_NONE;
}

int hmac_new(struct hmac **out)
{
	struct hmac *hmac = calloc(1, sizeof(*hmac));

	if (!hmac)
		return -ENOMEM;
	/*
	 * What OpenSSL would free when the process ends, a library that ends
	 * later or earlier may have freed too: libnats does.
	 */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	hmac->mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	if (!hmac->mac) {
		free(hmac);
		return -EINVAL;
	}
	*out = hmac;
	return 0;
}

struct hmac *hmac_free(struct hmac *hmac)
{
	if (!hmac)
		return NULL;
	/* A context wipes its key. */
	for (unsigned i = 0; i < HMAC_KINDS; i++)
		EVP_MAC_CTX_free(hmac->contexts[i]);
	EVP_MAC_free(hmac->mac);
	free(hmac);
	return NULL;
}

void hmac_freep(struct hmac **hmac)
{
	hmac_free(*hmac);
}

static int make_context(struct hmac *hmac, enum hmac_kind kind)
{
	/* OpenSSL takes it for writable, and only reads it. */
	char *hash = (char *)(uintptr_t)kinds[kind].hash;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac->mac);

	if (!context)
		return -ENOMEM;
	if (!EVP_MAC_CTX_set_params(context, params)) {
		EVP_MAC_CTX_free(context);
		return -EINVAL;
	}
	hmac->contexts[kind] = context;
	return 0;
}

int hmac_begin(struct hmac *hmac, enum hmac_kind kind, const uint8_t *secret,
	       size_t len)
{
	int r;

	assert(kind > HMAC_NONE && kind < HMAC_KINDS && len);
	if (!hmac->contexts[kind]) {
		r = make_context(hmac, kind);
		if (r < 0)
			return r;
	}
	hmac->now = hmac->contexts[kind];
	return EVP_MAC_init(hmac->now, secret, len, NULL) ? 0 : -ENOMEM;
}

int hmac_add(struct hmac *hmac, const void *data, size_t len)
{
	assert(hmac->now);
	return EVP_MAC_update(hmac->now, data, len) ? 0 : -ENOMEM;
}

int hmac_end(struct hmac *hmac, uint8_t out[HMAC_SIZE], size_t *len)
{
	EVP_MAC_CTX *context = hmac->now;

	assert(context);
	hmac->now = NULL;
	return EVP_MAC_final(context, out, len, HMAC_SIZE) ? 0 : -ENOMEM;
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
