// SPDX-License-Identifier: Apache-2.0
/*
 * test_admit.c - who may transfer, notify and update
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dns/answer/admit.h"
#include "homes.h"

#define ZONE "example.org"

static uint32_t home;
static struct name zone, key_a, key_b;

enum { NOT_PROVEN, PROVEN };

static struct admit_who who(const char *address, bool is_proven,
			    const struct name *key)
{
	struct admit_who out = {.is_proven = is_proven, .key = key};

	assert_int_equal(address_parse(address, &out.address), 0);
	return out;
}

struct who_case {
	const char *address;
	bool is_proven;
	const struct name *key;
	int result;
};

static void check(int (*admit)(struct snapshot *snapshot, uint32_t home,
			       const struct name *apex,
			       const struct admit_who *who),
		  const struct who_case *cases, size_t count)
{
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	for (size_t i = 0; i < count; i++) {
		struct admit_who asks =
			who(cases[i].address, cases[i].is_proven, cases[i].key);
		int r = admit(tt.snapshot, home, &zone, &asks);

		if (r != cases[i].result)
			fail_msg("%zu: %s: %d", i, cases[i].address, r);
	}
	snapshot_end(tt.snapshot);
}

static void the_lists_of_the_zone_and_of_all_count_together(void **state)
{
	const struct who_case cases[] = {
		{"192.0.2.1", NOT_PROVEN, NULL, 0},
		{"192.0.2.2", PROVEN, NULL, -EACCES},
		{"192.0.2.2", PROVEN, &key_a, 0},
		{"192.0.2.2", PROVEN, &key_b, -EACCES},
		{"198.51.100.1", PROVEN, &key_a, -EACCES},
		{"198.51.100.1", NOT_PROVEN, &key_b, 0},
		{"2001:db8::1", NOT_PROVEN, NULL, 0},
		{"2001:db9::1", NOT_PROVEN, NULL, -EACCES},
		{"203.0.113.1", PROVEN, NULL, -EACCES},
	};

	(void)state;
	homes_list(home, LIST_SECONDARIES, NULL,
		   "192.0.2.1\n198.51.100.0/24 b.\n");
	homes_list(home, LIST_SECONDARIES, ZONE,
		   "192.0.2.2 a.\n2001:db8::/32\n");
	/* Another zone's are nobody's here. */
	homes_list(home, LIST_SECONDARIES, "example.net", "203.0.113.1\n");
	check(admit_transfer, cases, ARRAY_SIZE(cases));
}

static void who_is_in_no_list_may_nothing(void **state)
{
	const struct who_case cases[] = {
		{"192.0.2.1", PROVEN, &key_a, -EACCES},
		{"192.0.2.1", PROVEN, NULL, -EACCES},
	};
	uint32_t former = home;

	(void)state;
	homes_list(home, LIST_SECONDARIES, NULL, "");
	homes_list(home, LIST_SECONDARIES, ZONE, "");
	for (unsigned i = 0; i < 2; i++) {
		check(admit_transfer, cases, ARRAY_SIZE(cases));
		check(admit_notify, cases, ARRAY_SIZE(cases));
		check(admit_updater, cases, ARRAY_SIZE(cases));
		home = 0; /* it has no settings at all */
	}
	home = former;
}

static void a_primarys_address_or_key_is_enough_for_notify(void **state)
{
	const struct who_case cases[] = {
		{"192.0.2.1", NOT_PROVEN, NULL, 0},
		{"192.0.2.1", NOT_PROVEN, &key_b, 0},
		{"192.0.2.2", NOT_PROVEN, NULL, 0},
		{"192.0.2.3", NOT_PROVEN, NULL, -EACCES},
		{"192.0.2.3", NOT_PROVEN, &key_a, 0},
		{"192.0.2.3", NOT_PROVEN, &key_b, -EACCES},
	};

	(void)state;
	homes_list(home, LIST_PRIMARIES, ZONE,
		   "192.0.2.1 a.\n192.0.2.2:5300\n");
	check(admit_notify, cases, ARRAY_SIZE(cases));
	homes_list(home, LIST_PRIMARIES, ZONE, "");
}

static void an_address_must_be_proven_to_update(void **state)
{
	const struct who_case cases[] = {
		{"192.0.2.1", PROVEN, NULL, 0},
		{"192.0.2.1", NOT_PROVEN, NULL, -EACCES},
		{"192.0.2.1", NOT_PROVEN, &key_b, -EACCES},
		{"192.0.2.77", PROVEN, NULL, -EACCES},
		{"198.51.100.77", PROVEN, NULL, 0},
		{"203.0.113.1", NOT_PROVEN, &key_a, 0},
		{"203.0.113.1", PROVEN, &key_b, -EACCES},
	};

	(void)state;
	homes_list(home, LIST_UPDATES, NULL, "198.51.100.0/24\n");
	homes_list(home, LIST_UPDATES, ZONE, "192.0.2.1 www A\na. * TXT\n");
	check(admit_updater, cases, ARRAY_SIZE(cases));
}

static void each_rrset_needs_a_line_that_lets_it(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		bool lets;
	} cases[] = {
		{"www.example.org", 1, true},
		{"www.example.org", 28, false},
		{"www.example.org", 0, false},
		{"_acme-challenge.example.org", 16, true},
		{"_acme-challenge.a.example.org", 16, true},
		{"_acme-challenge.a.example.org", 1, false},
		{"host.example.org", 1, true},
		{"host.example.org", 0, true},
		{"elsewhere.example.org", 16, false},
	};
	struct admit_who asks = who("192.0.2.1", PROVEN, &key_a);
	struct admit_lines *lines;

	(void)state;
	homes_list(home, LIST_UPDATES, NULL, "a. _acme-challenge.* TXT\nb.\n");
	homes_list(home, LIST_UPDATES, ZONE, "a. www A\n192.0.2.1 host\n");
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(
		admit_lines_new(&lines, tt.snapshot, home, &zone, &asks), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct name name = test_name(cases[i].name);
		int r = admit_update(tt.snapshot, home, &zone, &asks, &name,
				     cases[i].type);

		if (r != (cases[i].lets ? 0 : -EACCES) ||
		    admit_lines_let(lines, &name, cases[i].type) !=
			    cases[i].lets)
			fail_msg("%s %u", cases[i].name, cases[i].type);
	}
	lines = admit_lines_free(lines);
	asks = who("192.0.2.2", PROVEN, NULL);
	assert_int_equal(
		admit_lines_new(&lines, tt.snapshot, home, &zone, &asks),
		-EACCES);
	assert_null(lines);
	snapshot_end(tt.snapshot);
}

static int open_all(void **state)
{
	MDB_txn *txn;
	int r = test_tables_open(state);
	uint32_t table = test_new_table();

	txn = test_begin();
	assert_int_equal(table_publish(&tt.tables, txn, 1, table, 1), 0);
	test_commit(txn);
	home = homes_new(1);
	zone = test_name(ZONE);
	key_a = test_name("a");
	key_b = test_name("b");
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_lists_of_the_zone_and_of_all_count_together),
		cmocka_unit_test(who_is_in_no_list_may_nothing),
		cmocka_unit_test(
			a_primarys_address_or_key_is_enough_for_notify),
		cmocka_unit_test(an_address_must_be_proven_to_update),
		cmocka_unit_test(each_rrset_needs_a_line_that_lets_it),
	};

	return cmocka_run_group_tests(tests, open_all, test_tables_close);
}
