// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a table, at any offset: whatever is read, in whichever order and
 * in how many slices, is a part of what one plain walk prints.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "dns/store/dump.h"
#include "tests/unit/chance.h"
#include "tests/unit/tables.h"

#define OWNERS	   20000
#define NO_TIME	   0
#define ALL_TIME   UINT64_MAX
#define RECORD_MAX (300 * 1024) /* octets of one record's text, at most */

static uint32_t table;
static const struct dump_frame frame = {"{\"Records\":{", "}}\n"};
static const char *const large = "m.large.";

/* What is read, and what it has to be. */
struct kind {
	const char *name; /* an owner's or a zone's; NULL: all */
	enum scope_kind scope;
	const struct dump_frame *frame;
	struct buffer whole;
};

static struct kind kinds[] = {
	{NULL, SCOPE_ALL, NULL, {0}},
	{NULL, SCOPE_ALL, &frame, {0}},
	{"zone.", SCOPE_ZONE, NULL, {0}},
	{"m.large.", SCOPE_OWNER, NULL, {0}},
};

/* ---- A table of all shapes ---- */

/* Many types at one owner, one of them with many records, one with a long. */
static void add_large(struct buffer *text)
{
	for (int i = 0; i < 2000; i++)
		buffer_printf(text, "%s A 192.0.%d.%d\n", large, i / 250,
			      i % 250);
	for (int i = 0; i < 200; i++)
		buffer_printf(text, "%s TYPE%d \\# 1 0a\n", large, 40000 + i);
	buffer_printf(text, "%s TXT", large);
	for (int i = 0; i < 200; i++) {
		buffer_add_text(text, " \"");
		for (int j = 0; j < 60; j++)
			buffer_add_text(text, "\\001\\\"");
		buffer_add_text(text, "\"");
	}
	buffer_add_text(text, "\n");
}

/* Names, and zones nested in it, with name servers, in turns. */
static void add_zone(struct buffer *text)
{
	buffer_add_text(text, "zone. SOA a. b. 1 2 3 4 5\n");
	for (int i = 0; i < OWNERS / 4; i++) {
		buffer_printf(text, "a%05d.zone. TXT \"%0100d\"\n", i, i);
		buffer_printf(text,
			      "c%05d.zone. SOA a. b. 1 2 3 4 5\n"
			      "c%05d.zone. NS z.c%05d.zone.\n"
			      "c%05d.zone. NS a.\n"
			      "z.c%05d.zone. A 192.0.2.1\n"
			      "z.c%05d.zone. TXT \"not glue\"\n",
			      i, i, i, i, i, i);
	}
}

/* test_zone_rows.c has what it should show. */
static void walk_zone(struct kind *kind)
{
	struct name apex = test_name(kind->name);
	char owner[NAME_TEXT_SIZE];
	struct zone_walk *zone;
	struct zone_item item;

	buffer_printf(&kind->whole, "$ORIGIN %s\n", kind->name);
	if (zone_walk_snapshot(&zone, tt.snapshot, table, &apex) < 0)
		return;
	while (zone_walk_next(zone, &item) == 0) {
		struct rrset_rr rr;
		size_t at = 0;

		while (rrset_next(&item.rrset, &at, &rr)) {
			rr_to_text(owner, name_to_text(&item.owner, owner),
				   item.rrset.type, item.rrset.ttl, rr.rdata,
				   rr.rdlen, &kind->whole);
			buffer_add(&kind->whole, "\n", 1);
		}
	}
	zone_walk_free(zone);
}

static void walk(struct kind *kind)
{
	struct snapshot_entry entry;
	struct name owner, only;
	bool first = true;
	int r = snapshot_seek(tt.snapshot, table, NULL, 0, &entry);

	if (kind->scope == SCOPE_ZONE) {
		walk_zone(kind);
		return;
	}
	if (kind->name)
		only = test_name(kind->name);
	if (kind->frame)
		buffer_add_text(&kind->whole, kind->frame->head);
	for (; r == 0; r = snapshot_next(tt.snapshot, &entry)) {
		assert_int_equal(
			name_from_key(entry.key, entry.key_len, &owner), 0);
		if (kind->name && !name_equal(&owner, &only))
			continue;
		if (kind->frame && !first)
			buffer_add_text(&kind->whole, ",");
		first = false;
		if (kind->frame)
			rrsets_to_json(&owner, entry.rrsets, &kind->whole);
		else
			rrsets_to_text(&owner, entry.rrsets, &kind->whole);
	}
	if (kind->frame)
		buffer_add_text(&kind->whole, kind->frame->tail);
}

static int set_up(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	chance_start(state);
	test_tables_open(state);
	table = test_new_table();
	for (int i = 0; i < OWNERS; i++)
		buffer_printf(&text,
			      "n%05d.%s. A 192.0.2.1\nn%05d.%s. TXT \"a\tb\"\n",
			      i, i % 2 ? "a" : "z", i, i % 2 ? "a" : "z");
	add_large(&text);
	add_zone(&text);
	buffer_add(&text, "", 1);
	assert_int_equal(test_apply(table, (char *)text.data, true, NULL), 0);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		walk(&kinds[i]);
	return 0;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		buffer_deinit(&kinds[i].whole);
	return test_tables_close(state);
}

static struct dump *open_dump(const struct kind *kind)
{
	struct scope scope = {.kind = kind->scope};
	struct dump *dump;

	if (kind->name)
		scope.name = test_name(kind->name);
	assert_int_equal(dump_new(&dump, tt.snapshot, table,
				  kind->name ? &scope : NULL, kind->frame),
			 0);
	return dump;
}

