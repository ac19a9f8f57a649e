// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dns/store/rrset_layout.h"
#include "dns/store/table_layout.h"
#include "dns/store/table_key.h"
#include "tests/unit/tables.h"

static void expect(uint32_t table, const char *text)
{
	CLEANUP(freep) char *dump = test_dump(table);

	assert_string_equal(dump, text);
}

/* What is counted is what would be printed. */
static void expect_true_counts(uint32_t table)
{
	CLEANUP(buffer_deinit) struct buffer text = {0}, json = {0};
	struct table_counts counts, walked = {0};
	struct snapshot_entry entry;
	struct name owner;
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(snapshot_counts(tt.snapshot, table, &counts), 0);
	r = snapshot_seek(tt.snapshot, table, NULL, 0, &entry);
	for (; r == 0; r = snapshot_next(tt.snapshot, &entry)) {
		walked.names++;
		assert_int_equal(
			name_from_key(entry.key, entry.key_len, &owner), 0);
		walked.records += rrsets_size(&owner, entry.rrsets).records;
		rrsets_to_text(&owner, entry.rrsets, &text);
		rrsets_to_json(&owner, entry.rrsets, &json);
	}
	snapshot_end(tt.snapshot);
	assert_int_equal(counts.names, walked.names);
	assert_int_equal(counts.records, walked.records);
	assert_int_equal(counts.text, text.len);
	assert_int_equal(counts.json, json.len);
}

