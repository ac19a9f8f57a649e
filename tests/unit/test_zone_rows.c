// SPDX-License-Identifier: Apache-2.0
/*
 * Zones of a table: whatever is done to it, each row says what a walk of all
 * records would, and a zone's text is what its row says that it shows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "dns/store/dump.h"
#include "dns/store/home.h"
#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"
#include "tests/unit/chance.h"
#include "tests/unit/tables.h"

#define OWNERS_MAX 400

/* ---- What a walk of all records says ---- */

struct owner {
	struct name name;
	struct rrsets rrsets;
	bool is_apex;
	struct owner *zone; /* that it is in */
};

/* All records of a table; good while the snapshot is begun. */
struct world {
	struct owner owners[OWNERS_MAX];
	size_t count;
};

static struct owner *nearest(struct world *world, const struct name *name,
			     unsigned from)
{
	for (unsigned up = from; up <= name_labels(name); up++) {
		struct name above;

		name_ancestor(name, up, &above);
		for (size_t i = 0; i < world->count; i++)
			if (world->owners[i].is_apex &&
			    name_equal(&world->owners[i].name, &above))
				return &world->owners[i];
	}
	return NULL;
}

static void look(struct world *world, uint32_t table)
{
	struct snapshot_entry entry;
	struct rrset soa;
	int r = snapshot_seek(tt.snapshot, table, NULL, 0, &entry);

	world->count = 0;
	for (; r == 0; r = snapshot_next(tt.snapshot, &entry)) {
		struct owner *owner = &world->owners[world->count++];

		assert_true(world->count <= OWNERS_MAX);
		assert_int_equal(
			name_from_key(entry.key, entry.key_len, &owner->name),
			0);
		owner->rrsets = entry.rrsets;
		owner->is_apex = rrsets_find(entry.rrsets, RR_SOA, &soa);
	}
	for (size_t i = 0; i < world->count; i++)
		world->owners[i].zone =
			nearest(world, &world->owners[i].name, 0);
}

static struct owner *zone_above(struct world *world, const struct owner *apex)
{
	if (!name_labels(&apex->name))
		return NULL;
	return nearest(world, &apex->name, 1);
}

/* Prints an RRset, and says what it comes to. */
static void add_rrset(const struct name *owner, const struct rrset *rrset,
		      struct zone_size *size, struct buffer *text)
{
	char owner_text[NAME_TEXT_SIZE];
	size_t owner_len = name_to_text(owner, owner_text), before = text->len;
	struct rrset_rr rr;
	size_t at = 0;

	while (rrset_next(rrset, &at, &rr)) {
		assert_int_equal(rr_to_text(owner_text, owner_len, rrset->type,
					    get_u32(rr.wire + 4), rr.rdata,
					    rr.rdlen, text),
				 0);
		buffer_add(text, "\n", 1);
		size->records++;
		size->wire += owner->len + 10u + rr.rdlen;
	}
	size->text += text->len - before;
}

static void add_type(const struct owner *owner, uint16_t type,
		     struct zone_size *size, struct buffer *text)
{
	struct rrset rrset;

	if (rrsets_find(owner->rrsets, type, &rrset))
		add_rrset(&owner->name, &rrset, size, text);
}

/* What the zone above shows of it. */
static void add_cut(struct world *world, const struct owner *apex,
		    struct zone_size *size, struct buffer *text)
{
	struct rrset_rr rr;
	struct rrset ns;
	size_t at = 0;

	add_type(apex, RR_NS, size, text);
	add_type(apex, RR_DS, size, text);
	if (!rrsets_find(apex->rrsets, RR_NS, &ns))
		return;
	while (rrset_next(&ns, &at, &rr)) {
		struct name server;

		name_from_wire(rr.rdata, rr.rdlen, &server);
		if (!name_is_under(&server, &apex->name))
			continue;
		for (size_t i = 0; i < world->count; i++) {
			if (!name_equal(&world->owners[i].name, &server))
				continue;
			add_type(&world->owners[i], RR_A, size, text);
			add_type(&world->owners[i], RR_AAAA, size, text);
		}
	}
}

static void add_own(const struct owner *owner, bool is_nested,
		    struct zone_counts *counts, struct buffer *text)
{
	uint64_t before = counts->own.records;
	struct rrset rrset;
	size_t at = 0;

	while (rrsets_next(owner->rrsets, &at, &rrset))
		if (!is_nested || !owner->is_apex || rrset.type != RR_DS)
			add_rrset(&owner->name, &rrset, &counts->own, text);
	counts->names += counts->own.records != before;
}

