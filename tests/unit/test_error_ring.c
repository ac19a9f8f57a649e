// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "anchors/error_ring.h"

static void expect(struct error_ring *ring, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};

	assert_int_equal(error_ring_print(ring, &out), 0);
	assert_int_equal(out.len, error_ring_len(ring));
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.data ? (char *)out.data : "", text, out.len);
}

static void a_line_tells_time_file_line_text_and_reason(void **state)
{
	static const struct {
		uint32_t line;
		const char *text, *out;
	} cases[] = {
		{3, "x. A 999",
		 "2001-09-09T01:46:40Z records line 3: \"x. A 999\": wrong\n"},
		{0, "x.", "2001-09-09T01:46:40Z records: \"x.\": wrong\n"},
		{0, NULL, "2001-09-09T01:46:40Z records: wrong\n"},
		{1, "", "2001-09-09T01:46:40Z records line 1: wrong\n"},
		{1, "a\nb\x7f\xff",
		 "2001-09-09T01:46:40Z records line 1: "
		 "\"a\\010b\\127\\255\": wrong\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error_ring ring = {0};

		error_ring_add(&ring, 1000000000, "records", cases[i].line,
			       cases[i].text, "wrong");
		expect(&ring, cases[i].out);
		error_ring_clear(&ring);
		expect(&ring, "");
	}
}

static void no_part_of_a_line_makes_another_one(void **state)
{
	struct error_ring ring = {0};

	(void)state;
	error_ring_add(&ring, 0, "a b\n\x1b\xc2\x9b\x7f", 0, "t\n",
		       "r\n\xc3\xa9");
	expect(&ring, "1970-01-01T00:00:00Z a\\032b\\010\\027\\194\\155\\127: "
		      "\"t\\010\": r\\010\\195\\169\n");
	error_ring_clear(&ring);
}

static void the_last_eight_are_kept_in_their_order(void **state)
{
	CLEANUP(buffer_deinit) struct buffer want = {0};
	struct error_ring ring = {0};

	(void)state;
	for (uint32_t i = 1; i <= 21; i++) {
		error_ring_add(&ring, 0, "f", i, NULL, "r");
		if (i > 21 - ERROR_RING_SIZE)
			buffer_printf(&want,
				      "1970-01-01T00:00:00Z f line %u: "
				      "r\n",
				      i);
	}
	buffer_add(&want, "", 1);
	expect(&ring, (char *)want.data);
	error_ring_clear(&ring);
	error_ring_add(&ring, 0, "f", 0, NULL, "again");
	expect(&ring, "1970-01-01T00:00:00Z f: again\n");
	error_ring_clear(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_time_file_line_text_and_reason),
		cmocka_unit_test(no_part_of_a_line_makes_another_one),
		cmocka_unit_test(the_last_eight_are_kept_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