static void a_write_changes_a_table_as_its_rules_say(void **state)
{
	static const struct {
		const char *had, *write;
		int result;
		const char *has;
	} cases[] = {
		{"", "b. A 192.0.2.1\na. A 192.0.2.2\n", 0,
		 "a.\t3600\tIN\tA\t192.0.2.2\nb.\t3600\tIN\tA\t192.0.2.1\n"},
		/* A set is a set. */
		{"a. A 192.0.2.1\n", "a. A 192.0.2.1\n", 0,
		 "a.\t3600\tIN\tA\t192.0.2.1\n"},
		{"a. MX 10 b.\n", "a. MX 10 B.\n", 0,
		 "a.\t3600\tIN\tMX\t10 b.\n"},
		/* RFC 2181, section 5.2: one TTL, the newest. */
		{"a. 1 A 192.0.2.1\n", "a. 99 A 192.0.2.2\n", 0,
		 "a.\t99\tIN\tA\t192.0.2.1\na.\t99\tIN\tA\t192.0.2.2\n"},
		{"a. 1 A 192.0.2.1\na. 1 A 192.0.2.2\n", "a. 5 A 192.0.2.1\n",
		 0, "a.\t5\tIN\tA\t192.0.2.1\na.\t5\tIN\tA\t192.0.2.2\n"},
		/* RFC 2136, section 3.4.2.2: another one replaces. */
		{"a. CNAME b.\n", "a. CNAME c.\n", 0,
		 "a.\t3600\tIN\tCNAME\tc.\n"},
		{"a. DNAME b.\n", "a. DNAME c.\n", 0,
		 "a.\t3600\tIN\tDNAME\tc.\n"},
		{"a. SOA a. b. 1 2 3 4 5\n", "a. SOA a. b. 2 2 3 4 5\n", 0,
		 "a.\t3600\tIN\tSOA\ta. b. 2 2 3 4 5\n"},
		/* Two different ones in one write are a contradiction. */
		{"", "a. CNAME b.\na. CNAME c.\n", EINVAL, ""},
		{"a. CNAME b.\n", "a. CNAME b.\na. CNAME c.\n", EINVAL,
		 "a.\t3600\tIN\tCNAME\tb.\n"},
		{"", "a. CNAME b.\na. 5 CNAME b.\n", 0,
		 "a.\t5\tIN\tCNAME\tb.\n"},
		/* RFC 1034, section 3.6.2. */
		{"a. A 192.0.2.1\n", "a. CNAME b.\n", EINVAL,
		 "a.\t3600\tIN\tA\t192.0.2.1\n"},
		{"a. CNAME b.\n", "a. A 192.0.2.1\n", EINVAL,
		 "a.\t3600\tIN\tCNAME\tb.\n"},
		{"", "a. A 192.0.2.1\na. CNAME b.\n", EINVAL, ""},
		/* RFC 4035, section 2.5. */
		{"a. CNAME b.\n", "a. NSEC c. CNAME\n", 0,
		 "a.\t3600\tIN\tCNAME\tb.\n"
		 "a.\t3600\tIN\tNSEC\tc. CNAME\n"},
		/* All of a write, or nothing. */
		{"", "ok. A 192.0.2.1\na. A 192.0.2.1\na. CNAME b.\n", EINVAL,
		 ""},
		/* SOA, NS, then the types by number. */
		{"a. TXT x\n",
		 "a. A 192.0.2.1\na. NS b.\na. SOA a. b. 1 2 3 4 5\n", 0,
		 "a.\t3600\tIN\tSOA\ta. b. 1 2 3 4 5\na.\t3600\tIN\tNS\tb.\n"
		 "a.\t3600\tIN\tA\t192.0.2.1\na.\t3600\tIN\tTXT\t\"x\"\n"},
		/* Names in DNS order: RFC 4034, section 6.1. */
		{"",
		 "z.a. A 192.0.2.1\nb. A 192.0.2.1\na. A 192.0.2.1\n"
		 ". A 192.0.2.1\n*.a. A 192.0.2.1\n",
		 0,
		 ".\t3600\tIN\tA\t192.0.2.1\na.\t3600\tIN\tA\t192.0.2.1\n"
		 "*.a.\t3600\tIN\tA\t192.0.2.1\nz.a.\t3600\tIN\tA\t192.0.2.1\n"
		 "b.\t3600\tIN\tA\t192.0.2.1\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t table = test_new_table();

		assert_int_equal(test_apply(table, cases[i].had, false, NULL),
				 0);
		if (test_apply(table, cases[i].write, false, NULL) !=
		    cases[i].result)
			fail_msg("%s: not %d", cases[i].write, cases[i].result);
		expect(table, cases[i].has);
		expect_true_counts(table);
	}
}

static void a_replacement_contradicts_itself_across_its_writes(void **state)
{
	uint32_t table = test_new_table();
	struct refusal why;

	(void)state;
	assert_int_equal(test_apply(table, "a. CNAME b.\n", true, NULL), 0);
	assert_int_equal(test_apply(table, "\n\na. CNAME c.\n", true, &why),
			 EINVAL);
	assert_int_equal(why.line, 3);
	assert_string_equal(why.text, "a.");
	expect(table, "a.\t3600\tIN\tCNAME\tb.\n");
}

static void an_rrset_that_fits_no_message_is_refused(void **state)
{
	CLEANUP(change_deinit) struct change change = {0};
	uint8_t rdata[60000] = {0};
	struct rr rr = {
		.owner = test_name("big."),
		.type = 65280,
		.ttl = 1,
		.rdlen = sizeof(rdata),
		.rdata = rdata,
	};
	uint32_t table = test_new_table();
	struct refusal why;
	MDB_txn *txn;

	(void)state;
	assert_int_equal(change_add(&change, &rr, 1), 0);
	txn = test_begin();
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 1, &why),
		0);
	rdata[0] = 1;
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 1, &why),
		0);
	change_deinit(&change);
	assert_int_equal(change_add(&change, &rr, 7), 0);
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 1, &why),
		EINVAL);
	assert_int_equal(why.line, 7);
	test_commit(txn);
}

/* So many types, from @first on, each with a record without RDATA. */
static char *types(unsigned first, unsigned count)
{
	struct buffer out = {0};

	for (unsigned i = first; i < first + count; i++)
		assert_int_equal(
			buffer_printf(&out, "t. TYPE%u \\# 0\n", 1000 + i), 0);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	return (char *)out.data;
}

static void a_name_has_a_number_of_types(void **state)
{
	CLEANUP(freep) char *all = types(0, RRSETS_TYPES);
	CLEANUP(freep) char *more = types(0, RRSETS_TYPES + 1);
	uint32_t table = test_new_table();
	struct refusal why;

	(void)state;
	assert_int_equal(test_apply(table, more, false, &why), EDQUOT);
	assert_int_equal(why.line, RRSETS_TYPES + 1);
	assert_non_null(strstr(why.reason, "256 types"));
	assert_int_equal(test_apply(table, all, false, &why), 0);
	assert_int_equal(test_apply(table, "\nt. A 192.0.2.1\n", false, &why),
			 EDQUOT);
	assert_int_equal(why.line, 2);
	/* What is there may have more records, and other names more types. */
	assert_int_equal(test_apply(table,
				    "t. TYPE1000 \\# 1 00\nu. A 192.0.2.1\n",
				    false, &why),
			 0);
}

