// SPDX-License-Identifier: Apache-2.0
/*
 * test_hmac.c - the keyed hashes, by what RFC 2202 and RFC 4231 say of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "dns/wire/hmac.h"

static struct hmac *hmac;

struct hash_case {
	enum hmac_kind kind;
	const char *hex;
};

static void check(const uint8_t *key, size_t key_len, const char *message,
		  const struct hash_case *cases)
{
	uint8_t wanted[HMAC_SIZE], got[HMAC_SIZE];
	size_t half = strlen(message) / 2, len, wanted_len;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(sodium_hex2bin(wanted, sizeof(wanted),
						cases[i].hex,
						strlen(cases[i].hex), NULL,
						&wanted_len, NULL),
				 0);
		assert_int_equal(hmac_begin(hmac, cases[i].kind, key, key_len),
				 0);
		assert_int_equal(hmac_add(hmac, message, half), 0);
		assert_int_equal(
			hmac_add(hmac, message + half, strlen(message) - half),
			0);
		assert_int_equal(hmac_end(hmac, got, &len), 0);
		assert_int_equal(len, hmac_size(cases[i].kind));
		assert_int_equal(len, wanted_len);
		assert_memory_equal(got, wanted, len);
	}
}

static void a_short_key_hashes_as_the_rfc_says(void **state)
{
	static const struct hash_case cases[] = {
		{HMAC_SHA1, "b617318655057264e28bc0b6fb378c8ef146be00"},
		{HMAC_SHA224,
		 "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
		{HMAC_SHA256, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da7"
			      "26e9376c2e32cff7"},
		{HMAC_SHA384, "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
			      "82aa034c7cebc59c"
			      "faea9ea9076ede7f4af152e8b2fa9cb6"},
		{HMAC_SHA512, "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec278"
			      "7ad0b30545e17cde"
			      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f170"
			      "2e696c203a126854"},
	};
	uint8_t key[131];

	(void)state;
	memset(key, 0x0b, 20);
	check(key, 20, "Hi There", cases);
}

static void a_key_of_text_hashes_as_the_rfc_says(void **state)
{
	static const struct hash_case cases[] = {
		{HMAC_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{HMAC_SHA224,
		 "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
		{HMAC_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d273983"
			      "9dec58b964ec3843"},
		{HMAC_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
			      "e42ec3736322445e"
			      "8e2240ca5e69e2c78b3239ecfab21649"},
		{HMAC_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6"
			      "10270cd7ea250554"
			      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b"
			      "636e070a38bce737"},
	};
	uint8_t key[131];

	(void)state;
	memcpy(key, "Jefe", 4);
	check(key, 4, "what do ya want for nothing?", cases);
}

static void a_key_longer_than_a_block_hashes_as_the_rfc_says(void **state)
{
	static const struct hash_case cases[] = {
		{HMAC_SHA1, "90d0dace1c1bdc957339307803160335bde6df2b"},
		{HMAC_SHA224,
		 "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e"},
		{HMAC_SHA256, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c514"
			      "0546040f0ee37f54"},
		{HMAC_SHA384, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f"
			      "3cd11f05033ac4c6"
			      "0c2ef6ab4030fe8296248df163f44952"},
		{HMAC_SHA512, "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1"
			      "121b013783f8f352"
			      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec"
			      "8b915a985d786598"},
	};
	uint8_t key[131];

	(void)state;
	memset(key, 0xaa, 131);
	check(key, 131,
	      "Test Using Larger Than Block-Size Key - Hash Key First", cases);
}

static void what_was_begun_may_be_begun_anew(void **state)
{
	uint8_t first[HMAC_SIZE], second[HMAC_SIZE];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			hmac_begin(hmac, HMAC_SHA256, (uint8_t *)"key", 3), 0);
		assert_int_equal(hmac_add(hmac, "left over", i ? 0 : 9), 0);
		/* Another kind in between changes nothing. */
		assert_int_equal(
			hmac_begin(hmac, HMAC_SHA1, (uint8_t *)"kez", 3), 0);
		assert_int_equal(
			hmac_begin(hmac, HMAC_SHA256, (uint8_t *)"key", 3), 0);
		assert_int_equal(hmac_end(hmac, i ? second : first, &len), 0);
	}
	assert_int_equal(len, 32);
	assert_memory_equal(first, second, len);
	assert_true(hmac_equal(first, second, len));
	second[31] ^= 1;
	assert_false(hmac_equal(first, second, len));
	assert_true(hmac_equal(first, second, len - 1));
}

static void kinds_have_the_names_of_rfc_8945(void **state)
{
	(void)state;
	assert_string_equal(hmac_name(HMAC_SHA384), "hmac-sha384");
	assert_int_equal(hmac_kind_of("HMAC-sha512", 11), HMAC_SHA512);
	assert_int_equal(hmac_kind_of("hmac-sha1", 9), HMAC_SHA1);
	assert_int_equal(hmac_kind_of("hmac-sha25", 10), HMAC_NONE);
	assert_int_equal(hmac_kind_of("hmac-md5", 8), HMAC_NONE);
	assert_int_equal(hmac_kind_of("", 0), HMAC_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_key_hashes_as_the_rfc_says),
		cmocka_unit_test(a_key_of_text_hashes_as_the_rfc_says),
		cmocka_unit_test(
			a_key_longer_than_a_block_hashes_as_the_rfc_says),
		cmocka_unit_test(what_was_begun_may_be_begun_anew),
		cmocka_unit_test(kinds_have_the_names_of_rfc_8945),
	};
	int failed;

	if (hmac_new(&hmac) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	hmac_free(hmac);
	return failed;
}
