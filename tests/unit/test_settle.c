// SPDX-License-Identifier: Apache-2.0
/*
 * Serials of zones, as records change: rule by rule.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dns/store/settle.h"
#include "tests/unit/tables.h"
#include "tests/unit/zone_model.h"

/* ---- Single rules ---- */

static int edit_by(struct served_table *on, const char *text, enum settle_by by,
		   struct refusal *why)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal ignored;
	MDB_txn *txn;
	int r;

	test_change(&change, text);
	txn = test_begin();
	r = table_apply_by(&tt.tables, txn, on->table, &change, by, NOW,
			   why ? why : &ignored);
	test_commit(txn);
	return r;
}

static int edit(struct served_table *on, const char *text)
{
	return edit_by(on, text, SETTLE_BY_FILE, NULL);
}

static uint32_t serial_of(struct served_table *on, const char *apex)
{
	struct name name = test_name(apex);
	struct zone_models models;
	struct zone_model *model;
	uint32_t serial;

	zone_models_read(&models, on->table);
	model = zone_models_find(&models, &name);
	assert_non_null(model);
	serial = model->serial;
	zone_models_free(&models);
	return serial;
}

#define SOA(owner, serial) owner " 60 SOA ns. h. " #serial " 1 2 3 4\n"

static void
what_somebody_may_transfer_has_a_new_serial_for_each_change(void **state)
{
	static const struct {
		const char *text;
		uint32_t serial;
	} cases[] = {
		{SOA("z.", 5) "z. NS ns.\n", 5},
		{"www.z. A 192.0.2.1\n", 6},
		{"www.z. A 192.0.2.1\n", 6},		/* nothing new */
		{SOA("z.", 6), 6},			/* the same */
		{SOA("z.", 3), 6},			/* nor is this */
		{SOA("z.", 3) "a.z. A 192.0.2.1\n", 7}, /* but this is */
		{SOA("z.", 20), 20},			/* ahead: kept */
		{SOA("z.", 30) "b.z. A 192.0.2.1\n", 30},
		{"z. 61 SOA ns. h. 30 1 2 3 4\n", 31},
		{"other. A 192.0.2.1\n", 31}, /* of no zone */
	};
	struct served_table on = serve(SERIAL_AUTO, true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(edit(&on, cases[i].text), 0);
		assert_int_equal(serial_of(&on, "z."), cases[i].serial);
	}
}

static void who_keeps_serials_has_those_that_are_written(void **state)
{
	static const struct {
		const char *text;
		uint32_t serial;
	} cases[] = {
		{SOA("z.", 5), 5},
		{"www.z. A 192.0.2.1\n", 5},
		{SOA("z.", 3), 3},
	};
	struct served_table keep = serve(SERIAL_KEEP, true);
	struct served_table alone = serve(SERIAL_AUTO, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(edit(&keep, cases[i].text), 0);
		assert_int_equal(serial_of(&keep, "z."), cases[i].serial);
		assert_int_equal(edit(&alone, cases[i].text), 0);
		assert_int_equal(serial_of(&alone, "z."), cases[i].serial);
	}
}

static void drop(struct served_table *on, const char *owner)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct name name = test_name(owner);
	struct refusal why;
	MDB_txn *txn = test_begin();

	change_drop(&change, &name);
	assert_int_equal(table_apply(&tt.tables, txn, on->table, &change, false,
				     NOW, &why),
			 0);
	test_commit(txn);
}

static void an_soa_that_comes_back_is_ahead_of_the_one_that_went(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);

	(void)state;
	edit(&on, SOA("z.", 5));
	drop(&on, "z.");
	edit(&on, SOA("z.", 5));
	assert_int_equal(serial_of(&on, "z."), 6);
	drop(&on, "z.");
	edit(&on, SOA("z.", 1));
	assert_int_equal(serial_of(&on, "z."), 7);
	drop(&on, "z.");
	edit(&on, SOA("z.", 100));
	assert_int_equal(serial_of(&on, "z."), 100);
}

