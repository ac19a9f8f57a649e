// SPDX-License-Identifier: Apache-2.0
/*
 * What a nameserver has beside its records: rows, and what is known of them
 * without a look at each.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "dns/store/home.h"
#include "dns/store/table_layout.h"
#include "tests/unit/tables.h"

static MDB_txn *txn; /* of the test at hand */

static int begin(void **state)
{
	(void)state;
	txn = test_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	test_commit(txn);
	return 0;
}

/* A nameserver that answers, and has no home yet. */
static uint32_t make_server(uint64_t server)
{
	uint32_t table;

	assert_int_equal(table_create(&tt.tables, txn, &table), 0);
	assert_int_equal(table_publish(&tt.tables, txn, server, table, 1), 0);
	return table;
}

static uint32_t make_home(uint64_t server)
{
	uint32_t home;

	make_server(server);
	assert_int_equal(home_make(&tt.tables, txn, server, &home), 0);
	assert_int_not_equal(home, 0);
	return home;
}

static void put_list(uint32_t home, enum list_kind kind, const char *apex,
		     const char *text)
{
	struct name name;

	if (apex)
		name = test_name(apex);
	assert_int_equal(home_list_put(&tt.tables, txn, home, kind,
				       apex ? &name : NULL, text, strlen(text)),
			 0);
}

/* NULL: there is none. */
static void expect_list(uint32_t home, enum list_kind kind, const char *apex,
			const char *text)
{
	struct name name;
	MDB_val value;
	int r;

	if (apex)
		name = test_name(apex);
	r = home_list(&tt.tables, txn, home, kind, apex ? &name : NULL, &value);
	assert_int_equal(r, text ? 0 : -ENOENT);
	if (!text)
		return;
	assert_int_equal(value.mv_size, strlen(text));
	assert_memory_equal(value.mv_data, text, value.mv_size);
}

static struct home get_home(uint32_t home)
{
	struct home out;

	assert_int_equal(home_get(&tt.tables, txn, home, &out), 0);
	return out;
}

static struct zone_row get_zone(uint32_t home, const char *apex)
{
	struct name name = test_name(apex);
	struct zone_row out;

	assert_int_equal(zone_row_get(&tt.tables, txn, home, &name, &out), 0);
	return out;
}

static struct tsig_key make_key(const char *name, enum hmac_kind kind,
				uint16_t len)
{
	struct tsig_key key = {.kind = kind, .len = len};

	key.name = test_name(name);
	for (uint16_t i = 0; i < len; i++)
		key.secret[i] = (uint8_t)(i * 7 + len);
	return key;
}

/* ---- Homes ---- */

static void a_home_is_made_once_and_moves_with_what_is_answered(void **state)
{
	uint32_t first = make_server(1), second, home, again;
	struct table_counts counts;
	struct served served;

	(void)state;
	assert_int_equal(table_served(&tt.tables, txn, 1, &served), 0);
	assert_int_equal(served.table, first);
	assert_int_equal(served.home, 0);
	assert_int_equal(home_make(&tt.tables, txn, 1, &home), 0);
	assert_int_equal(home_make(&tt.tables, txn, 1, &again), 0);
	assert_int_equal(home, again);
	assert_int_equal(table_get_counts(&tt.tables, txn, first, &counts), 0);
	assert_int_equal(counts.home, home);

	assert_int_equal(table_create(&tt.tables, txn, &second), 0);
	assert_int_equal(table_publish(&tt.tables, txn, 1, second, 2), 0);
	assert_int_equal(table_served(&tt.tables, txn, 1, &served), 0);
	assert_int_equal(served.table, second);
	assert_int_equal(served.home, home);
	assert_int_equal(table_get_counts(&tt.tables, txn, second, &counts), 0);
	assert_int_equal(counts.home, home);
	/* Garbage is nobody's. */
	assert_int_equal(table_get_counts(&tt.tables, txn, first, &counts), 0);
	assert_int_equal(counts.home, 0);
	assert_int_equal(home_make(&tt.tables, txn, 4711, &home), -ENOENT);
}