static void count_zone(struct world *world, struct owner *apex,
		       struct zone_counts *counts, struct buffer *text)
{
	CLEANUP(buffer_deinit) struct buffer up = {0};

	*counts = (struct zone_counts){0};
	counts->is_nested = zone_above(world, apex) != NULL;
	if (counts->is_nested)
		add_cut(world, apex, &counts->up, &up);
	for (size_t i = 0; i < world->count; i++) {
		struct owner *owner = &world->owners[i];

		if (owner->zone == apex)
			add_own(owner, counts->is_nested, counts, text);
		else if (owner->is_apex && zone_above(world, owner) == apex)
			add_cut(world, owner, &counts->below, text);
	}
}

/* ---- That the rows say so ---- */

static void same_size(struct zone_size a, struct zone_size b)
{
	assert_int_equal(a.records, b.records);
	assert_int_equal(a.text, b.text);
	assert_int_equal(a.wire, b.wire);
}

static void expect_text(uint32_t table, const struct name *apex,
			const struct zone_counts *counts,
			const struct buffer *text)
{
	CLEANUP(buffer_deinit) struct buffer whole = {0}, printed = {0};
	struct scope scope = {SCOPE_ZONE, *apex};
	struct dump_read read = {.text = &printed};
	char apex_text[NAME_TEXT_SIZE];
	struct dump *dump;

	name_to_text(apex, apex_text);
	buffer_printf(&whole, "$ORIGIN %s\n", apex_text);
	buffer_add(&whole, text->data, text->len);
	assert_int_equal(dump_new(&dump, tt.snapshot, table, &scope, NULL), 0);
	assert_int_equal(dump_size(dump), whole.len);
	assert_int_equal(dump_size(dump), dump_zone_size(apex, counts));
	for (int i = 0; i < 6; i++) {
		printed.len = 0;
		read.offset = i ? chance((uint32_t)whole.len + 10) : 0;
		read.size = i ? chance(300) + 1 : whole.len;
		while (dump_read(dump, &read, chance(2) ? 0 : UINT64_MAX) ==
		       -EAGAIN)
			;
		if (read.offset >= whole.len) {
			assert_int_equal(read.len, 0);
			continue;
		}
		assert_int_equal(read.len, whole.len - read.offset < read.size
						   ? whole.len - read.offset
						   : read.size);
		assert_memory_equal(read.data, whole.data + read.offset,
				    read.len);
	}
	dump_free(dump);
}

static void expect_walk(uint32_t table, const struct name *apex,
			const struct zone_counts *counts,
			const struct buffer *text)
{
	CLEANUP(buffer_deinit) struct buffer walked = {0};
	struct zone_size size = {0}, below = {0};
	struct zone_walk *walk;
	struct zone_item item;
	int r;

	assert_int_equal(zone_walk_snapshot(&walk, tt.snapshot, table, apex),
			 0);
	while ((r = zone_walk_next(walk, &item)) == 0) {
		if (!walked.len)
			assert_int_equal(item.rrset.type, RR_SOA);
		add_rrset(&item.owner, &item.rrset,
			  item.is_delegation ? &below : &size, &walked);
	}
	assert_int_equal(r, -ENOENT);
	assert_int_equal(zone_walk_next(walk, &item), -ENOENT);
	same_size(size, counts->own);
	same_size(below, counts->below);
	assert_int_equal(walked.len, text->len);
	assert_memory_equal(walked.data, text->data, text->len);
	zone_walk_free(walk);
}

static void expect_row(struct world *world, uint32_t table, struct owner *apex,
		       const struct zone_counts *row)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct zone_counts counts;

	count_zone(world, apex, &counts, &text);
	assert_int_equal(row->is_nested, counts.is_nested);
	assert_int_equal(row->names, counts.names);
	same_size(row->own, counts.own);
	same_size(row->up, counts.up);
	same_size(row->below, counts.below);
	assert_int_equal(zone_shown(row).text, text.len);
	expect_walk(table, &apex->name, row, &text);
	expect_text(table, &apex->name, row, &text);
}

