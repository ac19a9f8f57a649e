// SPDX-License-Identifier: Apache-2.0
/* A zone that lists the others: RFC 9432. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dns/store/catalog.h"
#include "homes.h"

#define SOA(zone) zone " 60 SOA ns. h. 1 1 2 3 4\n"

static uint64_t servers = 500;
static uint32_t table, home;

static void begin(const char *text)
{
	MDB_txn *txn = test_begin();

	assert_int_equal(table_create(&tt.tables, txn, &table), 0);
	assert_int_equal(table_publish(&tt.tables, txn, ++servers, table, 1),
			 0);
	test_commit(txn);
	home = homes_new(servers);
	assert_int_equal(test_apply(table, text, false, NULL), 0);
}

static int update(const char *apex)
{
	struct name name = test_name(apex ? apex : ".");
	MDB_txn *txn = test_begin();
	struct refusal why;
	int r = catalog_update(&tt.tables, txn, home, table,
			       apex ? &name : NULL, 1, &why);

	/* What refuses has changed nothing. */
	test_commit(txn);
	return r;
}

static bool is_behind(const char *apex)
{
	struct name name = test_name(apex);
	bool is;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	is = catalog_is_behind(tt.snapshot, home, table, &name);
	snapshot_end(tt.snapshot);
	return is;
}

/* These are its members, and that is its SOA. */
static void expect(const char *catalog, const char *const *members,
		   uint32_t serial)
{
	CLEANUP(freep) char *all = test_dump(table);
	char *line, *rest = all, soa[160], owner[160];
	size_t count = 0, found = 0, others = 0;

	snprintf(soa, sizeof(soa),
		 "%s\t0\tIN\tSOA\tinvalid. invalid. %u 3600 600 2147483646 0",
		 catalog, serial);
	snprintf(owner, sizeof(owner), ".zones.%s\t0\tIN\tPTR\t", catalog);
	while (members[count])
		count++;
	while ((line = strsep(&rest, "\n"))) {
		char *member = strstr(line, owner);

		others += !strcmp(line, soa);
		if (!member)
			continue;
		/* 32 digits: of the zone's name, whatever else there is. */
		assert_int_equal(member - line, 32);
		found++;
		for (size_t i = 0; i < count; i++)
			if (!strcmp(member + strlen(owner), members[i]))
				goto listed;
		fail_msg("%s is listed", line);
listed:;
	}
	assert_int_equal(found, count);
	assert_int_equal(others, 1);
}

static void all_zones_are_listed_but_itself(void **state)
{
	static const char *const two[] = {"b.", "a.b.", NULL};
	CLEANUP(freep) char *text = NULL;

	(void)state;
	begin(SOA("b.") SOA("a.b.") "www.b. 60 A 192.0.2.1\n");
	/* Nobody has asked for one. */
	assert_int_equal(update(NULL), 0);
	assert_false(is_behind("b."));
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	assert_true(is_behind("b."));
	assert_int_equal(update(NULL), 0);
	expect("cat.", two, 1);
	assert_false(is_behind("b.") || is_behind("cat."));
	text = test_dump(table);
	assert_non_null(strstr(text, "version.cat.\t0\tIN\tTXT\t\"2\"\n"));
	assert_non_null(strstr(text, "cat.\t0\tIN\tNS\tinvalid.\n"));
	/* Nothing new is no new serial. */
	assert_int_equal(update(NULL), 0);
	assert_int_equal(update("b."), 0);
	expect("cat.", two, 1);
	begin(SOA("b.") SOA("a.b."));
	homes_list(home, LIST_CATALOG, NULL, "x.b.\n");
	assert_int_equal(update(NULL), 0);
	expect("x.b.", two, 1);
}

static void drop(const char *owner)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct name name = test_name(owner);
	MDB_txn *txn = test_begin();
	struct refusal why;

	change_drop(&change, &name);
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 2, &why),
		0);
	test_commit(txn);
}

static void each_that_comes_or_goes_is_one_serial(void **state)
{
	static const char *const before[] = {"a.", "b.", NULL};
	static const char *const after[] = {"b.", NULL};
	CLEANUP(freep) char *first = NULL, *again = NULL;

	(void)state;
	begin(SOA("a."));
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	assert_int_equal(update(NULL), 0);
	assert_int_equal(test_apply(table, SOA("b."), false, NULL), 0);
	assert_true(is_behind("B."));
	assert_int_equal(update("b."), 0);
	expect("cat.", before, 2);
	first = test_dump(table);
	drop("a.");
	assert_true(is_behind("a."));
	assert_int_equal(update("a."), 0);
	expect("cat.", after, 3);
	assert_int_equal(test_apply(table, SOA("a."), false, NULL), 0);
	/* What was missed is found when all are looked at. */
	drop("b.");
	assert_int_equal(test_apply(table, SOA("b."), false, NULL), 0);
	assert_int_equal(update(NULL), 0);
	expect("cat.", before, 4);
	again = test_dump(table);
	/* Each has the label that it had. */
	assert_string_equal(strstr(again, ".cat."), strstr(first, ".cat."));
}

static void a_zone_of_that_name_is_in_the_way(void **state)
{
	CLEANUP(freep) char *before = NULL, *after = NULL;

	(void)state;
	begin(SOA("cat.") SOA("a."));
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	before = test_dump(table);
	assert_int_equal(update(NULL), EBUSY);
	after = test_dump(table);
	assert_string_equal(after, before);
	/* And so is one that others have, before it has come. */
	begin(SOA("a."));
	homes_secondary(home, "cat.", 0);
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	assert_int_equal(update(NULL), EBUSY);
}

static void another_name_is_another_catalog_and_none_is_none(void **state)
{
	static const char *const members[] = {"a.", NULL};
	CLEANUP(freep) char *before = NULL, *after = NULL;
	struct home stored;

	(void)state;
	begin(SOA("a."));
	before = test_dump(table);
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	assert_int_equal(update(NULL), 0);
	homes_list(home, LIST_CATALOG, NULL, "dog.\n");
	assert_int_equal(update(NULL), 0);
	expect("dog.", members, 1);
	homes_list(home, LIST_CATALOG, NULL, "");
	assert_int_equal(update(NULL), 0);
	after = test_dump(table);
	assert_string_equal(after, before);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(snapshot_home(tt.snapshot, home, &stored), 0);
	snapshot_end(tt.snapshot);
	assert_int_equal(stored.catalogs, 0);
	assert_int_equal(stored.zones, 0);
}

static void files_do_not_change_it(void **state)
{
	struct refusal why;

	(void)state;
	begin(SOA("a."));
	homes_list(home, LIST_CATALOG, NULL, "cat.\n");
	assert_int_equal(update(NULL), 0);
	assert_int_equal(test_apply(table, "x.cat. 60 TXT x\n", false, &why),
			 EROFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_zones_are_listed_but_itself),
		cmocka_unit_test(each_that_comes_or_goes_is_one_serial),
		cmocka_unit_test(a_zone_of_that_name_is_in_the_way),
		cmocka_unit_test(
			another_name_is_another_catalog_and_none_is_none),
		cmocka_unit_test(files_do_not_change_it),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