static void no_number_is_given_twice(void **state)
{
	uint32_t last = make_home(11);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct name apex = test_name("a.");
		struct zone_row row;
		uint32_t home;

		assert_int_equal(
			zone_row_make(&tt.tables, txn, last, &apex, &row), 0);
		assert_true(row.id > last);
		assert_int_equal(zone_row_make(&tt.tables, txn, last, &apex,
					       &(struct zone_row){0}),
				 0);
		assert_int_equal(get_zone(last, "a.").id, row.id);
		assert_int_equal(table_retire(&tt.tables, txn, 11), 0);
		home = make_home(11);
		assert_true(home > row.id);
		last = home;
	}
}

static size_t entries(MDB_dbi dbi)
{
	MDB_stat stat;

	assert_int_equal(mdb_stat(txn, dbi, &stat), 0);
	return stat.ms_entries;
}

static size_t all_entries(void)
{
	return entries(tt.tables.zones) + entries(tt.tables.lists) +
	       entries(tt.tables.keys) + entries(tt.tables.journal);
}

static void add_journal(uint32_t id)
{
	for (unsigned i = 0; i < 3; i++) {
		uint8_t octets[16] = {0};
		MDB_val key = {sizeof(octets), octets}, value = {3, "abc"};

		put_u32(octets, id);
		put_u32(octets + 8, i);
		assert_int_equal(
			mdb_put(txn, tt.tables.journal, &key, &value, 0), 0);
	}
}

/* All that a home may have. */
static void furnish(uint32_t home)
{
	static const char *const apexes[] = {".", "a.", "b.a.", "\\000."};
	struct tsig_key key = make_key("xfr.", HMAC_SHA256, 32);

	put_list(home, LIST_SECONDARIES, NULL, "192.0.2.1\n");
	put_list(home, LIST_UPDATES, NULL, "xfr.\n");
	put_list(home, LIST_CATALOG, NULL, "catalog.\n");
	for (size_t i = 0; i < ARRAY_SIZE(apexes); i++) {
		put_list(home, LIST_SECONDARIES, apexes[i], "192.0.2.1\n");
		put_list(home, LIST_PRIMARIES, apexes[i], "192.0.2.2\n");
		add_journal(get_zone(home, apexes[i]).id);
	}
	assert_int_equal(home_key_put(&tt.tables, txn, home, &key), 0);
}

/* Its table, and with that what it had besides; so many rows at a time. */
static unsigned free_all(uint32_t table)
{
	unsigned slices = 0;
	bool left = true;

	for (; left; slices++) {
		size_t before = all_entries();

		assert_int_equal(
			table_free_slice(&tt.tables, txn, table, 5, &left), 0);
		assert_true(before - all_entries() <= 5);
	}
	return slices;
}

static void what_a_nameserver_had_is_gone_with_it(void **state)
{
	uint32_t other = make_home(22), home, table;
	size_t before;

	(void)state;
	furnish(other);
	before = all_entries();
	home = make_home(21);
	furnish(home);
	assert_true(all_entries() > before + 20);
	assert_int_equal(table_serving(&tt.tables, txn, 21, &table), 0);
	assert_int_equal(table_retire(&tt.tables, txn, 21), 0);
	/* Its keys at once; the rest is found by nobody any more. */
	assert_int_equal(entries(tt.tables.keys), 1);
	assert_int_equal(home_get(&tt.tables, txn, home, &(struct home){0}),
			 -ENOENT);
	assert_true(all_entries() > before + 20);
	assert_true(free_all(table) > 4);
	assert_int_equal(all_entries(), before);
	expect_list(other, LIST_CATALOG, NULL, "catalog.\n");
	/* One without a home goes too. */
	make_server(23);
	assert_int_equal(table_retire(&tt.tables, txn, 23), 0);
}

/* ---- Zones and lists ---- */

