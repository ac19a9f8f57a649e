// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/text/lexer.h"

static int next(struct lexer *lexer, bool is_string, struct lexer_token *out)
{
	return is_string ? lexer_next_string(lexer, out)
			 : lexer_next(lexer, out);
}

/* The tokens of @text with a "|" behind each, in @out; what the last call said
 */
static int join_tokens(const char *text, bool is_string, struct refusal *why,
		       char out[64])
{
	struct lexer lexer = lexer_begin(text, strlen(text), why);
	struct lexer_token token;
	char *at = out;
	int r;

	for (;;) {
		bool more = lexer_more(&lexer);

		r = next(&lexer, is_string, &token);
		/* A token that is cut off was there all the same. */
		assert_true(r == 0 ? !more : more || r < 0);
		if (r <= 0)
			break;
		memcpy(at, token.text, token.len);
		at += token.len;
		*at++ = '|';
	}
	*at = '\0';
	/* What has failed stays failed, with the same reason. */
	assert_int_equal(next(&lexer, is_string, &token), r);
	assert_int_equal(lexer_finish(&lexer), r);
	return r;
}

static void tokens_are_what_blanks_and_quotes_leave(void **state)
{
	static const struct {
		const char *text;
		const char *tokens;
		const char *strings; /* NULL: the same */
	} cases[] = {
		{"", "", NULL},
		{"a", "a|", NULL},
		{" a\tb \n", "a|b|", NULL},
		{"a (b\nc) d\n", "a|b|c|d|", NULL},
		{"a(b)c", "a|b|c|", NULL},
		{"a ; b \" ( \nc", "a|c|", NULL},
		{"a;b", "a|", NULL},
		{"a\\;b \\( \\\"", "a\\;b|\\(|\\\"|", NULL},
		{"a\\ b \\\\ c", "a\\ b|\\\\|c|", NULL},
		{"\"a b\"", "\"a b\"|", NULL},
		{"\"a\nb\" c", "\"a\nb\"|c|", NULL},
		{"\"a;(\\\"b\"c", "\"a;(\\\"b\"|c|", NULL},
		{"\"a\"\"b\"", "\"a\"|\"b\"|", NULL},
		{"\"\"", "\"\"|", NULL},
		{"a\"b c\"d e", "a\"b c\"d|e|", "a|\"b c\"|d|e|"},
		{"k=\"v w\" l", "k=\"v w\"|l|", "k=|\"v w\"|l|"},
		{"a\r\n", "a|", NULL},
		{"a\r", "a|", NULL},
		{"a (\r\nb )\r\n", "a|b|", NULL},
		{"\xff\xc3\xa4", "\xff\xc3\xa4|", NULL},
		{"\"\x01\x7f\"", "\"\x01\x7f\"|", NULL},
	};
	char tokens[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *strings =
			cases[i].strings ? cases[i].strings : cases[i].tokens;

		assert_int_equal(
			join_tokens(cases[i].text, false, NULL, tokens), 0);
		assert_string_equal(tokens, cases[i].tokens);
		assert_int_equal(join_tokens(cases[i].text, true, NULL, tokens),
				 0);
		assert_string_equal(tokens, strings);
	}
}

static void what_is_no_token_is_refused_once_and_for_all(void **state)
{
	static const struct {
		const char *text, *tokens, *why;
	} cases[] = {
		{"a ) b", "a|", "nothing opened"},
		{"a ( b ) )", "a|b|", "nothing opened"},
		{"a \"b", "a|", "a quote is not closed"},
		{"a \"b\\\"", "a|", "a quote is not closed"},
		{"a b\\", "a|", "a backslash ends a line"},
		{"a b\\\nc", "a|", "a backslash ends a line"},
		{"a b\\\r\nc", "a|", "a backslash ends a line"},
		{"a \"b\\\nc\"", "a|", "a backslash ends a line"},
		{"a b\x01", "a|", "a control octet"},
		{"a \x7f", "a|", "a control octet"},
		{"a b\rc", "a|", "a control octet"},
		{"a \rb", "a|", "a control octet"},
	};
	struct refusal why;
	char tokens[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		size_t at = i / 2;

		assert_int_equal(
			join_tokens(cases[at].text, i % 2, &why, tokens),
			-EINVAL);
		assert_string_equal(tokens, cases[at].tokens);
		assert_non_null(strstr(why.reason, cases[at].why));
	}
}

static void an_entry_ends_in_the_same_place_in_any_pieces(void **state)
{
	static const struct {
		const char *text;
		size_t end; /* octets of the entry; 0: it does not end */
	} cases[] = {
		{"a\nb\n", 2},
		{"\nb\n", 1},
		{"a", 0},
		{"a (\n b )\nc\n", 9},
		{"a (\n b\n", 0},
		{"a \"\n\" b\nc\n", 8},
		{"a \"\n b\n", 0},
		{"a ; \" ( \\\nb\n", 10},
		{"a ( ; ) \n )\nb\n", 12},
		{"a \\\" \\( \\;\nb\n", 11},
		{"a \"\\\"\" b\nc\n", 9},
		{"a \"( ; \"\nc\n", 9},
		{"a \\\nb\n", 4},
		{"a \\\\\nb\n", 5},
		{"a )\nb\n", 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t piece = 1; piece <= len; piece++) {
			struct lexer_scan scan = {0};
			size_t at = 0, more;

			while (at < len && !scan.ended) {
				more = len - at < piece ? len - at : piece;
				at += lexer_scan(&scan, cases[i].text + at,
						 more);
			}
			assert_int_equal(scan.ended, cases[i].end != 0);
			assert_int_equal(at, cases[i].end ? cases[i].end : len);
		}
	}
}

static void a_nul_ends_a_scan(void **state)
{
	static const char text[] = "a\0b\n";
	struct lexer_scan scan = {0};

	(void)state;
	assert_int_equal(lexer_scan(&scan, text, sizeof(text) - 1), 2);
	assert_true(scan.nul);
	assert_false(scan.ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_what_blanks_and_quotes_leave),
		cmocka_unit_test(what_is_no_token_is_refused_once_and_for_all),
		cmocka_unit_test(an_entry_ends_in_the_same_place_in_any_pieces),
		cmocka_unit_test(a_nul_ends_a_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