static void expect_true_rows(uint32_t table)
{
	static struct world world;
	uint8_t key[NAME_KEY_SIZE];
	struct zone_counts row;
	struct name apex;
	size_t len = 0;
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	look(&world, table);
	r = snapshot_zone_next(tt.snapshot, table, NULL, 0, &apex, &row);
	for (size_t i = 0; i < world.count; i++) {
		struct owner *owner = &world.owners[i];
		struct name zone;
		int found = snapshot_zone_of(tt.snapshot, table, &owner->name,
					     &zone, &(struct zone_counts){0});

		assert_int_equal(found, owner->zone ? 0 : -ENOENT);
		if (owner->zone)
			assert_true(name_equal(&zone, &owner->zone->name));
		if (!owner->is_apex)
			continue;
		assert_int_equal(r, 0);
		assert_true(name_equal(&apex, &owner->name));
		expect_row(&world, table, owner, &row);
		len = name_to_key(&apex, key);
		r = snapshot_zone_next(tt.snapshot, table, key, len, &apex,
				       &row);
	}
	assert_int_equal(r, -ENOENT);
	snapshot_end(tt.snapshot);
}

/* ---- Random edits ---- */

/* Of few labels, so that much is below much else. */
static const char *some_name(char out[64])
{
	static const char *const labels[] = {"a.", "b.", "\\001.", "a\\000."};
	unsigned depth = chance(5);

	*out = 0;
	for (unsigned i = 0; i < depth; i++)
		strcat(out, labels[chance(chance(4) ? 2 : 4)]);
	return depth ? out : ".";
}

/* The same for all SOAs of a change: two at a name are refused. */
static unsigned serial;

static void add_line(struct buffer *text)
{
	char owner[64], other[64];

	some_name(owner);
	if (!*owner)
		strcpy(owner, ".");
	some_name(other);
	if (!*other)
		strcpy(other, ".");
	switch (chance(8)) {
	case 0:
	case 1:
		buffer_printf(text, "%s SOA a. b. %u 2 3 4 5\n", owner, serial);
		break;
	case 2:
		/* Mostly of a name that may be at or below it. */
		if (chance(2))
			buffer_printf(text, "%s NS a.%s\n", owner,
				      !strcmp(owner, ".") ? "" : owner);
		else
			buffer_printf(text, "%s NS %s\n", owner, other);
		break;
	case 3:
		buffer_printf(text, "%s DS %u 8 2 %064u\n", owner, chance(3),
			      7);
		break;
	case 4:
	case 5:
		buffer_printf(text, "%s %u A 192.0.2.%u\n", owner,
			      100 * chance(3), chance(3));
		break;
	case 6:
		buffer_printf(text, "%s AAAA 2001:db8::%u\n", owner, chance(2));
		break;
	default:
		buffer_printf(text, "%s TXT \"%0*u\"\n", owner,
			      1 + (int)chance(20), 1);
	}
}

/* A name's records go, or some come, or both. */
static void some_change(struct change *change, unsigned lines)
{
	char owner[64];

	serial = 1 + chance(100) * chance(100);
	for (unsigned i = 0; i < lines; i++) {
		CLEANUP(buffer_deinit) struct buffer text = {0};

		if (chance(3) == 0) {
			struct name name;

			name = test_name(some_name(owner));
			change_drop(change, &name);
			continue;
		}
		add_line(&text);
		buffer_add(&text, "", 1);
		test_change(change, (char *)text.data);
	}
}

static void edit(MDB_txn *txn, uint32_t table, uint32_t source)
{
	CLEANUP(change_deinit) struct change change = {0};
	char one[64], two[64];
	struct name from = test_name(some_name(one));
	struct name to = test_name(some_name(two));
	struct refusal why;

	switch (chance(6)) {
	case 0:
		table_move(&tt.tables, txn, table, &from, &to, 1, &why);
		return;
	case 1:
		table_take(&tt.tables, txn, table, source, &from, 1, &why);
		return;
	default:
		some_change(&change, 1 + chance(chance(4) ? 3 : 40));
		assert_int_equal(table_apply(&tt.tables, txn, table, &change,
					     false, 1, &why),
				 0);
	}
}

static void rows_say_what_a_walk_does_after_any_edit(void **state)
{
	uint32_t table = test_new_table(), source = test_new_table();

	(void)state;
	/* Tables on both sides, for a walk that goes too far. */
	test_apply(test_new_table(), ". SOA a. b. 1 2 3 4 5\na. A 192.0.2.1\n",
		   false, NULL);
	for (int i = 0; i < 3000; i++) {
		MDB_txn *txn = test_begin();

		if (i % 300 == 299) {
			CLEANUP(change_deinit) struct change change = {0};
			struct refusal why;

			some_change(&change, 200);
			table_apply(&tt.tables, txn, source, &change, true, 1,
				    &why);
		}
		for (unsigned edits = 1 + chance(3); edits; edits--)
			edit(txn, table, source);
		test_commit(txn);
		expect_true_rows(table);
		/* Much grows, and then there is little again. */
		if (i % 100 == 99)
			table = test_new_table();
	}
}

