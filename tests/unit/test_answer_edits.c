// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_edits.c - an answer is the newest one, whatever was asked before
 *
 * All of it is asked through one snapshot, as a worker does, and every question
 * is asked before an edit too, so that what the snapshot remembers is old.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define HEAD                                                                   \
	"$ORIGIN ex.\n"                                                        \
	"@ SOA ns h 1 2 3 4 300\n"
#define SOA "ns ex. 300 SOA ns.ex. h.ex. 1 2 3 4 300\n"

/* An edit, and what it makes of the answers. */
struct edit {
	const char *drop; /* an owner; or NULL */
	const char *add;  /* records; or NULL */
	struct asking_case before[3], after[3];
};

static void check(const struct asking_case *cases)
{
	size_t count = 0;

	while (count < 3 && cases[count].name)
		count++;
	/* Twice: what the first one finds, the second remembers. */
	asking_check(cases, count);
	asking_check(cases, count);
}

static void an_edit_shows_in_the_next_answer(void **state)
{
	static const char zone[] = HEAD "a.ent A 192.0.2.1\n"
					"*.wild A 192.0.2.2\n"
					"cut NS ns.cut\n"
					"ns.cut A 192.0.2.3\n"
					"a.b.c.d A 192.0.2.4\n";
	static const struct edit edits[] = {
		/* An empty non-terminal gets a record, a cut's. */
		{.add = "ent.ex. NS ns.else.\n",
		 .before = {{"x.ent.ex.", "A", "NXDOMAIN aa\n" SOA},
			    {"a.ent.ex.", "A",
			     "NOERROR aa\nan a.ent.ex. 3600 A 192.0.2.1\n"}},
		 .after = {{"x.ent.ex.", "A",
			    "NOERROR\nns ent.ex. 3600 NS ns.else.\n"},
			   {"a.ent.ex.", "A",
			    "NOERROR\nns ent.ex. 3600 NS ns.else.\n"}}},
		/* A wildcard goes. */
		{.drop = "*.wild.ex.",
		 .add = "a.wild.ex. A 192.0.2.5\n",
		 .before = {{"x.wild.ex.", "A",
			     "NOERROR aa\nan x.wild.ex. 3600 A 192.0.2.2\n"}},
		 .after = {{"x.wild.ex.", "A", "NXDOMAIN aa\n" SOA}}},
		/* A wildcard comes, where there was none. */
		{.add = "*.ex. A 192.0.2.6\n",
		 .before = {{"x.ex.", "A", "NXDOMAIN aa\n" SOA}},
		 .after = {{"x.ex.", "A",
			    "NOERROR aa\nan x.ex. 3600 A 192.0.2.6\n"}}},
		/* The records of a cut change, and its glue. */
		{.drop = "cut.ex.",
		 .add = "cut.ex. NS ns2.cut.ex.\nns2.cut.ex. A 192.0.2.7\n",
		 .before = {{"x.cut.ex.", "A",
			     "NOERROR\n"
			     "ns cut.ex. 3600 NS ns.cut.ex.\n"
			     "ar ns.cut.ex. 3600 A 192.0.2.3\n"}},
		 .after = {{"x.cut.ex.", "A",
			    "NOERROR\n"
			    "ns cut.ex. 3600 NS ns2.cut.ex.\n"
			    "ar ns2.cut.ex. 3600 A 192.0.2.7\n"}}},
		/* A cut goes, and what was below it is the zone's. */
		{.drop = "cut.ex.",
		 .before = {{"ns.cut.ex.", "A",
			     "NOERROR\n"
			     "ns cut.ex. 3600 NS ns2.cut.ex.\n"
			     "ar ns2.cut.ex. 3600 A 192.0.2.7\n"}},
		 .after = {{"ns.cut.ex.", "A",
			    "NOERROR aa\n"
			    "an ns.cut.ex. 3600 A 192.0.2.3\n"}}},
		/* An ancestor becomes an apex, and a DNAME's owner. */
		{.add = "d.ex. SOA ns h 1 2 3 4 60\n",
		 .before = {{"x.c.d.ex.", "A", "NXDOMAIN aa\n" SOA}},
		 .after = {{"x.c.d.ex.", "A",
			    "NXDOMAIN aa\nns d.ex. 60 SOA ns. h. 1 2 3 4 "
			    "60\n"}}},
		{.add = "c.d.ex. DNAME else.\n",
		 .before = {{"a.b.c.d.ex.", "A",
			     "NOERROR aa\nan a.b.c.d.ex. 3600 A 192.0.2.4\n"}},
		 .after = {{"a.b.c.d.ex.", "A",
			    "NOERROR aa\n"
			    "an c.d.ex. 3600 DNAME else.\n"
			    "an a.b.c.d.ex. 3600 CNAME a.b.else.\n"}}},
		/* The zone is no zone any more. */
		{.drop = "ex.",
		 .before = {{"a.wild.ex.", "MX", "NOERROR aa\n" SOA}},
		 .after = {{"a.wild.ex.", "MX", "NOERROR aa\n"}}},
	};

	(void)state;
	asking_load(zone);
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		check(edits[i].before);
		asking_edit(edits[i].drop, edits[i].add);
		check(edits[i].after);
	}
}