static void the_zone_above_goes_on_with_what_delegates(void **state)
{
	static const struct {
		const char *text;
		uint32_t above, below;
	} cases[] = {
		{SOA("z.", 1), 1, 0},
		{SOA("s.z.", 1), 2, 1},
		{"s.z. NS ns.s.z.\n", 3, 2},
		{"ns.s.z. A 192.0.2.1\n", 4, 3},
		{"ns.s.z. TXT x\n", 4, 4},
		{"www.s.z. A 192.0.2.1\n", 4, 5},
		{"s.z. DS 1 8 2 00112233445566778899aabbccddeeff"
		 "00112233445566778899aabbccddeeff\n",
		 5, 5},
		{"www.z. A 192.0.2.1\n", 6, 5},
	};
	struct served_table on = serve(SERIAL_AUTO, true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(edit(&on, cases[i].text), 0);
		assert_int_equal(serial_of(&on, "z."), cases[i].above);
		if (cases[i].below)
			assert_int_equal(serial_of(&on, "s.z."),
					 cases[i].below);
	}
}

static void
a_secondary_takes_what_its_primary_says_and_nothing_else(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	struct name apex = test_name("z.");
	struct zone_row row;
	struct refusal why;
	MDB_txn *txn;

	(void)state;
	txn = test_begin();
	zone_row_make(&tt.tables, txn, on.home, &apex, &row);
	row.is_secondary = true;
	zone_row_put(&tt.tables, txn, on.home, &apex, &row);
	test_commit(txn);

	assert_int_equal(edit_by(&on, SOA("z.", 9) "w.z. A 192.0.2.1\n",
				 SETTLE_BY_FILE, &why),
			 EROFS);
	assert_non_null(strstr(why.reason, "primaries"));
	assert_int_equal(edit_by(&on, SOA("z.", 9) "w.z. A 192.0.2.1\n",
				 SETTLE_BY_TRANSFER, NULL),
			 0);
	assert_int_equal(
		edit_by(&on, "w.z. A 192.0.2.2\n", SETTLE_BY_UPDATE, NULL),
		EROFS);
	assert_int_equal(edit(&on, "w.z. A 192.0.2.1\n"), 0); /* is there */
	assert_int_equal(edit_by(&on, SOA("z.", 12) "w.z. A 192.0.2.2\n",
				 SETTLE_BY_TRANSFER, NULL),
			 0);
	assert_int_equal(serial_of(&on, "z."), 12);
	assert_int_equal(edit_by(&on, SOA("z.", 3), SETTLE_BY_TRANSFER, NULL),
			 0);
	assert_int_equal(serial_of(&on, "z."), 3);
}

static void what_is_signed_keeps_the_serial_that_is_signed(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);

	(void)state;
	edit(&on, SOA("z.", 5));
	assert_int_equal(
		edit(&on, "z. RRSIG SOA 8 1 60 20300101000000 20200101000000 "
			  "1 z. AAAA\n"),
		0);
	assert_int_equal(serial_of(&on, "z."), 5);
	assert_int_equal(edit(&on, "www.z. A 192.0.2.1\n"), 0);
	assert_int_equal(serial_of(&on, "z."), 5);
}

static int set_serial(struct served_table *on, uint32_t serial)
{
	struct name apex = test_name("z.");
	struct refusal why;
	MDB_txn *txn = test_begin();
	bool changed;
	int r = settle_serial(&tt.tables, txn, on->table, &apex, serial, NOW,
			      &changed, &why);

	test_commit(txn);
	return r;
}

static void a_serial_by_itself_goes_ahead_only(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, false);

	(void)state;
	assert_int_equal(set_serial(&on, 5), ENOENT);
	edit(&on, SOA("z.", 5));
	assert_int_equal(set_serial(&on, 5), 0);
	assert_int_equal(set_serial(&on, 4), ERANGE);
	assert_int_equal(set_serial(&on, UINT32_C(0x80000005)), ERANGE);
	assert_int_equal(set_serial(&on, 4000), 0);
	assert_int_equal(serial_of(&on, "z."), 4000);
}