/* ---- Reads ---- */

/* One read, and that it is right; how many slices it took. */
static unsigned expect_read(struct dump *dump, const struct kind *kind,
			    uint64_t offset, size_t size, uint64_t until_ns)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct dump_read read = {.offset = offset, .size = size, .text = &text};
	size_t left = offset < kind->whole.len ? kind->whole.len - offset : 0;
	unsigned slices = 1;
	int r;

	while ((r = dump_read(dump, &read, until_ns)) == -EAGAIN) {
		assert_int_equal(until_ns, NO_TIME);
		slices++;
	}
	assert_int_equal(r, 0);
	assert_int_equal(read.len, left < size ? left : size);
	if (read.len)
		assert_memory_equal(read.data, kind->whole.data + offset,
				    read.len);
	/* What was printed is what was asked for, and a record at each end. */
	assert_true(text.len <= size + 2 * RECORD_MAX);
	return slices;
}

static void all_of_it_is_read_in_order(void **state)
{
	static const size_t sizes[] = {1013, 4096, 131072, 1 << 20, 1 << 30};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct dump *dump = open_dump(&kinds[i]);
			uint64_t at = 0;

			assert_int_equal(dump_size(dump), kinds[i].whole.len);
			for (; at < kinds[i].whole.len; at += sizes[j])
				expect_read(dump, &kinds[i], at, sizes[j],
					    ALL_TIME);
			expect_read(dump, &kinds[i], at, sizes[j], ALL_TIME);
			dump_free(dump);
		}
	}
}

static void the_next_read_goes_on_where_the_last_one_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dump *dump = open_dump(&kinds[i]);
		unsigned reads = 0, slices = 0;

		for (uint64_t at = 0; at < kinds[i].whole.len; at += 1013) {
			slices +=
				expect_read(dump, &kinds[i], at, 1013, NO_TIME);
			reads++;
		}
		assert_true(slices < 2 * reads);
		dump_free(dump);
	}
}

static void any_part_is_read_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dump *dump = open_dump(&kinds[i]);
		uint32_t whole = (uint32_t)kinds[i].whole.len;

		for (int j = 0; j < 1500; j++) {
			uint32_t size = chance(2) ? chance(100) : chance(9000);

			expect_read(dump, &kinds[i], chance(whole + 1000),
				    size + 1, chance(2) ? NO_TIME : ALL_TIME);
		}
		dump_free(dump);
	}
}

/* An octet here and there, around each seam of the first and last records. */
static void every_octet_near_the_ends_is_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dump *dump = open_dump(&kinds[i]);
		uint64_t whole = kinds[i].whole.len;

		for (unsigned back = 0; back < 300; back++) {
			expect_read(dump, &kinds[i], whole - back, 1, ALL_TIME);
			expect_read(dump, &kinds[i], back, 1, NO_TIME);
		}
		dump_free(dump);
	}
}

static void at_or_behind_the_end_nothing_is_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dump *dump = open_dump(&kinds[i]);
		uint64_t whole = kinds[i].whole.len;

		assert_int_equal(
			expect_read(dump, &kinds[i], whole, 100, NO_TIME), 1);
		assert_int_equal(
			expect_read(dump, &kinds[i], UINT64_MAX, 100, NO_TIME),
			1);
		dump_free(dump);
	}
}

static void a_way_that_was_gone_is_short_the_next_time(void **state)
{
	(void)state;
	/* An owner has no marks. */
	for (size_t i = 0; i < 3; i++) {
		struct dump *dump = open_dump(&kinds[i]);
		uint64_t whole = kinds[i].whole.len;
		unsigned first =
			expect_read(dump, &kinds[i], whole - 1, 1, NO_TIME);

		assert_true(first > 40);
		for (int part = 9; part > 0; part--)
			assert_true(expect_read(dump, &kinds[i],
						whole / 10 * (unsigned)part, 1,
						NO_TIME) < first / 8);
		assert_true(expect_read(dump, &kinds[i], whole - 1, 1,
					NO_TIME) < first / 8);
		dump_free(dump);
	}
}

static void nothing_is_an_empty_text_in_its_frame(void **state)
{
	static struct kind none[] = {
		{NULL, SCOPE_ALL, NULL, {0}},
		{NULL, SCOPE_ALL, &frame, {0}},
		{"zone.", SCOPE_ZONE, NULL, {0}},
		{"n.", SCOPE_OWNER, NULL, {0}},
	};
	uint32_t full = table;

	(void)state;
	snapshot_end(tt.snapshot);
	table = test_new_table();
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		struct dump *dump;

		walk(&none[i]);
		dump = open_dump(&none[i]);
		assert_int_equal(dump_size(dump), none[i].whole.len);
		expect_read(dump, &none[i], 0, 100, ALL_TIME);
		expect_read(dump, &none[i], 1, 100, NO_TIME);
		dump_free(dump);
		buffer_deinit(&none[i].whole);
	}
	table = full;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_read_in_order),
		cmocka_unit_test(
			the_next_read_goes_on_where_the_last_one_ended),
		cmocka_unit_test(any_part_is_read_in_any_order),
		cmocka_unit_test(every_octet_near_the_ends_is_right),
		cmocka_unit_test(at_or_behind_the_end_nothing_is_walked),
		cmocka_unit_test(a_way_that_was_gone_is_short_the_next_time),
		cmocka_unit_test(nothing_is_an_empty_text_in_its_frame),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