static void a_table_that_replaces_another_is_the_one_that_answers(void **state)
{
	static const struct asking_case first[3] = {
		{"x.ex.", "A", "NOERROR aa\nan x.ex. 3600 A 192.0.2.1\n"},
		{"y.ex.", "MX", "NOERROR aa\n" SOA},
	};
	static const struct asking_case second[3] = {
		{"x.ex.", "A",
		 "NXDOMAIN aa\nns ex. 60 SOA ns.ex. h.ex. 9 2 3 4 60\n"},
		{"y.ex.", "MX", "NOERROR aa\nan y.ex. 3600 MX 1 m.else.\n"},
	};

	(void)state;
	asking_load(HEAD "* A 192.0.2.1\n");
	check(first);
	asking_load("$ORIGIN ex.\n@ SOA ns h 9 2 3 4 60\n"
		    "y MX 1 m.else.\n");
	check(second);
}

static void two_servers_in_turn_have_their_own_answers(void **state)
{
	static const struct asking_case first[3] = {
		{"x.ex.", "A", "NOERROR aa\nan x.ex. 3600 A 192.0.2.1\n"},
		{"x.cut.ex.", "A", "NOERROR\nns cut.ex. 3600 NS one.\n"},
	};
	static const struct asking_case second[3] = {
		{"x.ex.", "A", "NOERROR aa\nan x.ex. 3600 A 192.0.2.2\n"},
		{"x.cut.ex.", "A", "NXDOMAIN aa\n" SOA},
	};
	uint32_t tables[2];

	(void)state;
	tables[0] = asking_load(HEAD "* A 192.0.2.1\ncut NS one.\n");
	tables[1] = asking_load(HEAD "* A 192.0.2.2\na.cut NS two.\n");
	for (int i = 0; i < 3; i++) {
		asking_turn_to(tables[0]);
		check(first);
		asking_turn_to(tables[1]);
		check(second);
	}
}

/* More names than a snapshot remembers, and names too long for that. */
static void many_and_long_names_have_their_own_answers(void **state)
{
	static const char label[] = "012345678901234567890123456789012345678901"
				    "234567890123456789";
	CLEANUP(buffer_deinit) struct buffer zone = {0};
	char text[512], wanted[1024];

	(void)state;
	assert_int_equal(buffer_add_text(&zone, HEAD), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "*.w%d.%s.%s A 192.0.2.%d\n", i,
			 i % 2 ? label : "short", label + i % 60, i % 256);
		assert_int_equal(buffer_add_text(&zone, text), 0);
	}
	assert_int_equal(buffer_add(&zone, "", 1), 0);
	asking_load((const char *)zone.data);
	for (int i = 0; i < 900; i++) {
		int w = i * 7 % 300;

		snprintf(text, sizeof(text), "x.w%d.%s.%s.ex.", w,
			 w % 2 ? label : "short", label + w % 60);
		snprintf(wanted, sizeof(wanted),
			 "NOERROR aa\nan %s 3600 A 192.0.2.%d\n", text,
			 w % 256);
		assert_string_equal(asking_ask(text, "A"), wanted);
	}
}

/* Nor does it when it comes to nothing. */
static void a_change_that_is_not_committed_does_not_show(void **state)
{
	static const struct asking_case cases[3] = {
		{"x.ex.", "A", "NOERROR aa\nan x.ex. 3600 A 192.0.2.1\n"},
		{"x.cut.ex.", "A", "NOERROR\nns cut.ex. 3600 NS one.\n"},
		{"y.a.ent.ex.", "A", "NXDOMAIN aa\n" SOA},
	};

	(void)state;
	asking_load(HEAD "* A 192.0.2.1\ncut NS one.\nb.a.ent A 192.0.2.2\n");
	check(cases);
	for (int i = 0; i < 3; i++) {
		asking_begin_edits(2000);
		check(cases);
		asking_abort_edits();
		check(cases);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_shows_in_the_next_answer),
		cmocka_unit_test(
			a_table_that_replaces_another_is_the_one_that_answers),
		cmocka_unit_test(two_servers_in_turn_have_their_own_answers),
		cmocka_unit_test(many_and_long_names_have_their_own_answers),
		cmocka_unit_test(a_change_that_is_not_committed_does_not_show),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
