// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/grants.h"

static void the_first_row_that_fits_counts(void **state)
{
	static const struct {
		const char *text, *host;
		enum grant grant;
	} cases[] = {
		{"*:read", "h1", GRANT_READ},
		{"h1:write,*:read", "h1", GRANT_WRITE},
		{"h1:write,*:read", "h2", GRANT_READ},
		{"h1:write,*:read", "h", GRANT_READ},
		{"h1:write+*:none", "h1", GRANT_WRITE},
		{"h1:write+*:none", "h11", GRANT_NONE},
		{"h1:admin", "h1", GRANT_ADMIN},
		{"h1:admin", "h2", GRANT_NONE},
		{"*:none,h1:admin", "h1", GRANT_NONE},
		{"h1:none,*:admin", "h1", GRANT_NONE},
		{"h1:read,h1:admin", "h1", GRANT_READ},
		{"a-b-0:write", "a-b-0", GRANT_WRITE},
	};
	const char *bad = NULL;
	struct grants grants;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			grants_parse(&grants, cases[i].text, &bad, &len), 0);
		assert_null(bad);
		assert_int_equal(grants_of(&grants, cases[i].host),
				 cases[i].grant);
		grants_deinit(&grants);
	}
}

#define NAME_OF_63                                                             \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void a_word_that_is_wrong_is_told(void **state)
{
	static const struct {
		const char *text, *bad;
	} cases[] = {
		{"", ""},
		{"h1", "h1"},
		{"h1:", "h1:"},
		{":read", ":read"},
		{"h1:all", "h1:all"},
		{"h1:rea", "h1:rea"},
		{"h1:readx", "h1:readx"},
		{"h1:READ", "h1:READ"},
		{"H1:read", "H1:read"},
		{"h.1:read", "h.1:read"},
		{"h*:read", "h*:read"},
		{"h1:read:write", "h1:read:write"},
		{"h1: read", "h1: read"},
		{"h1:read,", ""},
		{"h1:read,,h2:read", ""},
		{",h1:read", ""},
		{"h1:read,h2=write,*:read", "h2=write"},
		{"h1:read+>:write", ">:write"},
		{NAME_OF_63 "f:read", NAME_OF_63 "f:read"},
		{NAME_OF_63 NAME_OF_63 NAME_OF_63 ":read",
		 NAME_OF_63 NAME_OF_63 NAME_OF_63 ":read"},
	};
	struct grants grants = {.count = 5};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *bad = NULL;
		size_t len = 0;

		assert_int_equal(
			grants_parse(&grants, cases[i].text, &bad, &len),
			-EINVAL);
		assert_int_equal(len, strlen(cases[i].bad));
		assert_memory_equal(bad, cases[i].bad, len);
		assert_true(bad >= cases[i].text &&
			    bad + len <= cases[i].text + strlen(cases[i].text));
		assert_int_equal(grants.count, 5);
	}
}

static void without_a_row_nobody_may_do_anything(void **state)
{
	struct grants grants = {.count = 0};

	(void)state;
	assert_int_equal(grants_of(&grants, "h1"), GRANT_NONE);
	grants_deinit(&grants);
}

static void a_name_of_63_octets_is_one(void **state)
{
	struct grants grants;
	const char *bad;
	size_t len;

	(void)state;
	assert_int_equal(grants_parse(&grants, NAME_OF_63 ":write", &bad, &len),
			 0);
	assert_int_equal(grants_of(&grants, NAME_OF_63), GRANT_WRITE);
	grants_deinit(&grants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_fits_counts),
		cmocka_unit_test(a_word_that_is_wrong_is_told),
		cmocka_unit_test(without_a_row_nobody_may_do_anything),
		cmocka_unit_test(a_name_of_63_octets_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
