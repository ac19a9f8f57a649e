// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_excess.c - records that are too many, and names that are too long
 *
 * What one query costs is bounded whatever the records are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define MANY 10000

#define L63 "123456789012345678901234567890123456789012345678901234567890123"
#define L61 "1234567890123456789012345678901234567890123456789012345678901"
/* 255 octets: three labels of 63, one of 61, and the root's. */
#define LONGEST L63 "." L63 "." L63 "." L61 "."

static const char *ask_over_tcp(const char *name, const char *type)
{
	return asking_ask_with(
		&(struct asking_query){name, type, ANSWER_TCP, 0});
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		found++;
	}
	return found;
}

/* Loads lines; each "#" in @format is its number, each "+" the next. */
static void load_many(const char *before, const char *format, unsigned lines)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	assert_int_equal(buffer_add_text(&text, before), 0);
	for (unsigned i = 0; i < lines; i++)
		for (const char *at = format; *at; at++) {
			int r;

			if (*at == '#' || *at == '+')
				r = buffer_printf(&text, "%u",
						  i + (*at == '+'));
			else
				r = buffer_add(&text, at, 1);
			assert_int_equal(r, 0);
		}
	assert_int_equal(buffer_add(&text, "", 1), 0);
	asking_load((const char *)text.data);
}

static void a_web_of_ten_thousand_cnames_is_left_after_16(void **state)
{
	const char *text;

	(void)state;
	load_many("", "c#.ex. CNAME c+.ex.\n", MANY);
	text = asking_ask("c0.ex.", "A");
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_int_equal(count(text, "\nan "), 16);
	assert_non_null(strstr(text, " CNAME c16.ex.\n"));
}

static void a_web_of_ten_thousand_dnames_is_left_after_16(void **state)
{
	const char *text;

	(void)state;
	load_many("", "d#.ex. DNAME d+.ex.\n", MANY);
	text = ask_over_tcp("x.d0.ex.", "A");
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_int_equal(count(text, " DNAME "), 16);
	assert_int_equal(count(text, " CNAME "), 16);
	assert_non_null(strstr(text, " CNAME x.d16.ex.\n"));
}

/* RFC 6672, section 2.2: every step makes the name longer, up to 255 octets. */
static void a_dname_into_itself_ends_where_names_end(void **state)
{
	const char *text;

	(void)state;
	asking_load("d.ex. DNAME " L61 ".d.ex.\n");
	text = ask_over_tcp("x.d.ex.", "A");
	assert_memory_equal(text, "YXDOMAIN aa\n", 12);
	assert_int_equal(count(text, " DNAME "), 1);
	assert_int_equal(count(text, " CNAME "), 3);
}

static void a_name_of_255_octets_is_synthesized_and_none_longer(void **state)
{
	char owner[300];
	const char *text;

	(void)state;
	/* 62 octets in front of 193 are 255 together. */
	asking_load("e. DNAME " L63 "." L63 "." L63 ".\n"
		    "*.w. A 192.0.2.1\n");
	snprintf(owner, sizeof(owner), "%s.e.", L61);
	text = ask_over_tcp(owner, "CNAME");
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_non_null(strstr(text, " CNAME " L61 "." L63 "." L63 "." L63));
	snprintf(owner, sizeof(owner), "1%s.e.", L61);
	text = ask_over_tcp(owner, "CNAME");
	assert_memory_equal(text, "YXDOMAIN aa\n", 12);

	/* A wildcard's too: 3 * 64 + 60 + 2 + 1. */
	snprintf(owner, sizeof(owner), "%s.%s.%s.%.59s.w.", L63, L63, L63, L61);
	text = asking_ask(owner, "A");
	assert_non_null(strstr(text, ".w. 3600 A 192.0.2.1\n"));
}

static void the_longest_name_and_the_root_are_names_as_any(void **state)
{
	static const struct asking_case cases[] = {
		{LONGEST, "A", "NOERROR aa\nan " LONGEST " 3600 A 192.0.2.1\n"},
		{LONGEST, "TYPE65535", "NOERROR aa\n"},
		{L61 "." L63 ".", "A", "REFUSED\n"},
		{".", "A", "NOERROR aa\nan . 3600 A 192.0.2.2\n"},
		{".", "TYPE65535", "NOERROR aa\n"},
	};

	(void)state;
	asking_load(LONGEST " A 192.0.2.1\n. A 192.0.2.2\n");
	asking_check(cases, ARRAY_SIZE(cases));
}

static void ten_thousand_records_at_one_name_are_told_by_type(void **state)
{
	CLEANUP(buffer_deinit) struct buffer lines = {0};
	struct asking_query query = {"n.ex.", "TYPE1005", ANSWER_TCP, 1232};
	const char *text;

	(void)state;
	/* 10 types: one RRset of 10,000 records would fit no message. */
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(buffer_printf(&lines,
					       "n.ex. TYPE%u \\# 2 %04x\n",
					       1000 + i % 10, i / 10),
				 0);
	assert_int_equal(buffer_add(&lines, "", 1), 0);
	asking_load((const char *)lines.data);
	text = asking_ask_with(&query);
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_int_equal(count(text, "\nan "), MANY / 10);
	query.transport = ANSWER_UDP;
	assert_string_equal(asking_ask_with(&query), "NOERROR aa tc\n");
	/* All of them are too many for any message. */
	query.transport = ANSWER_TCP;
	query.type = "ANY";
	text = asking_ask_with(&query);
	assert_memory_equal(text, "NOERROR aa tc\n", 14);
	assert_int_equal(count(text, "\nan ") % (MANY / 10), 0);
}

static void additional_names_by_the_thousand_are_not_all_looked_up(void **state)
{
	static const struct asking_query tcp = {"ex.", "MX", ANSWER_TCP, 1232};
	const char *text;

	(void)state;
	load_many("ex. SOA ns h 1 2 3 4 300\n",
		  "ex. MX 1 m#.ex.\nm#.ex. A 192.0.2.1\n", 2000);
	text = asking_ask_with(&tcp);
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_int_equal(count(text, "\nan "), 2000);
	/* additional.h: as many as are looked up. */
	assert_int_equal(count(text, "\nar "), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_web_of_ten_thousand_cnames_is_left_after_16),
		cmocka_unit_test(a_web_of_ten_thousand_dnames_is_left_after_16),
		cmocka_unit_test(a_dname_into_itself_ends_where_names_end),
		cmocka_unit_test(
			a_name_of_255_octets_is_synthesized_and_none_longer),
		cmocka_unit_test(
			the_longest_name_and_the_root_are_names_as_any),
		cmocka_unit_test(
			ten_thousand_records_at_one_name_are_told_by_type),
		cmocka_unit_test(
			additional_names_by_the_thousand_are_not_all_looked_up),
	};

	return cmocka_run_group_tests(tests, asking_setup, asking_teardown);
}
