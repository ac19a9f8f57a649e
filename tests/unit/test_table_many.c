// SPDX-License-Identifier: Apache-2.0
/*
 * test_table_many.c - one name with many records, and one with too many
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "dns/store/table_key.h"
#include "tests/unit/tables.h"

#define LARGE 60000 /* octets of RDATA: one such record is all of an RRset */

/* What an owner has, in octets as it is stored. */
static size_t stored_size(uint32_t table, const char *owner)
{
	struct name name = test_name(owner);
	struct rrsets rrsets = {0};

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	snapshot_get(tt.snapshot, table, &name, &rrsets);
	snapshot_end(tt.snapshot);
	return rrsets.len;
}

static int apply(uint32_t table, struct change *change, struct refusal *why)
{
	MDB_txn *txn = test_begin();
	int r = table_apply(&tt.tables, txn, table, change, false, 1, why);

	test_commit(txn);
	change_deinit(change);
	return r;
}

static void add_large(struct change *change, const char *owner, uint16_t type,
		      uint32_t line)
{
	static const uint8_t rdata[LARGE];
	struct rr rr = {
		.owner = test_name(owner),
		.type = type,
		.ttl = 1,
		.rdlen = sizeof(rdata),
		.rdata = rdata,
	};

	assert_int_equal(change_add(change, &rr, line), 0);
}

static int apply_large(uint32_t table, const char *owner, uint16_t type,
		       struct refusal *why)
{
	struct change change = {0};

	add_large(&change, owner, type, type);
	return apply(table, &change, why);
}

/* As many large records as fit a name; returns the first type that does not. */
static uint16_t fill(uint32_t table, const char *owner, uint16_t type,
		     struct refusal *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < 2 * RRSETS_SIZE / LARGE; i++)
		r = apply_large(table, owner, type++, why);
	assert_int_equal(r, EDQUOT);
	return (uint16_t)(type - 1);
}

static void the_records_of_a_name_are_a_mebibyte_at_most(void **state)
{
	uint32_t table = test_new_table();
	struct refusal why = {0};
	size_t before;
	uint16_t type = fill(table, "big.", 1000, &why);

	(void)state;
	before = stored_size(table, "big.");
	assert_in_range(before, RRSETS_SIZE - LARGE - 64, RRSETS_SIZE);
	assert_int_equal(why.line, type);
	assert_string_equal(why.text, "big.");
	assert_non_null(strstr(why.reason, "1048576 octets"));
	/* Another name has room, and so has this one for what is small. */
	assert_int_equal(apply_large(table, "other.", 1000, &why), 0);
	assert_int_equal(test_apply(table, "big. A 192.0.2.1\n", false, &why),
			 0);
	assert_true(stored_size(table, "big.") > before);
}

static void what_is_staged_of_a_name_is_bounded_too(void **state)
{
	uint32_t table = test_new_table();
	struct change change = {0};
	struct refusal why;
	MDB_txn *txn;
	int r;

	(void)state;
	for (uint16_t i = 0; i < RRSETS_SIZE / LARGE + 1; i++)
		add_large(&change, "big.", 1000 + i, i + 1u);
	txn = test_begin();
	r = table_apply(&tt.tables, txn, table, &change, true, 1, &why);
	test_commit(txn);
	change_deinit(&change);
	assert_int_equal(r, EDQUOT);
	assert_int_equal(stored_size(table, "big."), 0);
}

/* RRsets of a type come before those of a greater one: so a value is made. */
static void join(uint32_t table, const char *owner, const char *more)
{
	CLEANUP(buffer_deinit) struct buffer both = {0};
	const char *const owners[] = {owner, more};
	uint8_t octets[TABLE_KEY_SIZE];
	struct name name = test_name(owner);
	MDB_txn *txn = test_begin();
	MDB_val key, value;

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		struct name one = test_name(owners[i]);

		key = (MDB_val){table_key(octets, table, &one), octets};
		assert_int_equal(mdb_get(txn, tt.tables.records, &key, &value),
				 0);
		assert_int_equal(
			buffer_add(&both, value.mv_data, value.mv_size), 0);
	}
	key = (MDB_val){table_key(octets, table, &name), octets};
	value = (MDB_val){both.len, both.data};
	assert_int_equal(mdb_put(txn, tt.tables.records, &key, &value, 0), 0);
	test_commit(txn);
}

