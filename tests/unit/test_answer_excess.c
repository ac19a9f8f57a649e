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

#define DEEP	    100 /* labels in front of d#.ex. */
#define EFFORT_EACH ((DEEP + 5) * (SNAPSHOT_SEEK + 2))

/* The name of number @i that has so many labels "a" in front. */
static void add_deep(struct buffer *out, const char *before, unsigned labels,
		     unsigned i, const char *after)
{
	assert_int_equal(buffer_add_text(out, before), 0);
	while (labels--)
		assert_int_equal(buffer_add(out, "a.", 2), 0);
	assert_int_equal(buffer_printf(out, "d%u.ex.%s\n", i, after), 0);
}

/*
 * All that is above a deep name has records, and neighbours before it, so that
 * no step from the name shows what is there.
 */
static void add_stairs(struct buffer *out, unsigned i)
{
	for (unsigned labels = 0; labels < DEEP; labels++) {
		add_deep(out, "", labels, i, " TXT here");
		add_deep(out, "-.", labels, i, " TXT before");
	}
}

static void load_text(struct buffer *text)
{
	assert_int_equal(buffer_add(text, "", 1), 0);
	asking_load((const char *)text->data);
	buffer_deinit(text);
}

static const char *ask_deep(const char *before, unsigned labels, unsigned i,
			    const char *type)
{
	CLEANUP(buffer_deinit) struct buffer name = {0};

	add_deep(&name, before, labels, i, "");
	name.data[name.len - 1] = '\0';
	return ask_over_tcp((const char *)name.data, type);
}

/* Whatever the number of labels: RFC 1034 looks at each of them. */
static void labels_that_nothing_stands_at_cost_nothing(void **state)
{
	struct buffer text = {0};

	(void)state;
	buffer_add_text(&text, "ex. SOA ns h 1 2 3 4 300\nd0.ex. TXT a\n");
	for (unsigned i = 0; i < 3; i++) {
		add_deep(&text, "", DEEP, i, " A 192.0.2.1");
		add_deep(&text, "-.", DEEP / 2, i, " A 192.0.2.1");
	}
	load_text(&text);
	for (unsigned i = 0; i < 3; i++) {
		const char *answer = ask_deep("", DEEP, i, "A");

		assert_memory_equal(answer, "NOERROR aa\nan a.a.", 18);
		assert_true(asking_effort() <= 6 * SNAPSHOT_SEEK);
		answer = ask_deep("b.", DEEP - 1, i, "A");
		assert_memory_equal(answer, "NXDOMAIN aa\nns ex.", 18);
		assert_true(asking_effort() <= 6 * SNAPSHOT_SEEK);
		answer = ask_deep("", DEEP - 1, i, "A");
		assert_memory_equal(answer, "NOERROR aa\nns ex.", 17);
		assert_true(asking_effort() <= 6 * SNAPSHOT_SEEK);
	}
}

/* Zones are no part of what is outside of them, and are stepped over. */
static void a_name_between_thousands_of_zones_costs_a_few_seeks(void **state)
{
	(void)state;
	load_many("", "z#.a.b.c. SOA ns h 1 2 3 4 300\n", MANY);
	assert_string_equal(asking_ask("x.a.b.c.", "A"), "REFUSED\n");
	assert_true(asking_effort() <= 32 * SNAPSHOT_SEEK);
}

static void addresses_that_take_long_to_find_are_left_out(void **state)
{
	struct buffer text = {0};
	const char *answer;

	(void)state;
	buffer_add_text(&text, "ex. SOA ns h 1 2 3 4 300\n");
	for (unsigned i = 0; i < 20; i++) {
		add_deep(&text, "ex. MX 1 ", DEEP, i, "");
		add_deep(&text, "", DEEP, i, " A 192.0.2.1");
		add_stairs(&text, i);
	}
	load_text(&text);
	answer = ask_over_tcp("ex.", "MX");
	assert_memory_equal(answer, "NOERROR aa\nan ", 14);
	assert_int_equal(count(answer, "\nan "), 20);
	assert_in_range(count(answer, "\nar "), 2, 10);
	assert_true(asking_facts()->is_spent);
	assert_true(asking_effort() <= 256 * SNAPSHOT_SEEK + EFFORT_EACH);
	/* The name that is asked is always found. */
	answer = ask_deep("", DEEP, 19, "A");
	assert_memory_equal(answer, "NOERROR aa\nan ", 14);
	assert_false(asking_facts()->is_spent);
}

/* RFC 9471, section 3: without its own a referral is truncated. */
static void glue_that_takes_long_to_find_truncates_if_it_is_needed(void **state)
{
	static const struct {
		const char *cut, *answer;
	} cases[] = {
		{"d0.ex.", "NOERROR tc\nns d0.ex."},
		{"c.ex.", "NOERROR\nns c.ex."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer text = {0};
		char before[32];
		const char *answer;

		buffer_add_text(&text, "ex. SOA ns h 1 2 3 4 300\n");
		for (unsigned n = 0; n < 26; n++) {
			snprintf(before, sizeof(before), "%s NS n%u.",
				 cases[i].cut, n);
			add_deep(&text, before, DEEP, 0, "");
			snprintf(before, sizeof(before), "n%u.", n);
			add_deep(&text, before, DEEP, 0, " A 192.0.2.1");
		}
		add_stairs(&text, 0);
		load_text(&text);
		snprintf(before, sizeof(before), "x.%s", cases[i].cut);
		answer = ask_over_tcp(before, "A");
		assert_memory_equal(answer, cases[i].answer,
				    strlen(cases[i].answer));
		assert_int_equal(count(answer, "\nns "), 26);
		assert_in_range(count(answer, "\nar "), 1, 25);
		assert_true(asking_facts()->is_spent);
		assert_true(asking_effort() <=
			    256 * SNAPSHOT_SEEK + EFFORT_EACH);
	}
}

static void a_chain_that_takes_long_to_follow_ends_at_a_cname(void **state)
{
	struct buffer text = {0}, target = {0};
	const char *answer;
	unsigned links;

	(void)state;
	buffer_add_text(&text, "ex. SOA ns h 1 2 3 4 300\n");
	for (unsigned i = 0; i < 10; i++) {
		target.len = 0;
		add_deep(&target, " CNAME ", DEEP, i + 1, "");
		target.data[target.len - 1] = '\0';
		add_deep(&text, "", DEEP, i, (const char *)target.data);
		add_stairs(&text, i);
	}
	buffer_deinit(&target);
	load_text(&text);
	answer = ask_deep("", DEEP, 0, "A");
	assert_memory_equal(answer, "NOERROR aa\nan ", 14);
	links = count(answer, "\nan ");
	assert_in_range(links, 2, 8);
	assert_int_equal(count(answer, " CNAME "), links);
	assert_true(asking_facts()->is_spent);
	/* Who goes on from there gets the rest. */
	answer = ask_deep("", DEEP, links, "A");
	assert_int_equal(count(answer, "\nan "), links);
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
		cmocka_unit_test(labels_that_nothing_stands_at_cost_nothing),
		cmocka_unit_test(
			a_name_between_thousands_of_zones_costs_a_few_seeks),
		cmocka_unit_test(addresses_that_take_long_to_find_are_left_out),
		cmocka_unit_test(
			glue_that_takes_long_to_find_truncates_if_it_is_needed),
		cmocka_unit_test(
			a_chain_that_takes_long_to_follow_ends_at_a_cname),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
