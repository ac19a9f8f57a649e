// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/daemon/log_text.h"

static void
what_a_terminal_takes_for_text_stays_and_all_else_is_escaped(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{"", ""},
		{"h1/ns: answers", "h1/ns: answers"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7",
		 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7"},
		{"a\nb\tc\x7f", "a\\010b\\009c\\127"},
		{"\x1b[31m", "\\027[31m"},
		/* Controls of eight bits: U+0085, U+009B. */
		{"\xc2\x85", "\\194\\133"},
		{"\xc2\x9b"
		 "31m",
		 "\\194\\15531m"},
		/* Cut off, too long, a half of a pair, above U+10FFFF. */
		{"\xe2\x82", "\\226\\130"},
		{"\xc0\xaf", "\\192\\175"},
		{"\xed\xa0\x80", "\\237\\160\\128"},
		{"\xf4\x90\x80\x80", "\\244\\144\\128\\128"},
		{"\xff", "\\255"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = log_text_escape(cases[i].text, out, sizeof(out));

		assert_int_equal(len, strlen(cases[i].escaped));
		assert_memory_equal(out, cases[i].escaped, len);
	}
}

static void it_ends_with_a_whole_character_where_there_is_no_room(void **state)
{
	static const char text[] = "ab\xe2\x82\xac\x01";
	char out[16];

	(void)state;
	for (size_t size = 0; size <= sizeof(out); size++) {
		size_t len;

		memset(out, 'x', sizeof(out));
		len = log_text_escape(text, out, size);
		assert_true(len < size || !size);
		assert_true(len == 0 || len == 1 || len == 2 || len == 5 ||
			    len == 9);
		/* Behind it there may be a NUL, and nothing more. */
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_terminal_takes_for_text_stays_and_all_else_is_escaped),
		cmocka_unit_test(
			it_ends_with_a_whole_character_where_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