static void the_roots_lists_are_not_those_of_all_zones(void **state)
{
	uint32_t home = make_home(31);

	(void)state;
	put_list(home, LIST_SECONDARIES, ".", "192.0.2.1\n");
	expect_list(home, LIST_SECONDARIES, NULL, NULL);
	assert_int_equal(get_home(home).has_secondaries, 0);
	put_list(home, LIST_SECONDARIES, NULL, "192.0.2.2\n");
	expect_list(home, LIST_SECONDARIES, ".", "192.0.2.1\n");
	put_list(home, LIST_SECONDARIES, ".", "");
	expect_list(home, LIST_SECONDARIES, NULL, "192.0.2.2\n");
	assert_int_equal(get_home(home).has_secondaries, 1);
	assert_int_equal(get_zone(home, ".").has_secondaries, 0);
}

static void what_is_known_of_lists_is_what_they_are(void **state)
{
	uint32_t home = make_home(32);
	struct zone_row row;
	struct name apex = test_name("a.");

	(void)state;
	/* One that goes and never was needs no zone. */
	put_list(home, LIST_UPDATES, "a.", "");
	assert_int_equal(zone_row_get(&tt.tables, txn, home, &apex, &row),
			 -ENOENT);
	put_list(home, LIST_UPDATES, "a.", "k.\n");
	put_list(home, LIST_UPDATES, NULL, "k.\n");
	assert_int_equal(get_zone(home, "a.").has_updates, 1);
	assert_int_equal(get_home(home).has_updates, 1);
	put_list(home, LIST_UPDATES, "a.", "");
	put_list(home, LIST_UPDATES, NULL, "");
	/* The zone stays, for the serial that it may have had. */
	assert_int_equal(get_zone(home, "a.").has_updates, 0);
	assert_int_equal(get_home(home).has_updates, 0);
}

static void
a_new_secondary_is_dark_and_one_with_other_primaries_is_not(void **state)
{
	uint32_t home = make_home(33);
	struct name a = test_name("a.");
	struct zone_row row;
	struct home stored;

	(void)state;
	put_list(home, LIST_PRIMARIES, "a.", "192.0.2.1\n");
	put_list(home, LIST_PRIMARIES, "b.", "192.0.2.1\n");
	assert_int_equal(get_home(home).secondaries, 2);
	assert_int_equal(get_home(home).dark, 2);
	row = get_zone(home, "a.");
	assert_true(row.is_secondary && row.is_dark);

	/* It has come. */
	row.is_dark = 0;
	row.checked_ns = 5;
	assert_int_equal(zone_row_put(&tt.tables, txn, home, &a, &row), 0);
	stored = get_home(home);
	stored.dark--;
	assert_int_equal(home_put(&tt.tables, txn, home, &stored), 0);
	put_list(home, LIST_PRIMARIES, "a.", "192.0.2.2\n192.0.2.3\n");
	row = get_zone(home, "a.");
	assert_true(row.is_secondary && !row.is_dark && row.checked_ns == 5);
	assert_int_equal(get_home(home).dark, 1);

	put_list(home, LIST_PRIMARIES, "a.", "");
	row = get_zone(home, "a.");
	assert_true(!row.is_secondary && !row.is_dark);
	assert_int_equal(get_home(home).secondaries, 1);
	assert_int_equal(get_home(home).dark, 1);
	put_list(home, LIST_PRIMARIES, "a.", "192.0.2.2\n");
	assert_true(get_zone(home, "a.").is_dark);
	assert_int_equal(get_zone(home, "a.").checked_ns, 0);
	assert_int_equal(get_home(home).dark, 2);
}