static void
the_first_records_of_a_zone_that_was_only_made_keep_their_serial(void **state)
{
	static const struct {
		const char *text;
		uint32_t serial;
	} cases[] = {
		{SOA("z.", 3000000000) "z. NS ns.\n", UINT32_C(3000000000)},
		{SOA("z.", 0) "z. NS ns.\n", 0},
		{SOA("z.", 7) "z. NS ns.\n", 7},
		/* Somebody may have had it, with nothing in it. */
		{SOA("z.", 1) "z. NS ns.\n", 2},
		/* An SOA is no record that one would have. */
		{"z. 60 SOA ns. other. 3000000000 1 2 3 4\n",
		 UINT32_C(3000000000)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct served_table on = serve(SERIAL_AUTO, true);

		edit(&on, SOA("z.", 1));
		edit(&on, cases[i].text);
		assert_int_equal(serial_of(&on, "z."), cases[i].serial);
		edit(&on, "www.z. A 192.0.2.1\n");
		assert_int_equal(serial_of(&on, "z."), cases[i].serial + 1);
	}
}

static void share(struct served_table *on, bool yes)
{
	struct home home;
	MDB_txn *txn = test_begin();

	assert_int_equal(home_get(&tt.tables, txn, on->home, &home), 0);
	home.has_secondaries = yes;
	assert_int_equal(home_put(&tt.tables, txn, on->home, &home), 0);
	if (yes)
		assert_int_equal(
			settle_ahead(&tt.tables, txn, on->table, NULL, NOW), 0);
	test_commit(txn);
}

static void
who_may_be_transferred_goes_ahead_once_if_it_has_changed(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, false);

	(void)state;
	edit(&on, SOA("z.", 5) SOA("y.", 5) SOA("y.y.", 5) SOA("x.", 5));
	edit(&on, "www.z. A 192.0.2.1\nwww.y.y. A 192.0.2.1\n");
	share(&on, true);
	assert_int_equal(serial_of(&on, "z."), 6);
	assert_int_equal(serial_of(&on, "y."), 5);
	assert_int_equal(serial_of(&on, "y.y."), 6);
	assert_int_equal(serial_of(&on, "x."), 5);
	share(&on, false);
	share(&on, true);
	assert_int_equal(serial_of(&on, "z."), 6);
}

static void what_had_no_home_is_ahead_of_its_serial_too(void **state)
{
	struct served_table on = {.table = test_new_table(), .server = 99};
	MDB_txn *txn;

	(void)state;
	edit(&on, SOA("z.", 5) SOA("y.", 5) SOA("x.", 5));
	edit(&on, "www.z. A 192.0.2.1\nwww.x. A 192.0.2.1\n");
	edit(&on, SOA("x.", 6) "a.x. A 192.0.2.1\n");
	txn = test_begin();
	assert_int_equal(table_publish(&tt.tables, txn, on.server, on.table, 1),
			 0);
	assert_int_equal(home_make(&tt.tables, txn, on.server, &on.home), 0);
	test_commit(txn);
	share(&on, true);
	assert_int_equal(serial_of(&on, "z."), 6);
	assert_int_equal(serial_of(&on, "y."), 5);
	assert_int_equal(serial_of(&on, "x."), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_somebody_may_transfer_has_a_new_serial_for_each_change),
		cmocka_unit_test(who_keeps_serials_has_those_that_are_written),
		cmocka_unit_test(
			an_soa_that_comes_back_is_ahead_of_the_one_that_went),
		cmocka_unit_test(the_zone_above_goes_on_with_what_delegates),
		cmocka_unit_test(
			a_secondary_takes_what_its_primary_says_and_nothing_else),
		cmocka_unit_test(
			what_is_signed_keeps_the_serial_that_is_signed),
		cmocka_unit_test(a_serial_by_itself_goes_ahead_only),
		cmocka_unit_test(
			the_first_records_of_a_zone_that_was_only_made_keep_their_serial),
		cmocka_unit_test(
			who_may_be_transferred_goes_ahead_once_if_it_has_changed),
		cmocka_unit_test(what_had_no_home_is_ahead_of_its_serial_too),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