/* ---- Tables that are filled, measured, freed ---- */

/* Some zones, nested in each other. */
static void fill(uint32_t table)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal why;
	MDB_txn *txn = test_begin();

	some_change(&change, 300);
	assert_int_equal(
		table_apply(&tt.tables, txn, table, &change, false, 7, &why),
		0);
	test_commit(txn);
	expect_true_rows(table);
}

static size_t count_rows(uint32_t table)
{
	uint8_t key[NAME_KEY_SIZE];
	struct zone_counts counts;
	struct name apex;
	size_t count = 0;
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_zone_next(tt.snapshot, table, NULL, 0, &apex, &counts);
	for (; r == 0; count++)
		r = snapshot_zone_next(tt.snapshot, table, key,
				       name_to_key(&apex, key), &apex, &counts);
	snapshot_end(tt.snapshot);
	return count;
}

/* A table's records, each an item, in any order. */
static void shuffled(uint32_t table, struct change *out)
{
	CLEANUP(freep) char *text = test_dump(table);
	char *lines[4096], *save = NULL;
	unsigned count = 0;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		lines[count++] = line;
	assert_true(count < ARRAY_SIZE(lines));
	for (; count; count--) {
		unsigned at = chance(count);

		test_change(out, lines[at]);
		lines[at] = lines[count - 1];
	}
}

static void
records_that_come_in_any_order_and_slices_make_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		CLEANUP(change_deinit) struct change change = {0};
		uint32_t table = test_new_table(), copy = test_new_table();
		size_t at = 0;

		fill(table);
		shuffled(table, &change);
		while (at < change.items.len) {
			struct change slice =
				change_slice(&change, at, 1 + chance(30));
			struct refusal why;
			MDB_txn *txn = test_begin();

			assert_int_equal(table_apply(&tt.tables, txn, copy,
						     &slice, true, 1, &why),
					 0);
			test_commit(txn);
			at += slice.items.len;
			expect_true_rows(copy);
		}
		assert_int_equal(count_rows(copy), count_rows(table));
	}
}

static void rows_are_gone_with_their_table(void **state)
{
	uint32_t table = test_new_table(), other = test_new_table();
	bool left = true;
	unsigned slices = 0;

	(void)state;
	fill(table);
	fill(other);
	assert_true(count_rows(table) > 10);
	for (; left; slices++) {
		MDB_txn *txn = test_begin();

		assert_int_equal(
			table_free_slice(&tt.tables, txn, table, 7, &left), 0);
		test_commit(txn);
	}
	assert_true(slices > 5);
	assert_int_equal(count_rows(table), 0);
	expect_true_rows(other);
}

/* Whoever asks for a zone's time is told of its own changes. */
static void a_zone_has_the_time_of_its_own_last_change(void **state)
{
	static const struct {
		const char *line;
		int64_t now, a, b_a; /* and then these have that time */
	} cases[] = {
		{"a. SOA a. b. 1 2 3 4 5\n", 1, 1, 0},
		{"x.a. A 192.0.2.1\n", 2, 2, 0},
		/* It takes what is in the one above. */
		{"b.a. SOA a. b. 1 2 3 4 5\n", 3, 3, 3},
		{"x.b.a. A 192.0.2.1\n", 4, 3, 4},
		{"b.a. NS x.b.a.\n", 5, 5, 5},
		/* Glue, which both show. */
		{"x.b.a. A 192.0.2.2\n", 6, 6, 6},
		{"x.b.a. TXT x\n", 7, 6, 7},
		{"y.b.a. A 192.0.2.2\n", 8, 6, 8},
		/* The zone above's. */
		{"b.a. DS 1 8 2 "
		 "00000000000000000000000000000000"
		 "00000000000000000000000000000001\n",
		 9, 9, 8},
		/* Nothing new, and what is in no zone. */
		{"x.b.a. TXT x\n", 10, 9, 8},
		{"c. TXT x\n", 11, 9, 8},
	};
	struct name a = test_name("a."), b_a = test_name("b.a.");
	uint32_t table = test_new_table();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(change_deinit) struct change change = {0};
		struct zone_counts counts;
		struct refusal why;
		MDB_txn *txn = test_begin();

		test_change(&change, cases[i].line);
		assert_int_equal(table_apply(&tt.tables, txn, table, &change,
					     false, cases[i].now, &why),
				 0);
		assert_int_equal(
			table_zone(&tt.tables, txn, table, &a, &counts), 0);
		assert_int_equal(counts.changed_ns, cases[i].a);
		if (table_zone(&tt.tables, txn, table, &b_a, &counts) < 0)
			counts.changed_ns = 0;
		assert_int_equal(counts.changed_ns, cases[i].b_a);
		test_commit(txn);
	}
	expect_true_rows(table);
}