static void a_zone_that_goes_takes_all_that_it_has(void **state)
{
	uint32_t home = make_home(34);
	struct name a = test_name("a."), b_a = test_name("b.a.");
	size_t before;

	(void)state;
	put_list(home, LIST_SECONDARIES, "b.a.", "192.0.2.1\n");
	before = all_entries();
	put_list(home, LIST_SECONDARIES, "a.", "192.0.2.1\n");
	put_list(home, LIST_PRIMARIES, "a.", "192.0.2.1\n");
	put_list(home, LIST_UPDATES, "a.", "k.\n");
	add_journal(get_zone(home, "a.").id);
	assert_int_equal(zone_row_del(&tt.tables, txn, home, &a), 0);
	assert_int_equal(all_entries(), before);
	assert_int_equal(get_home(home).secondaries, 0);
	assert_int_equal(get_home(home).dark, 0);
	expect_list(home, LIST_SECONDARIES, "b.a.", "192.0.2.1\n");
	assert_int_equal(zone_row_del(&tt.tables, txn, home, &a), -ENOENT);
	assert_int_equal(zone_row_del(&tt.tables, txn, home, &b_a), 0);
}

struct walked {
	struct buffer text;
	int ends_at;
};

static int note_list(void *arg, enum list_kind kind, const struct name *apex,
		     const MDB_val *text)
{
	struct walked *walked = arg;
	char name[NAME_TEXT_SIZE] = "-";

	if (apex)
		name_to_text(apex, name);
	buffer_printf(&walked->text, "%d %s %.*s", kind, name,
		      (int)text->mv_size, (char *)text->mv_data);
	return --walked->ends_at ? 0 : -EINTR;
}

static void all_lists_of_a_home_are_walked_and_no_others(void **state)
{
	struct walked walked = {0};
	struct home_list_walk walk = {0};
	uint32_t home = make_home(35), next = make_home(36);
	bool left = true;

	(void)state;
	put_list(home, LIST_UPDATES, NULL, "all.\n");
	put_list(home, LIST_UPDATES, ".", "root.\n");
	put_list(home, LIST_SECONDARIES, "b.a.", "any x.\n");
	put_list(home, LIST_CATALOG, NULL, "c.\n");
	put_list(next, LIST_UPDATES, NULL, "other.\n");
	while (left)
		assert_int_equal(home_each_list(&tt.tables, txn, home, &walk, 2,
						&left, note_list, &walked),
				 0);
	buffer_add(&walked.text, "", 1);
	assert_string_equal((char *)walked.text.data,
			    "1 b.a. any x.\n3 - all.\n3 . root.\n4 - c.\n");
	walked.ends_at = 2;
	walk.len = 0;
	assert_int_equal(home_each_list(&tt.tables, txn, home, &walk, SIZE_MAX,
					&left, note_list, &walked),
			 -EINTR);
	buffer_deinit(&walked.text);
}

static void zones_are_walked_in_dns_order(void **state)
{
	static const char *const apexes[] = {".", "a.", "b.a.", "a.b.", "c.b."};
	uint32_t home = make_home(37);
	uint8_t key[NAME_KEY_SIZE];
	struct zone_row row;
	struct name apex;
	size_t len = 0;
	int r;

	(void)state;
	make_home(38);
	for (size_t i = ARRAY_SIZE(apexes); i-- > 0;)
		put_list(home, LIST_UPDATES, apexes[i], "k.\n");
	test_commit(txn);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_zone_row_next(tt.snapshot, home, NULL, 0, &apex, &row);
	for (size_t i = 0; i < ARRAY_SIZE(apexes); i++) {
		char text[NAME_TEXT_SIZE];

		assert_int_equal(r, 0);
		name_to_text(&apex, text);
		assert_string_equal(text, apexes[i]);
		assert_int_equal(row.has_updates, 1);
		len = name_to_key(&apex, key);
		r = snapshot_zone_row_next(tt.snapshot, home, key, len, &apex,
					   &row);
	}
	assert_int_equal(r, -ENOENT);
	snapshot_end(tt.snapshot);
	txn = test_begin();
}

