// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "dns/answer/cookie.h"

#define NOW 1800000000u
#define DAY 86400u

static struct address address(const char *text)
{
	struct address out;

	assert_int_equal(address_parse(text, &out), 0);
	return out;
}

static void from_hex(uint8_t *out, size_t size, const char *hex)
{
	assert_int_equal(
		sodium_hex2bin(out, size, hex, strlen(hex), NULL, NULL, NULL),
		0);
}

static void rfc_9018_appendix_a_hashes_as_the_rfc_shows(void **state)
{
	static const struct {
		const char *client, *secret, *cookie;
	} cases[] = {
		/* A.1: learning a new server cookie */
		{"198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf",
		 "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
		/* A.2: the same client, renewed */
		{"198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf",
		 "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
		/* A.3: another client, with reserved octets, and renewed */
		{"203.0.113.203", "e5e973e5a6b2a43f48e7dc849e37bfcf",
		 "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
		{"203.0.113.203", "e5e973e5a6b2a43f48e7dc849e37bfcf",
		 "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
		/* A.4: IPv6, with the old secret and with the new one */
		{"2001:db8:220:1:59de:d0f4:8769:82b8",
		 "dd3bdf9344b678b185a6f5cb60fca715",
		 "22681ab97d52c298010000005cf7c57926556bd0934c72f8"},
		{"2001:db8:220:1:59de:d0f4:8769:82b8",
		 "445536bcd2513298075a5d379663c962",
		 "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
	};
	uint8_t secret[COOKIE_SECRET_SIZE], cookie[COOKIE_SIZE];
	uint8_t hash[COOKIE_HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address client = address(cases[i].client);

		from_hex(secret, sizeof(secret), cases[i].secret);
		from_hex(cookie, sizeof(cookie), cases[i].cookie);
		cookie_hash(secret, cookie, &client, hash);
		assert_memory_equal(hash, cookie + COOKIE_HASHED_SIZE,
				    sizeof(hash));
	}
}

static void a_cookie_is_good_for_its_client_and_for_an_hour(void **state)
{
	static const struct {
		int later; /* seconds */
		bool good, same;
	} cases[] = {
		{0, true, true},	 {1800, true, true},
		{1801, true, false},	 {3600, true, false},
		{3601, false, false},	 {-1, true, false},
		{-300, true, false},	 {-301, false, false},
		{1 << 30, false, false},
	};
	struct address client = address("192.0.2.1");
	struct address other = address("192.0.2.2");
	uint8_t cookie[COOKIE_SIZE], next[COOKIE_SIZE];
	struct cookies cookies, stranger;

	(void)state;
	assert_int_equal(cookie_init(&cookies), 0);
	assert_int_equal(cookie_init(&stranger), 0);
	/* Alone, the client's cookie proves nothing. */
	assert_false(cookie_answer(&cookies, (const uint8_t *)"clientco", 8,
				   &client, NOW, cookie));
	assert_memory_equal(cookie, "clientco", 8);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t now = NOW + (uint32_t)cases[i].later;
		bool good = cookie_answer(&cookies, cookie, sizeof(cookie),
					  &client, now, next);

		assert_int_equal(good, cases[i].good);
		assert_int_equal(!memcmp(cookie, next, sizeof(next)),
				 cases[i].same);
		assert_true(cookie_answer(&cookies, next, sizeof(next), &client,
					  now, next));
	}
	assert_false(cookie_answer(&cookies, cookie, sizeof(cookie), &other,
				   NOW, next));
	assert_false(cookie_answer(&stranger, cookie, sizeof(cookie), &client,
				   NOW, next));
	assert_false(cookie_answer(&cookies, cookie, sizeof(cookie) - 1,
				   &client, NOW, next));
	for (size_t i = 0; i < 8 * sizeof(cookie); i++) {
		cookie[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(cookie_answer(&cookies, cookie, sizeof(cookie),
					   &client, NOW, next));
		cookie[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void a_cookie_outlives_the_secret_it_was_made_with(void **state)
{
	struct address client = address("2001:db8::1");
	uint32_t midnight = NOW / DAY * DAY;
	uint8_t old[COOKIE_SIZE], new[COOKIE_SIZE];
	struct cookies cookies;

	(void)state;
	assert_int_equal(cookie_init(&cookies), 0);
	cookie_answer(&cookies, (const uint8_t *)"clientco", 8, &client,
		      midnight - 1, old);
	cookie_answer(&cookies, (const uint8_t *)"clientco", 8, &client,
		      midnight, new);
	/* The secrets differ, and both are known on both sides of midnight. */
	assert_memory_not_equal(cookies.secrets[0].octets,
				cookies.secrets[1].octets, COOKIE_SECRET_SIZE);
	for (int turn = -2; turn <= 2; turn++) {
		uint32_t now = midnight + (uint32_t)turn;
		uint8_t out[COOKIE_SIZE];

		assert_true(cookie_answer(&cookies, old, sizeof(old), &client,
					  now, out));
		assert_true(cookie_answer(&cookies, new, sizeof(new), &client,
					  now, out));
	}
}

static void another_worker_with_the_same_key_takes_the_cookie(void **state)
{
	struct address client = address("192.0.2.1");
	uint8_t cookie[COOKIE_SIZE], out[COOKIE_SIZE];
	struct cookies one, two;

	(void)state;
	assert_int_equal(cookie_init(&one), 0);
	two = one;
	cookie_answer(&one, (const uint8_t *)"clientco", 8, &client, NOW,
		      cookie);
	assert_true(
		cookie_answer(&two, cookie, sizeof(cookie), &client, NOW, out));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_9018_appendix_a_hashes_as_the_rfc_shows),
		cmocka_unit_test(
			a_cookie_is_good_for_its_client_and_for_an_hour),
		cmocka_unit_test(a_cookie_outlives_the_secret_it_was_made_with),
		cmocka_unit_test(
			another_worker_with_the_same_key_takes_the_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