/* Of an owner that is out of order, which the store's never is. */
static void a_type_is_looked_for_up_to_where_it_would_stand(void **state)
{
	static const uint16_t types[] = {RR_SOA, RR_NS, RR_MX, RR_A};
	struct rrset_head head = {.count = 1, .len = RR_HEAD_SIZE};
	uint8_t data[4 * (sizeof(head) + RR_HEAD_SIZE)] = {0};
	struct rrsets rrsets = {data, sizeof(data)};
	struct rrset rrset;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		head.type = types[i];
		memcpy(data + i * (sizeof(head) + RR_HEAD_SIZE), &head,
		       sizeof(head));
	}
	assert_true(rrsets_find(rrsets, RR_SOA, &rrset));
	assert_true(rrsets_find(rrsets, RR_NS, &rrset));
	assert_true(rrsets_find(rrsets, RR_MX, &rrset));
	assert_false(rrsets_find(rrsets, RR_A, &rrset));
	assert_false(rrsets_find(rrsets, RR_TXT, &rrset));
}

static void a_drop_takes_all_that_came_before_it(void **state)
{
	CLEANUP(change_deinit) struct change change = {0};
	uint32_t table = test_new_table();
	struct name a = test_name("a.");
	struct refusal why;
	MDB_txn *txn;

	(void)state;
	assert_int_equal(test_apply(table, "a. A 192.0.2.1\nb. A 192.0.2.1\n",
				    false, NULL),
			 0);
	test_change(&change, "a. TXT gone\n");
	assert_int_equal(change_drop(&change, &a), 0);
	test_change(&change, "a. CNAME b.\n");
	txn = test_begin();
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 1, &why),
		0);
	test_commit(txn);
	expect(table, "a.\t3600\tIN\tCNAME\tb.\nb.\t3600\tIN\tA\t192.0.2.1\n");
	expect_true_counts(table);
}

static void a_name_moves_with_all_its_records(void **state)
{
	uint32_t table = test_new_table();
	struct name a = test_name("a."), b = test_name("longer.b.");
	struct refusal why;
	MDB_txn *txn;

	(void)state;
	assert_int_equal(test_apply(table,
				    "a. 7 A 192.0.2.1\na. TXT \"x y\"\n"
				    "longer.b. A 192.0.2.9\n",
				    false, NULL),
			 0);
	txn = test_begin();
	assert_int_equal(table_move(&tt.tables, txn, table, &a, &b, 1, &why),
			 0);
	assert_int_equal(table_move(&tt.tables, txn, table, &a, &b, 1, &why),
			 ENOENT);
	test_commit(txn);
	expect(table, "longer.b.\t7\tIN\tA\t192.0.2.1\n"
		      "longer.b.\t3600\tIN\tTXT\t\"x y\"\n");
	expect_true_counts(table);
}

