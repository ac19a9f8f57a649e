// SPDX-License-Identifier: Apache-2.0
/*
 * Entries of journals: in the order of an IXFR, in chunks, found by serial,
 * and bounded.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/tables.h"
#include "tests/unit/zone_model.h"

static const char apex_text[] = "example.";

/* A record, as it is stored. */
struct made {
	uint8_t wire[RR_HEAD_SIZE + RR_RDATA_SIZE];
	struct rrset_rr rr;
};

static void make(struct made *made, uint16_t type, const void *rdata,
		 size_t len)
{
	put_u16(made->wire, type);
	put_u16(made->wire + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(made->wire + RR_HEAD_TTL, 60);
	put_u16(made->wire + RR_HEAD_RDLENGTH, (uint16_t)len);
	memcpy(made->wire + RR_HEAD_SIZE, rdata, len);
	made->rr = (struct rrset_rr){made->wire, made->wire + RR_HEAD_SIZE,
				     (uint16_t)len};
}

/* Both names are the root. */
static void make_soa(struct made *made, uint32_t serial)
{
	uint8_t rdata[22] = {0};

	put_u32(rdata + 2, serial);
	make(made, RR_SOA, rdata, sizeof(rdata));
}

static void make_large(struct made *made, uint8_t fill, size_t len)
{
	static uint8_t rdata[RR_RDATA_SIZE];

	memset(rdata, fill, sizeof(rdata));
	make(made, 65280, rdata, len);
}

static struct zone_row new_row(MDB_txn *txn)
{
	struct zone_row row = {0};

	assert_int_equal(home_id(&tt.tables, txn, &row.id), 0);
	return row;
}

/* An entry with @gone and @came records of @len octets. */
static void write_entry(MDB_txn *txn, struct zone_row *row, uint32_t from,
			uint32_t to, unsigned gone, unsigned came, size_t len,
			uint64_t most)
{
	static struct made made;
	struct name apex = test_name(apex_text);
	struct journal_entry *entry;
	uint64_t octets;

	assert_int_equal(journal_begin(&entry, &tt.tables, most), 0);
	make_soa(&made, from);
	assert_int_equal(journal_gone(entry, &apex, made.rr), 0);
	while (gone || came) {
		make_large(&made, gone ? 1 : 2, len);
		assert_int_equal(gone ? journal_gone(entry, &apex, made.rr)
				      : journal_came(entry, &apex, made.rr),
				 0);
		assert_int_equal(journal_flush(entry, txn, row), 0);
		gone ? gone-- : came--;
	}
	make_soa(&made, to);
	assert_int_equal(journal_came(entry, &apex, made.rr), 0);
	assert_int_equal(journal_close(entry, txn, row, &octets), 0);
	assert_int_equal(journal_accept(&tt.tables, txn, row, to, octets), 0);
	journal_free(entry);
}

static int find(const struct zone_row *row, uint32_t serial, uint64_t *sequence)
{
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_journal_find(tt.snapshot, row, serial, sequence);
	snapshot_end(tt.snapshot);
	return r;
}

/* What the records are from there on: "s" an SOA, "1" gone, "2" came. */
static void read_all(const struct zone_row *row, uint64_t sequence, char *out,
		     size_t *chunks)
{
	uint32_t chunk = 0;
	MDB_val value;
	int r;

	*chunks = 0;
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	while ((r = snapshot_journal_next(tt.snapshot, row, &sequence, &chunk,
					  &value)) == 0) {
		const uint8_t *at = value.mv_data, *end = at + value.mv_size;

		++*chunks;
		while (at < end) {
			at += test_name(apex_text).len;
			*out++ = get_u16(at) == RR_SOA
					 ? 's'
					 : (char)('0' + at[RR_HEAD_SIZE]);
			at += RR_HEAD_SIZE + get_u16(at + RR_HEAD_RDLENGTH);
		}
		assert_ptr_equal(at, end);
	}
	assert_int_equal(r, -ENOENT);
	snapshot_end(tt.snapshot);
	*out = 0;
}

static void
an_entry_is_in_the_order_of_an_ixfr_however_large_it_is(void **state)
{
	static const struct {
		unsigned gone, came;
		size_t len, chunks;
		const char *records;
	} cases[] = {
		{0, 0, 10, 1, "ss"},
		{2, 1, 10, 1, "s11s2"},
		{3, 2, 30000, 4, "s111s22"},
		/* The longest record is a chunk by itself. */
		{1, 2, RR_RDATA_SIZE, 5, "s1s22"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		MDB_txn *txn = test_begin();
		struct zone_row row = new_row(txn);
		uint64_t sequence;
		char records[100];
		size_t chunks;

		write_entry(txn, &row, 7, 8, cases[i].gone, cases[i].came,
			    cases[i].len, UINT64_MAX);
		test_commit(txn);
		assert_int_equal(find(&row, 7, &sequence), 0);
		assert_int_equal(find(&row, 8, &sequence), -ENOENT);
		read_all(&row, row.first, records, &chunks);
		assert_string_equal(records, cases[i].records);
		assert_int_equal(chunks, cases[i].chunks);
	}
}

static void an_entry_is_found_by_its_serial_also_around_the_circle(void **state)
{
	MDB_txn *txn = test_begin();
	struct zone_row row = new_row(txn);
	uint32_t serial = UINT32_MAX - 100;
	uint64_t sequence;

	(void)state;
	for (unsigned i = 0; i < 70; i++, serial += 3)
		write_entry(txn, &row, serial, serial + 3, 0, 1, 10,
			    UINT64_MAX);
	test_commit(txn);
	serial = UINT32_MAX - 100;
	for (unsigned i = 0; i < 70; i++, serial += 3) {
		assert_int_equal(find(&row, serial, &sequence), 0);
		assert_int_equal(sequence, i);
		assert_int_equal(find(&row, serial + 1, &sequence), -ENOENT);
	}
	assert_int_equal(find(&row, serial, &sequence), -ENOENT);
}

static void the_oldest_entries_go_first(void **state)
{
	MDB_txn *txn = test_begin();
	struct zone_row row = new_row(txn);
	uint64_t sequence;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		write_entry(txn, &row, i, i + 1, 1, 1, 1000, UINT64_MAX);
	assert_int_equal(
		journal_shorten(&tt.tables, txn, &row, row.journal / 2 + 10),
		0);
	test_commit(txn);
	assert_int_equal(row.next - row.first, 5);
	assert_int_equal(find(&row, 4, &sequence), -ENOENT);
	assert_int_equal(find(&row, 5, &sequence), 0);
	txn = test_begin();
	assert_int_equal(journal_drop(&tt.tables, txn, &row), 0);
	test_commit(txn);
	assert_int_equal(row.journal, 0);
	assert_int_equal(find(&row, 5, &sequence), -ENOENT);
}

static void an_entry_that_is_too_long_ends_the_journal(void **state)
{
	MDB_txn *txn = test_begin();
	struct zone_row row = new_row(txn);
	uint64_t sequence;
	char records[100];
	size_t chunks;

	(void)state;
	write_entry(txn, &row, 1, 2, 1, 1, 10, UINT64_MAX);
	write_entry(txn, &row, 2, 3, 9, 9, 30000, 200000);
	test_commit(txn);
	assert_int_equal(row.journal, 0);
	assert_int_equal(find(&row, 1, &sequence), -ENOENT);
	read_all(&row, 0, records, &chunks);
	assert_int_equal(chunks, 0);
}

static void serials_that_go_once_around_end_the_journal_before(void **state)
{
	MDB_txn *txn = test_begin();
	struct zone_row row = new_row(txn);
	uint64_t sequence;

	(void)state;
	write_entry(txn, &row, 1, 0x60000000, 0, 1, 10, UINT64_MAX);
	write_entry(txn, &row, 0x60000000, 0xc0000000, 0, 1, 10, UINT64_MAX);
	test_commit(txn);
	assert_int_equal(find(&row, 1, &sequence), -ENOENT);
	assert_int_equal(find(&row, 0x60000000, &sequence), 0);
}

/* As a merge that began before another change, and is to be done again. */
static void an_entry_that_was_given_up_is_never_seen(void **state)
{
	static struct made made;
	struct name apex = test_name(apex_text);
	MDB_txn *txn = test_begin();
	struct zone_row row = new_row(txn);
	struct journal_entry *entry;
	char records[100];
	size_t chunks;

	(void)state;
	assert_int_equal(journal_begin(&entry, &tt.tables, UINT64_MAX), 0);
	make_soa(&made, 1);
	assert_int_equal(journal_gone(entry, &apex, made.rr), 0);
	for (int i = 0; i < 9; i++) {
		make_large(&made, 1, 30000);
		journal_gone(entry, &apex, made.rr);
		journal_flush(entry, txn, &row);
	}
	journal_free(entry);
	test_commit(txn);
	read_all(&row, 0, records, &chunks);
	assert_string_equal(records, "");

	txn = test_begin();
	write_entry(txn, &row, 1, 2, 1, 2, 10, UINT64_MAX);
	test_commit(txn);
	read_all(&row, 0, records, &chunks);
	assert_string_equal(records, "s1s22");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_entry_is_in_the_order_of_an_ixfr_however_large_it_is),
		cmocka_unit_test(
			an_entry_is_found_by_its_serial_also_around_the_circle),
		cmocka_unit_test(the_oldest_entries_go_first),
		cmocka_unit_test(an_entry_that_is_too_long_ends_the_journal),
		cmocka_unit_test(
			serials_that_go_once_around_end_the_journal_before),
		cmocka_unit_test(an_entry_that_was_given_up_is_never_seen),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