static void a_zone_counts_its_serial_if_somebody_may_know_it(void **state)
{
	static const struct {
		struct home home;
		struct zone_row row;
		bool counted, shared;
	} cases[] = {
		{{.policy = SERIAL_AUTO}, {0}, false, false},
		{{.has_secondaries = 1}, {0}, true, true},
		{{0}, {.has_secondaries = 1}, true, true},
		{{.has_updates = 1}, {0}, true, false},
		{{0}, {.has_updates = 1}, true, false},
		{{.policy = SERIAL_DATE}, {0}, true, false},
		{{.policy = SERIAL_KEEP, .has_secondaries = 1},
		 {0},
		 false,
		 true},
		{{.policy = SERIAL_INCREMENT},
		 {.is_secondary = 1},
		 false,
		 false},
		{{.has_secondaries = 1}, {.is_secondary = 1}, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(zone_is_counted(&cases[i].home, &cases[i].row),
				 cases[i].counted);
		assert_int_equal(zone_is_shared(&cases[i].home, &cases[i].row),
				 cases[i].shared);
	}
}

/* ---- Keys ---- */

static void a_key_is_found_in_any_case_and_as_it_was(void **state)
{
	uint32_t home = make_home(41), other = make_home(42);
	struct tsig_key one = make_key("a.b.", HMAC_SHA512, KEY_SECRET_SIZE);
	struct tsig_key two = make_key("a.b.", HMAC_SHA1, 1), got;
	struct name name = test_name("A.B.");

	(void)state;
	assert_int_equal(home_key_put(&tt.tables, txn, home, &one), 0);
	assert_int_equal(home_key_put(&tt.tables, txn, other, &two), 0);
	assert_int_equal(home_key(&tt.tables, txn, home, &name, &got), 0);
	assert_true(name_equal(&got.name, &one.name));
	assert_int_equal(got.kind, HMAC_SHA512);
	assert_int_equal(got.len, KEY_SECRET_SIZE);
	assert_memory_equal(got.secret, one.secret, KEY_SECRET_SIZE);

	assert_int_equal(home_key_put(&tt.tables, txn, home, &two), 0);
	assert_int_equal(get_home(home).keys, 1);
	assert_int_equal(home_key(&tt.tables, txn, home, &name, &got), 0);
	assert_int_equal(got.kind, HMAC_SHA1);
	assert_int_equal(got.len, 1);
	assert_int_equal(home_key_del(&tt.tables, txn, home, &name), 0);
	assert_int_equal(get_home(home).keys, 0);
	assert_int_equal(home_key_del(&tt.tables, txn, home, &name), -ENOENT);
	assert_int_equal(home_key(&tt.tables, txn, home, &name, &got), -ENOENT);
	assert_int_equal(home_key(&tt.tables, txn, other, &name, &got), 0);
}

static void there_are_so_many_keys_at_most(void **state)
{
	uint32_t home = make_home(43);
	struct tsig_key key;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < HOME_KEYS_MAX; i++) {
		snprintf(name, sizeof(name), "k%u.", i);
		key = make_key(name, HMAC_SHA256, 32);
		assert_int_equal(home_key_put(&tt.tables, txn, home, &key), 0);
	}
	assert_int_equal(get_home(home).keys, HOME_KEYS_MAX);
	/* One that is there may be another. */
	assert_int_equal(home_key_put(&tt.tables, txn, home, &key), 0);
	key = make_key("more.", HMAC_SHA256, 32);
	assert_int_equal(home_key_put(&tt.tables, txn, home, &key), -EDQUOT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_home_is_made_once_and_moves_with_what_is_answered),
		TEST(no_number_is_given_twice),
		TEST(what_a_nameserver_had_is_gone_with_it),
		TEST(the_roots_lists_are_not_those_of_all_zones),
		TEST(what_is_known_of_lists_is_what_they_are),
		TEST(a_new_secondary_is_dark_and_one_with_other_primaries_is_not),
		TEST(a_zone_that_goes_takes_all_that_it_has),
		TEST(all_lists_of_a_home_are_walked_and_no_others),
		TEST(zones_are_walked_in_dns_order),
		TEST(a_zone_counts_its_serial_if_somebody_may_know_it),
		TEST(a_key_is_found_in_any_case_and_as_it_was),
		TEST(there_are_so_many_keys_at_most),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