static void taking_a_name_replaces_only_that_name(void **state)
{
	static const struct {
		const char *source, *has;
	} cases[] = {
		{"a. CNAME c.\n",
		 "a.\t3600\tIN\tCNAME\tc.\nb.\t3600\tIN\tA\t192.0.2.1\n"},
		{"", "b.\t3600\tIN\tA\t192.0.2.1\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t table = test_new_table();
		uint32_t source = test_new_table();
		struct name a = test_name("a.");
		struct refusal why;
		MDB_txn *txn;

		test_apply(table, "a. A 192.0.2.1\nb. A 192.0.2.1\n", false,
			   NULL);
		test_apply(source, cases[i].source, true, NULL);
		txn = test_begin();
		assert_int_equal(
			table_take(&tt.tables, txn, table, source, &a, 1, &why),
			0);
		test_commit(txn);
		expect(table, cases[i].has);
		expect_true_counts(table);
	}
}

/* As a program leaves them that prints an RRset in other octets. */
static void change_sizes(uint32_t table, const char *owner, int octets)
{
	uint8_t number[TABLE_NUMBER_SIZE], octets_of_key[TABLE_KEY_SIZE];
	struct name name = test_name(owner);
	MDB_val key = {table_key(octets_of_key, table, &name), octets_of_key};
	CLEANUP(buffer_deinit) struct buffer copy = {0};
	struct table_counts counts;
	MDB_txn *txn = test_begin();
	struct rrset_head head;
	MDB_val value;

	assert_int_equal(mdb_get(txn, tt.tables.records, &key, &value), 0);
	buffer_add(&copy, value.mv_data, value.mv_size);
	memcpy(&head, copy.data, sizeof(head));
	head.text += (uint32_t)octets;
	head.json += (uint32_t)octets;
	memcpy(copy.data, &head, sizeof(head));
	value.mv_data = copy.data;
	assert_int_equal(mdb_put(txn, tt.tables.records, &key, &value, 0), 0);

	key = table_number_key(number, table);
	assert_int_equal(mdb_get(txn, tt.tables.tables, &key, &value), 0);
	memcpy(&counts, value.mv_data, sizeof(counts));
	counts.text += (uint64_t)(int64_t)octets;
	counts.json += (uint64_t)(int64_t)octets;
	value = (MDB_val){sizeof(counts), &counts};
	assert_int_equal(mdb_put(txn, tt.tables.tables, &key, &value, 0), 0);
	test_commit(txn);
}

static void sizes_of_a_program_that_prints_otherwise_are_set_right(void **state)
{
	static const char text[] = "a.\t3600\tIN\tWALLET\t\"a\\\"b\"\n"
				   "b.\t3600\tIN\tTXT\t\"x\"\n"
				   "b.\t3600\tIN\tNSEC\tc. A WALLET\n";
	uint32_t first = test_new_table(), second = test_new_table();
	struct table_counts before, after;
	MDB_txn *txn;

	(void)state;
	test_apply(first, text, false, NULL);
	test_apply(second, text, false, NULL);
	txn = test_begin();
	assert_int_equal(table_get_counts(&tt.tables, txn, first, &before), 0);
	test_commit(txn);
	change_sizes(first, "a.", 7);
	change_sizes(first, "b.", -2);
	change_sizes(second, "b.", 1000);

	for (int i = 0; i < 2; i++) {
		txn = test_begin();
		assert_int_equal(tables_measure(&tt.tables, txn), 0);
		assert_int_equal(
			table_get_counts(&tt.tables, txn, first, &after), 0);
		test_commit(txn);
		expect_true_counts(first);
		expect_true_counts(second);
		assert_memory_equal(&after, &before, sizeof(after));
	}
	expect(first, text);
}

static void publishing_makes_the_former_table_loose(void **state)
{
	CLEANUP(buffer_deinit) struct buffer loose = {0};
	uint32_t first = test_new_table(), second = test_new_table();
	uint32_t now;
	MDB_txn *txn = test_begin();

	(void)state;
	assert_int_equal(table_publish(&tt.tables, txn, 77, first, 1), 0);
	assert_int_equal(table_publish(&tt.tables, txn, 77, second, 1), 0);
	assert_int_equal(table_serving(&tt.tables, txn, 77, &now), 0);
	assert_int_equal(now, second);
	assert_int_equal(table_loose(&tt.tables, txn, &loose), 0);
	assert_non_null(memmem(loose.data, loose.len, &first, 4));
	assert_null(memmem(loose.data, loose.len, &second, 4));
	assert_int_equal(table_retire(&tt.tables, txn, 77), 0);
	assert_int_equal(table_serving(&tt.tables, txn, 77, &now), -ENOENT);
	test_commit(txn);
}

static void a_loose_table_goes_in_slices_and_alone(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	uint32_t before = test_new_table(), table = test_new_table();
	uint32_t after = test_new_table();
	struct table_counts counts;
	unsigned slices = 0;
	bool left = true;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		buffer_printf(&text, "n%u. A 192.0.2.1\n", i);
	buffer_add(&text, "", 1);
	test_apply(before, "a. A 192.0.2.1\n", false, NULL);
	test_apply(table, (char *)text.data, false, NULL);
	test_apply(after, "a. A 192.0.2.2\n", false, NULL);
	for (; left && slices < 100; slices++) {
		MDB_txn *txn = test_begin();

		assert_int_equal(
			table_free_slice(&tt.tables, txn, table, 64, &left), 0);
		test_commit(txn);
	}
	assert_int_equal(slices, 16);
	expect(before, "a.\t3600\tIN\tA\t192.0.2.1\n");
	expect(after, "a.\t3600\tIN\tA\t192.0.2.2\n");
	expect(table, "");
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(snapshot_counts(tt.snapshot, table, &counts), -ENOENT);
	snapshot_end(tt.snapshot);
}

static struct snapshot_size measure(void)
{
	struct snapshot_size size;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(snapshot_measure(tt.snapshot, &size), 0);
	snapshot_end(tt.snapshot);
	assert_true(size.used < size.file);
	return size;
}

static void
what_a_table_takes_of_the_file_is_spare_when_it_is_gone(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct snapshot_size before = measure(), filled, after;
	uint32_t table = test_new_table();
	bool left = true;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		buffer_printf(&text, "n%u. TXT %0200u\n", i, i);
	buffer_add(&text, "", 1);
	test_apply(table, (char *)text.data, false, NULL);
	filled = measure();
	assert_true(filled.used > before.used + text.len);
	assert_true(filled.file > before.file);
	while (left) {
		MDB_txn *txn = test_begin();

		assert_int_equal(
			table_free_slice(&tt.tables, txn, table, 64, &left), 0);
		test_commit(txn);
	}
	after = measure();
	assert_true(after.used < filled.used - text.len);
	assert_true(after.file >= filled.file);
}

static void a_snapshot_shows_one_moment_and_its_neighbours(void **state)
{
	uint32_t table = test_new_table();
	struct name b = test_name("b.a."), x = test_name("x.a.");
	struct name c = test_name("c.a.");
	uint8_t key[NAME_KEY_SIZE];
	struct snapshot_entry entry;
	struct rrsets rrsets;
	size_t len;

	(void)state;
	test_apply(table, "b.a. A 192.0.2.1\nd.a. A 192.0.2.1\n", false, NULL);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	test_apply(table, "x.a. A 192.0.2.1\n", false, NULL);
	assert_int_equal(snapshot_get(tt.snapshot, table, &b, &rrsets), 0);
	assert_int_equal(snapshot_get(tt.snapshot, table, &x, &rrsets),
			 -ENOENT);
	len = name_to_key(&x, key);
	assert_int_equal(snapshot_seek(tt.snapshot, table, key, len, &entry),
			 -ENOENT);
	assert_int_equal(snapshot_previous(tt.snapshot, &entry), 0);
	assert_memory_equal(entry.key, "a\0d\0", 4);
	len = name_to_key(&b, key);
	assert_int_equal(snapshot_seek(tt.snapshot, table, key, len, &entry),
			 0);
	assert_int_equal(snapshot_previous(tt.snapshot, &entry), -ENOENT);
	len = name_to_key(&c, key);
	assert_int_equal(snapshot_seek(tt.snapshot, table, key, len, &entry),
			 0);
	assert_memory_equal(entry.key, "a\0d\0", 4);
	assert_int_equal(snapshot_previous(tt.snapshot, &entry), 0);
	assert_memory_equal(entry.key, "a\0b\0", 4);
	snapshot_end(tt.snapshot);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	assert_int_equal(snapshot_get(tt.snapshot, table, &x, &rrsets), 0);
	snapshot_end(tt.snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_changes_a_table_as_its_rules_say),
		cmocka_unit_test(
			a_replacement_contradicts_itself_across_its_writes),
		cmocka_unit_test(an_rrset_that_fits_no_message_is_refused),
		cmocka_unit_test(a_name_has_a_number_of_types),
		cmocka_unit_test(
			a_type_is_looked_for_up_to_where_it_would_stand),
		cmocka_unit_test(a_drop_takes_all_that_came_before_it),
		cmocka_unit_test(a_name_moves_with_all_its_records),
		cmocka_unit_test(taking_a_name_replaces_only_that_name),
		cmocka_unit_test(
			sizes_of_a_program_that_prints_otherwise_are_set_right),
		cmocka_unit_test(publishing_makes_the_former_table_loose),
		cmocka_unit_test(a_loose_table_goes_in_slices_and_alone),
		cmocka_unit_test(
			what_a_table_takes_of_the_file_is_spare_when_it_is_gone),
		cmocka_unit_test(
			a_snapshot_shows_one_moment_and_its_neighbours),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
