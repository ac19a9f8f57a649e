// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/query_lines.h"

static int setup(void **state)
{
	static struct query_lines lines;

	*state = &lines;
	return query_lines_init(&lines);
}

static int teardown(void **state)
{
	query_lines_deinit(*state);
	return 0;
}

static void a_client_is_told_as_in_addr(void **state)
{
	static const struct address cases[] = {
		{.kind = ADDRESS_IPV4, .port = 53, .ip = {192, 0, 2, 1}},
		{.kind = ADDRESS_IPV4, .port = 0, .ip = {0, 0, 0, 0}},
		{.kind = ADDRESS_IPV4,
		 .port = 65535,
		 .ip = {255, 255, 255, 255}},
		{.kind = ADDRESS_IPV4, .port = 10, .ip = {9, 10, 99, 100}},
		{.kind = ADDRESS_IPV6,
		 .port = 5353,
		 .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		{.kind = ADDRESS_OFF},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tap_query query = {.client = cases[i]};
		char line[QUERY_LINE_SIZE], at[ADDRESS_TEXT_SIZE], want[128];
		size_t len = query_line_print(*state, &query, line);

		address_print(&cases[i], at);
		snprintf(want, sizeof(want),
			 "1970-01-01T00:00:00.000000Z %s udp - - NOERROR - 0\n",
			 at);
		assert_int_equal(len, strlen(line));
		assert_string_equal(line, want);
	}
}

/* Of a length that changes, so that lines are cut by the ring's end anywhere.
 */
static size_t print_numbered(unsigned number, char out[QUERY_LINE_SIZE])
{
	return (size_t)snprintf(out, QUERY_LINE_SIZE, "%u %.*s\n", number,
				(int)(number * 7 % 251),
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxx");
}

/* Walk over all that is there: the newest lines up to @last, each once. */
static void check_ring(const struct query_lines *lines, unsigned last)
{
	struct query_place place = lines->start;
	char line[QUERY_LINE_SIZE], want[QUERY_LINE_SIZE];

	assert_true(lines->end.at - lines->start.at <= QUERY_LINES_MAX);
	while (place.at < lines->end.at) {
		size_t len = query_lines_get(lines, place.at, line);

		assert_int_equal(len,
				 print_numbered((unsigned)place.queries, want));
		assert_memory_equal(line, want, len);
		query_place_pass(&place, line, len);
	}
	assert_int_equal(place.at, lines->end.at);
	assert_int_equal(place.queries, last + 1);
	assert_int_equal(lines->end.queries, last + 1);
}

static void a_ring_has_the_last_lines_whole(void **state)
{
	struct query_lines *lines = *state;
	char line[QUERY_LINE_SIZE];

	for (unsigned i = 0; i < 20000; i++) {
		query_lines_add(lines, line, print_numbered(i, line));
		if (i % 100 == 0 || lines->end.at % QUERY_LINES_MAX < 300)
			check_ring(lines, i);
	}
	/* Several times around. */
	assert_true(lines->start.at > 5 * QUERY_LINES_MAX);
	/* No more is kept out than the next line takes. */
	assert_true(lines->end.at - lines->start.at >
		    QUERY_LINES_MAX - 2 * 300);
}

static void what_was_lost_counts_as_what_it_tells_of(void **state)
{
	struct query_lines *lines = *state;
	char line[QUERY_LINE_SIZE];

	query_lines_add(lines, line, query_line_print_lost(1234, line));
	assert_int_equal(lines->end.queries, 1234);
	/* And so when it goes. */
	for (unsigned i = 0; lines->start.at == 0; i++)
		query_lines_add(lines, line, print_numbered(i, line));
	assert_int_equal(lines->start.queries, 1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		TEST(a_client_is_told_as_in_addr),
		TEST(a_ring_has_the_last_lines_whole),
		TEST(what_was_lost_counts_as_what_it_tells_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
