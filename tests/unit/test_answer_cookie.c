// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>

#include "tests/unit/asking.h"

#include <cmocka.h>

#define ZONE                                                                   \
	"ex. 3600 SOA ns.ex. host.ex. 1 2 3 4 5\n"                             \
	"ex. 3600 NS ns.ex.\n"                                                 \
	"a.ex. 3600 A 192.0.2.1\n"

#define OPT_COOKIE 10

static struct cookies cookies;
static const struct sockaddr_in client = {
	.sin_family = AF_INET,
	.sin_addr = {0x0100007f},
};

static void load(void)
{
	asking_load(ZONE);
	assert_int_equal(cookie_init(&cookies), 0);
	asking_options()->cookies = &cookies;
	asking_client = (const struct sockaddr *)&client;
}

/* A question for a.ex. A, or none, with cookies of these lengths. */
static size_t query_with(uint8_t *out, bool question, const uint8_t *cookie,
			 const int *lens, size_t count)
{
	static const uint8_t head[] = {0x12, 0x34, 0, 0, 0, 0,
				       0,    0,	   0, 0, 0, 1};
	static const uint8_t asked[] = "\1a\2ex\0\0\1\0";
	static const uint8_t opt[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
	uint8_t *at = out, *rdlen;

	memcpy(at, head, sizeof(head));
	at[5] = question;
	at += sizeof(head);
	if (question) {
		memcpy(at, asked, sizeof(asked));
		at += sizeof(asked);
		at[-1] = 1;
	}
	memcpy(at, opt, sizeof(opt));
	at += sizeof(opt);
	rdlen = at - 2;
	for (size_t i = 0; i < count; i++) {
		put_u16(at, OPT_COOKIE);
		put_u16(at + 2, (uint16_t)lens[i]);
		memcpy(at + 4, cookie, (size_t)lens[i]);
		at += 4 + lens[i];
	}
	put_u16(rdlen, (uint16_t)(at - rdlen - 2));
	return (size_t)(at - out);
}

/*
 * Ask; the response's rcode. The OPT record ends it, and the cookie is all
 * that it says.
 */
static unsigned ask(bool question, const uint8_t *cookie, const int *lens,
		    size_t count, uint8_t out_cookie[COOKIE_SIZE])
{
	static uint8_t query[4096], out[MESSAGE_TCP_SIZE];
	size_t len = query_with(query, question, cookie, lens, count);
	const uint8_t *option;

	len = asking_send(ANSWER_UDP, query, len, out);
	assert_true(len >= 12);
	if (get_u16(out + 10) == 0)
		return out[3] & 0xf; /* no OPT record */
	/* The shortest response has less than that. */
	option = out + len - 4 - COOKIE_SIZE;
	if (len < 12 + 11 + 4 + COOKIE_SIZE || get_u16(option) != OPT_COOKIE ||
	    get_u16(option + 2) != COOKIE_SIZE) {
		memset(out_cookie, 0, COOKIE_SIZE);
		return out[3] & 0xf;
	}
	memcpy(out_cookie, option + 4, COOKIE_SIZE);
	/* The upper eight bits are in the OPT record's TTL. */
	return (out[3] & 0xfu) | (unsigned)option[-6] << 4;
}

static void a_client_cookie_gets_a_server_cookie_that_is_good(void **state)
{
	static const uint8_t mine[COOKIE_SIZE] = "mycookie";
	uint8_t first[COOKIE_SIZE], second[COOKIE_SIZE];

	(void)state;
	load();
	assert_int_equal(ask(true, mine, (int[]){8}, 1, first), 0);
	assert_memory_equal(first, mine, 8);
	assert_int_equal(ask(true, first, (int[]){24}, 1, second), 0);
	assert_memory_equal(first, second, COOKIE_SIZE);
	/* What is not ours is answered, and renewed: RFC 7873, 5.2.3. */
	first[20] ^= 1;
	assert_int_equal(ask(true, first, (int[]){24}, 1, second), 0);
	assert_memory_not_equal(first, second, COOKIE_SIZE);
}

static void of_several_cookies_the_first_one_counts(void **state)
{
	static const uint8_t mine[41] = "mycookie";
	uint8_t out[COOKIE_SIZE];

	(void)state;
	load();
	assert_int_equal(ask(true, mine, (int[]){8, 3}, 2, out), 0);
	assert_memory_equal(out, mine, 8);
	assert_int_equal(ask(true, mine, (int[]){3, 8}, 2, out), 1);
}

static void a_cookie_of_a_wrong_length_is_formerr(void **state)
{
	static const uint8_t mine[300] = "mycookie";
	uint8_t out[COOKIE_SIZE];

	(void)state;
	load();
	for (int len = 0; len < 300; len++) {
		bool good = len == 8 || (len >= 16 && len <= 40);

		assert_int_equal(ask(true, mine, &len, 1, out), !good);
	}
}

static void a_cookie_may_be_all_that_is_asked_for(void **state)
{
	static const uint8_t mine[COOKIE_SIZE] = "mycookie";
	uint8_t first[COOKIE_SIZE], out[COOKIE_SIZE];

	(void)state;
	load();
	assert_int_equal(ask(false, mine, (int[]){8}, 1, first), 0);
	assert_int_equal(ask(false, first, (int[]){24}, 1, out), 0);
	assert_memory_equal(first, out, COOKIE_SIZE);
	/* RFC 7873, section 5.4: it says so if what came is not good. */
	first[20] ^= 1;
	assert_int_equal(ask(false, first, (int[]){24}, 1, out), 23);
	assert_int_equal(ask(false, mine, NULL, 0, out), 1);
	asking_options()->cookies = NULL;
	assert_int_equal(ask(false, mine, (int[]){8}, 1, out), 1);
}

static void without_a_known_client_no_cookie_is_told(void **state)
{
	static const uint8_t mine[8] = "mycookie", none[COOKIE_SIZE];
	uint8_t out[COOKIE_SIZE];

	(void)state;
	load();
	asking_client = NULL;
	assert_int_equal(ask(true, mine, (int[]){8}, 1, out), 0);
	assert_memory_equal(out, none, COOKIE_SIZE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_client_cookie_gets_a_server_cookie_that_is_good),
		cmocka_unit_test(of_several_cookies_the_first_one_counts),
		cmocka_unit_test(a_cookie_of_a_wrong_length_is_formerr),
		cmocka_unit_test(a_cookie_may_be_all_that_is_asked_for),
		cmocka_unit_test(without_a_known_client_no_cookie_is_told),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