static void a_zone_of_many_servers_shows_the_glue_of_all(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	uint32_t table = test_new_table();

	(void)state;
	buffer_printf(&text, "a. SOA a. b. 1 2 3 4 5\n"
			     "b.a. SOA a. b. 1 2 3 4 5\n");
	for (unsigned i = 0; i < 100; i++)
		buffer_printf(&text, "b.a. NS n%u.b.a.\n", i);
	buffer_add(&text, "", 1);
	test_apply(table, (char *)text.data, false, NULL);
	expect_true_rows(table);
	for (unsigned i = 0; i < 3; i++) {
		char line[64];

		snprintf(line, sizeof(line), "n%u.b.a. A 192.0.2.1\n", i * 49);
		test_apply(table, line, false, NULL);
		expect_true_rows(table);
	}
}

/* ---- What the version before has left ---- */

#define SERVERS 2000

/* Rows of format 1: no zones, no homes, and octets that mean nothing. */
static void make_format_1(MDB_txn *txn)
{
	struct table_counts counts;
	MDB_cursor *cursor;
	MDB_val key, value;

	assert_int_equal(mdb_drop(txn, tt.tables.apexes, 0), 0);
	assert_int_equal(mdb_cursor_open(txn, tt.tables.tables, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		memcpy(&counts, value.mv_data, sizeof(counts));
		counts.home = 0xa5a5a5a5;
		value.mv_data = &counts;
		assert_int_equal(
			mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
	}
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_drop(txn, tt.tables.serving, 0), 0);
}

static void serve_as_format_1_did(MDB_txn *txn, uint64_t server, uint32_t table)
{
	uint8_t octets[TABLE_SERVER_SIZE], number[TABLE_NUMBER_SIZE];
	MDB_val key = table_server_key(octets, server);
	MDB_val value = table_number_key(number, table);

	assert_int_equal(mdb_put(txn, tt.tables.serving, &key, &value, 0), 0);
}

static void a_state_of_format_1_is_taken_over(void **state)
{
	static uint32_t tables[20];
	MDB_txn *txn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		tables[i] = test_new_table();
		fill(tables[i]);
	}
	txn = test_begin();
	make_format_1(txn);
	for (uint64_t i = 0; i < SERVERS; i++)
		serve_as_format_1_did(txn, i << 30 | i,
				      tables[i % ARRAY_SIZE(tables)]);
	assert_int_equal(tables_take_over(&tt.tables, txn), 0);
	for (uint64_t i = 0; i < SERVERS; i++) {
		struct table_counts counts;
		struct served served;

		assert_int_equal(
			table_served(&tt.tables, txn, i << 30 | i, &served), 0);
		assert_int_equal(served.table, tables[i % ARRAY_SIZE(tables)]);
		assert_int_equal(served.home, 0);
		assert_int_equal(table_get_counts(&tt.tables, txn, served.table,
						  &counts),
				 0);
		assert_int_equal(counts.home, 0);
	}
	test_commit(txn);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct zone_counts counts;
		struct name apex;

		expect_true_rows(tables[i]);
		assert_true(count_rows(tables[i]) > 10);
		assert_int_equal(snapshot_begin(tt.snapshot), 0);
		assert_int_equal(snapshot_zone_next(tt.snapshot, tables[i],
						    NULL, 0, &apex, &counts),
				 0);
		assert_int_equal(counts.changed_ns, 7);
		snapshot_end(tt.snapshot);
	}
}

static void a_damaged_state_is_not_taken_over(void **state)
{
	MDB_txn *txn = test_begin();

	(void)state;
	/* It has homes already. */
	serve_as_format_1_did(txn, 1, 1);
	assert_int_equal(tables_take_over(&tt.tables, txn), -EIO);
	mdb_txn_abort(txn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_say_what_a_walk_does_after_any_edit),
		cmocka_unit_test(
			records_that_come_in_any_order_and_slices_make_the_same),
		cmocka_unit_test(rows_are_gone_with_their_table),
		cmocka_unit_test(a_zone_has_the_time_of_its_own_last_change),
		cmocka_unit_test(a_zone_of_many_servers_shows_the_glue_of_all),
		cmocka_unit_test(a_state_of_format_1_is_taken_over),
		cmocka_unit_test(a_damaged_state_is_not_taken_over),
	};

	chance_start(NULL);
	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