static void a_name_that_had_more_before_may_become_smaller(void **state)
{
	uint32_t table = test_new_table();
	struct change change = {0};
	struct refusal why;
	struct name big = test_name("big.");
	size_t before;

	(void)state;
	fill(table, "big.", 1000, &why);
	fill(table, "more.", 2000, &why);
	join(table, "big.", "more.");
	before = stored_size(table, "big.");
	assert_true(before > RRSETS_SIZE + RRSETS_SIZE / 2);

	assert_int_equal(test_apply(table, "big. A 192.0.2.1\n", false, &why),
			 EDQUOT);
	/* What is there is there: no octet more. */
	assert_int_equal(apply_large(table, "big.", 1000, &why), 0);
	assert_int_equal(stored_size(table, "big."), before);

	assert_int_equal(change_drop(&change, &big), 0);
	for (uint16_t i = 0; i < 20; i++)
		add_large(&change, "big.", 1000 + i, 1);
	assert_int_equal(apply(table, &change, &why), 0);
	assert_in_range(stored_size(table, "big."), RRSETS_SIZE + 1,
			before - 1);
	assert_int_equal(change_drop(&change, &big), 0);
	assert_int_equal(apply(table, &change, &why), 0);
	assert_int_equal(stored_size(table, "big."), 0);
}

static void a_slice_of_large_names_has_fewer_of_them(void **state)
{
	uint32_t table = test_new_table();
	struct refusal why;
	unsigned slices = 0;
	bool left = true;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		apply_large(table, (char[]){(char)('a' + i), '.', 0}, 1000,
			    &why);
	for (; left && slices < 100; slices++) {
		MDB_txn *txn = test_begin();

		/* 60,000 octets are 14 times 4 KiB: 15 for each of them. */
		assert_int_equal(
			table_free_slice(&tt.tables, txn, table, 30, &left), 0);
		test_commit(txn);
	}
	assert_int_equal(slices, 6);
}

/* In an order in which equal ones are apart. */
static void make_lines(struct buffer *out, unsigned seed, unsigned count)
{
	static const char *const forms[] = {
		"n. %u A 192.0.2.%u\n",
		"n. %u MX 1 m%u.ex.\n",
		"n. %u MX 1 M%u.EX.\n",
		"n. %u TXT Ab%u\n",
		"n. %u TXT aB%u\n",
		"n. %u SRV 1 2 3 S%u.ex.\n",
		"n. %u SOA a. b. 1 2 3 4 5\n",
		"n. %u SRV 1 2 3 s%u.EX.\n",
		"n. %u PX 1 A%u. b.\n",
		"n. %u TYPE999 \\# 1 %02u\n",
	};

	for (unsigned i = 0; i < count; i++) {
		unsigned n = (i * 7919 + seed) % 1000;

		assert_int_equal(
			buffer_printf(out, forms[n % 10], n % 7, n / 10 % 60),
			0);
	}
	assert_int_equal(buffer_add(out, "", 1), 0);
}

static void a_long_write_does_what_its_lines_do(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 4; seed++) {
		CLEANUP(buffer_deinit) struct buffer had = {0}, text = {0};
		CLEANUP(freep) char *one = NULL, *by_line = NULL;
		uint32_t at_once = test_new_table();
		uint32_t each = test_new_table();
		char *line, *rest;

		make_lines(&had, seed, 200 * seed);
		make_lines(&text, 3 * seed, 900);
		test_apply(at_once, (char *)had.data, false, NULL);
		test_apply(each, (char *)had.data, false, NULL);
		assert_int_equal(
			test_apply(at_once, (char *)text.data, false, NULL), 0);
		one = test_dump(at_once);
		for (line = (char *)text.data; *line; line = rest) {
			char saved;

			rest = strchr(line, '\n') + 1;
			saved = *rest;
			*rest = 0;
			assert_int_equal(test_apply(each, line, false, NULL),
					 0);
			*rest = saved;
		}
		by_line = test_dump(each);
		assert_string_equal(one, by_line);
		assert_int_equal(stored_size(at_once, "n."),
				 stored_size(each, "n."));
	}
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* 16 RRsets of 4,500: looked for one by one, they are seconds. */
static void a_megabyte_at_one_name_is_judged_at_once(void **state)
{
	struct change change = {0};
	uint32_t table = test_new_table();
	uint8_t rdata[2];
	struct rr rr = {
		.owner = test_name("n."),
		.ttl = 1,
		.rdlen = sizeof(rdata),
		.rdata = rdata,
	};
	struct refusal why;
	double since;

	(void)state;
	for (unsigned i = 0; i < 16 * 4500; i++) {
		rr.type = (uint16_t)(1000 + i % 16);
		put_u16(rdata, (uint16_t)(i / 16));
		assert_int_equal(change_add(&change, &rr, i + 1), 0);
	}
	since = cpu_seconds();
	assert_int_equal(apply(table, &change, &why), 0);
	assert_true(cpu_seconds() - since < 1);
	assert_true(stored_size(table, "n.") > 800000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_records_of_a_name_are_a_mebibyte_at_most),
		cmocka_unit_test(what_is_staged_of_a_name_is_bounded_too),
		cmocka_unit_test(
			a_name_that_had_more_before_may_become_smaller),
		cmocka_unit_test(a_slice_of_large_names_has_fewer_of_them),
		cmocka_unit_test(a_long_write_does_what_its_lines_do),
		cmocka_unit_test(a_megabyte_at_one_name_is_judged_at_once),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
