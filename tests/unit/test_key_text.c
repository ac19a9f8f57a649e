// SPDX-License-Identifier: Apache-2.0
/*
 * test_key_text.c - TSIG keys as people and other programs write them
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/text/key_text.h"

#define SECRET "c2VjcmV0IG9jdGV0cw=="
#define OCTETS "secret octets"

struct key {
	enum hmac_kind kind;
	uint8_t secret[512];
	size_t len;
	struct refusal why;
};

static struct name name;

static int read_key(const char *text, struct key *out)
{
	memset(out, 0, sizeof(*out));
	return key_from_text(text, strlen(text), &name, &out->kind, out->secret,
			     sizeof(out->secret), &out->len, &out->why);
}

static void each_form_of_a_key_is_read(void **state)
{
	static const struct {
		const char *text;
		enum hmac_kind kind;
	} cases[] = {
		{"key \"xfr.\" {\n\talgorithm hmac-sha512;\n\tsecret \"" SECRET
		 "\";\n};\n",
		 HMAC_SHA512},
		{"key \"xfr\" {\n\talgorithm hmac-sha1;\n\tsecret \"" SECRET
		 "\";\n};\n",
		 HMAC_SHA1},
		{"key XFR{secret \"" SECRET "\";algorithm HMAC-SHA224;};",
		 HMAC_SHA224},
		{"# ours\n// and theirs\nkey xfr { secret " SECRET
		 "; }; # end\n",
		 HMAC_SHA256},
		{"xfr:" SECRET "\n", HMAC_SHA256},
		{"hmac-sha384:xfr.:" SECRET, HMAC_SHA384},
	};
	struct key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_key(cases[i].text, &key) < 0)
			fail_msg("%s\n%s", cases[i].text, key.why.reason);
		assert_int_equal(key.kind, cases[i].kind);
		assert_int_equal(key.len, strlen(OCTETS));
		assert_memory_equal(key.secret, OCTETS, key.len);
	}
}

static void a_secret_is_made_as_long_as_the_hash(void **state)
{
	static const struct {
		const char *text;
		enum hmac_kind kind;
	} cases[] = {
		{"hmac-sha1", HMAC_SHA1},
		{"hmac-sha512\n", HMAC_SHA512},
		{" hmac-sha256 \n", HMAC_SHA256},
		{"", HMAC_SHA256},
		{"\n# nothing\n", HMAC_SHA256},
	};
	struct key key, again;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_key(cases[i].text, &key), 0);
		assert_int_equal(key.kind, cases[i].kind);
		assert_int_equal(key.len, hmac_size(key.kind));
		assert_int_equal(read_key(cases[i].text, &again), 0);
		assert_memory_not_equal(key.secret, again.secret, key.len);
	}
}

#define NO_FORM                                                                \
	"neither a key as tsig-keygen prints it, nor [ALGORITHM:]NAME:SECRET," \
	" nor an algorithm"
#define ALGORITHMS                                                             \
	"the algorithm is none of hmac-sha1, -sha224, -sha256, -sha384 and "   \
	"-sha512"

static void what_is_no_key_is_refused_and_its_secret_never_told(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"other:" SECRET,
		 "the key in it has another name than the file"},
		{"key other { secret " SECRET "; };",
		 "the key in it has another name than the file"},
		{"hmac-md5:xfr:" SECRET, ALGORITHMS},
		{"key xfr { algorithm hmac-md5; secret " SECRET "; };",
		 ALGORITHMS},
		{"hmac-sha256-128:xfr:" SECRET, ALGORITHMS},
		{"xfr:c2VjcmV0IG9jdGV0cw=", "the secret is not base 64"},
		{"xfr:", "the secret is not base 64"},
		{"xfr:c2V%", "the secret is not base 64"},
		{"xfr:c2VjcmV0", "the secret has 6 octets, and not 8 to 512"},
		{SECRET, NO_FORM},
		{"hmac-sha256 xfr", NO_FORM},
		{"\"hmac-sha256\"", NO_FORM},
		{"key", NO_FORM},
		{"key xfr", NO_FORM},
		{"key xfr {", NO_FORM},
		{"key xfr { secret " SECRET "; }", NO_FORM},
		{"key xfr { secret " SECRET " };", NO_FORM},
		{"key xfr { secret " SECRET "; secret " SECRET "; };", NO_FORM},
		{"key xfr { algorithm hmac-sha1; };", NO_FORM},
		{"key xfr { colour red; secret " SECRET "; };", NO_FORM},
		{"key \"xfr { secret " SECRET "; };", NO_FORM},
		{"key xfr { secret " SECRET "; }; key xfr { secret " SECRET
		 "; };",
		 "more than one key"},
	};
	struct key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_key(cases[i].text, &key), -EINVAL);
		if (strcmp(key.why.reason, cases[i].reason) != 0)
			fail_msg("%s\n--- wanted\n%s\n--- got\n%s",
				 cases[i].text, cases[i].reason,
				 key.why.reason);
		assert_null(strstr(key.why.reason, "c2V"));
		assert_null(strstr(key.why.text, "c2V"));
		assert_int_equal(key.kind, 0);
		assert_int_equal(key.len, 0);
	}
}

static void a_secret_has_at_most_so_many_octets(void **state)
{
	char text[2048] = "xfr:";
	struct key key;

	(void)state;
	/* 510 octets, then 513. */
	memset(text + 4, 'A', 510 / 3 * 4);
	assert_int_equal(read_key(text, &key), 0);
	assert_int_equal(key.len, 510);
	memset(text + 4, 'A', 513 / 3 * 4);
	assert_int_equal(read_key(text, &key), -EINVAL);
	assert_string_equal(key.why.reason,
			    "the secret has 513 octets, and not 8 to 512");
}

static void what_is_printed_is_read_back(void **state)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};
	struct key key;

	(void)state;
	assert_int_equal(key_to_text(&name, HMAC_SHA256, (uint8_t *)OCTETS,
				     strlen(OCTETS), &out),
			 0);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	assert_string_equal((char *)out.data,
			    "key \"xfr.\" {\n\talgorithm hmac-sha256;\n"
			    "\tsecret \"" SECRET "\";\n};\n");
	assert_int_equal(read_key((char *)out.data, &key), 0);
	assert_memory_equal(key.secret, OCTETS, key.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_a_key_is_read),
		cmocka_unit_test(a_secret_is_made_as_long_as_the_hash),
		cmocka_unit_test(
			what_is_no_key_is_refused_and_its_secret_never_told),
		cmocka_unit_test(a_secret_has_at_most_so_many_octets),
		cmocka_unit_test(what_is_printed_is_read_back),
	};

	name_from_text("xfr", 3, NULL, &name, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
