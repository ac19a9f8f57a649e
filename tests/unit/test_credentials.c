// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/credentials.h"

#define JWT  "eyJ0eXAi.eyJqdGki.c2ln"
#define SEED "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"

#define FILE_OF(jwt, seed)                                                     \
	"-----BEGIN NATS USER JWT-----\n" jwt                                  \
	"\n------END NATS USER JWT------\n\n"                                  \
	"************************* IMPORTANT *************************\n"      \
	"-----BEGIN USER NKEY SEED-----\n" seed                                \
	"\n------END USER NKEY SEED------\n"

/* What the tools of NATS say is the public key of that seed, as octets:
 * UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4. */
static const char public_key[] = "ef4e44524b72e440f96dae7bba237c6666a407"
				 "01cb1365a42244f84e7a67dab1";

static void a_file_has_a_token_and_a_key(void **state)
{
	struct credentials credentials;
	unsigned char signature[crypto_sign_BYTES];
	const unsigned char *public = credentials.secret + 32;
	char hex[2 * crypto_sign_PUBLICKEYBYTES + 1];

	(void)state;
	assert_int_equal(credentials_parse(&credentials, FILE_OF(JWT, SEED)),
			 0);
	assert_string_equal(credentials.jwt, JWT);
	sodium_bin2hex(hex, sizeof(hex), public, crypto_sign_PUBLICKEYBYTES);
	assert_string_equal(hex, public_key);
	credentials_sign(&credentials, "nonce", 5, signature);
	assert_int_equal(crypto_sign_verify_detached(signature,
						     (const uint8_t *)"nonce",
						     5, public),
			 0);
	credentials_deinit(&credentials);
	assert_null(credentials.jwt);
	assert_true(
		sodium_is_zero(credentials.secret, sizeof(credentials.secret)));
}

static void lines_may_end_as_on_windows(void **state)
{
	struct credentials credentials;

	(void)state;
	assert_int_equal(credentials_parse(&credentials,
					   FILE_OF("\r\n" JWT "\r", SEED "\r")),
			 0);
	assert_string_equal(credentials.jwt, JWT);
	credentials_deinit(&credentials);
}

static void what_is_no_file_of_credentials_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"-----BEGIN NATS USER JWT-----",
		"-----BEGIN NATS USER JWT-----\n" JWT,
		FILE_OF("", SEED),
		FILE_OF(JWT, ""),
		/* a sum that is wrong, a seed that is short, long, of an
		 * account, a public key, letters that are none */
		FILE_OF(JWT, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNP"
			     "PQYYYCU3VA"),
		FILE_OF(JWT, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNP"
			     "PQYYYCU3V"),
		FILE_OF(JWT, SEED "A"),
		FILE_OF(JWT, "SAACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNP"
			     "PQYYYCU3VY"),
		FILE_OF(JWT, "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2"
			     "M7NLCNF4"),
		FILE_OF(JWT, "suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednp"
			     "pqyyycu3vy"),
	};
	struct credentials credentials = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (credentials_parse(&credentials, cases[i]) != -EINVAL)
			fail_msg("case %zu is taken", i);
		assert_null(credentials.jwt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_a_token_and_a_key),
		cmocka_unit_test(lines_may_end_as_on_windows),
		cmocka_unit_test(what_is_no_file_of_credentials_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
