// SPDX-License-Identifier: Apache-2.0
/*
 * Any edits and replacements of zones in zones: whoever has any serial that
 * the journal goes back to gets by it exactly what the zone shows now; serials
 * only go ahead; and what changes nothing has none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "dns/store/merge.h"
#include "dns/store/zone_replace.h"
#include "tests/unit/chance.h"
#include "tests/unit/tables.h"
#include "tests/unit/zone_model.h"

#define COPIES 24 /* that secondaries have, of some serial */

static const char *const apexes[] = {"example.", "sub.example.",
				     "deep.sub.example.", "other."};
static const char *const hosts[] = {"", "ns.", "www.", "a.", "b.a.", "ns2."};

struct copies {
	struct zone_model all[COPIES];
	size_t next;
	unsigned followed, lost;
};

static void keep_copy(struct copies *copies, const struct zone_model *zone)
{
	struct zone_model *copy = &copies->all[copies->next++ % COPIES];

	zone_model_free(copy);
	zone_model_copy(copy, zone);
}

/* Every copy that the journal reaches becomes what the zone is. */
static void check_copies(struct copies *copies, const struct served_table *on,
			 const struct zone_models *now)
{
	for (size_t i = 0; i < COPIES; i++) {
		const struct zone_model *zone;
		struct zone_model copy;

		if (!copies->all[i].soa.len)
			continue;
		zone = zone_models_find(now, &copies->all[i].apex);
		if (!zone || copies->all[i].serial == zone->serial)
			continue;
		zone_model_copy(&copy, &copies->all[i]);
		if (zone_model_follow(&copy, on->home)) {
			copies->followed++;
			assert_int_equal(copy.serial, zone->serial);
			assert_true(zone_model_same(&copy, zone));
		} else {
			copies->lost++;
		}
		zone_model_free(&copy);
	}
}

static void random_record(struct buffer *text)
{
	const char *apex = apexes[chance(ARRAY_SIZE(apexes))];
	const char *host = hosts[chance(ARRAY_SIZE(hosts))];

	buffer_printf(text, "%s%s %u ", host, apex, 60 + chance(2));
	switch (chance(10)) {
	case 0:
		buffer_printf(text, "NS ns.%s\n",
			      apexes[chance(ARRAY_SIZE(apexes))]);
		break;
	case 1:
		buffer_printf(text,
			      "DS %u 8 2 00112233445566778899aabbccddeeff"
			      "00112233445566778899aabbccddeeff\n",
			      chance(3));
		break;
	case 2:
		buffer_printf(text, "AAAA 2001:db8::%u\n", chance(3));
		break;
	case 3:
	case 4:
		buffer_printf(text, "TXT %u\n", chance(4));
		break;
	default:
		buffer_printf(text, "A 192.0.2.%u\n", chance(4));
		break;
	}
}

static void random_change(struct change *change)
{
	unsigned items = 1 + chance(5);

	for (unsigned i = 0; i < items; i++) {
		CLEANUP(buffer_deinit) struct buffer text = {0};
		const char *apex = apexes[chance(ARRAY_SIZE(apexes))];

		if (chance(6) == 0) {
			struct name name;

			buffer_printf(&text, "%s%s%c",
				      hosts[1 + chance(ARRAY_SIZE(hosts) - 1)],
				      apex, 0);
			name = test_name((char *)text.data);
			change_drop(change, &name);
			continue;
		}
		if (chance(80) == 0) {
			struct name name = test_name(apex);

			change_drop(change, &name);
			continue;
		}
		if (chance(4) == 0)
			buffer_printf(&text, "%s 60 SOA ns. h.%u %u 1 2 3 4\n",
				      apex, chance(2), chance(60));
		else
			random_record(&text);
		buffer_add(&text, "", 1);
		test_change(change, (char *)text.data);
	}
}

/* Text that replaces all of a table, or of a zone: some lines of it, with some
 * others. */
static void random_text(struct buffer *text, uint32_t table,
			const struct name *only)
{
	CLEANUP(freep) char *all = test_dump(table);
	char *line, *rest = all, apex[NAME_TEXT_SIZE];
	unsigned dropped = chance(6) ? 80 : 4;

	if (only)
		name_to_text(only, apex);
	while ((line = strsep(&rest, "\n")) && *line) {
		struct name owner;
		char *end = strchr(line, '\t');

		*end = 0;
		owner = test_name(line);
		*end = '\t';
		if (only && !name_is_under(&owner, only))
			continue;
		if (only && strstr(line, "\tSOA\t") &&
		    !name_equal(&owner, only))
			continue;
		if (chance(dropped) == 0)
			continue;
		buffer_printf(text, "%s\n", line);
	}
	for (unsigned i = chance(4); !only && i; i--)
		random_record(text);
	for (unsigned i = chance(4); only && i; i--)
		buffer_printf(text, "%s%s 60 TXT %u\n",
			      hosts[chance(ARRAY_SIZE(hosts))], apex,
			      chance(100));
	buffer_add(text, "", 1);
}

/* A table with that text; 0: it is refused. */
static bool stage(uint32_t *out, const char *text)
{
	*out = test_new_table();
	return test_apply(*out, text, true, NULL) == 0;
}

/* Something was changed, and replaced by what there was. */
static bool has_been_edited;

/* Others change what is served while it goes on. */
static int merge_in(struct served_table *on, uint32_t staged,
		    const struct name *taken, int64_t now_ns, bool edited)
{
	struct merge *merge = NULL;
	bool left = true;
	MDB_txn *txn = test_begin();
	int r;

	assert_int_equal(merge_new(&merge, &tt.tables, txn, on->home, on->table,
				   staged, taken,
				   taken ? SETTLE_BY_TRANSFER : SETTLE_BY_FILE,
				   now_ns),
			 0);
	while (left) {
		assert_int_equal(merge_slice(merge, txn, 1 + chance(40), &left),
				 0);
		if (chance(2)) {
			test_commit(txn);
			txn = test_begin();
		}
	}
	if (edited) {
		has_been_edited = true;
		CLEANUP(change_deinit) struct change change = {0};
		struct refusal why;

		random_change(&change);
		table_apply(&tt.tables, txn, on->table, &change, false, now_ns,
			    &why);
		merge_free(merge);
		test_commit(txn);
		return merge_in(on, staged, taken, now_ns, chance(4) == 0);
	}
	r = merge_end(merge, txn);
	if (r == 0)
		r = table_publish(&tt.tables, txn, on->server, staged, now_ns);
	merge_free(merge);
	test_commit(txn);
	on->table = staged;
	return r;
}

static int merge_all(struct served_table *on, uint32_t staged, int64_t now_ns)
{
	return merge_in(on, staged, NULL, now_ns, chance(4) == 0);
}

static void replace_all(struct served_table *on, int64_t now_ns)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	uint32_t staged;

	random_text(&text, on->table, NULL);
	if (stage(&staged, (char *)text.data))
		assert_int_equal(merge_all(on, staged, now_ns), 0);
}

static void apply_to(const struct served_table *on, const struct change *change)
{
	MDB_txn *txn = test_begin();
	struct refusal why;

	table_apply(&tt.tables, txn, on->table, change, false, NOW, &why);
	test_commit(txn);
}

/* The other way round: the rest is added to the zone; and once more, if it was
 * changed then. */
static void fill_up(struct served_table *on, const struct zone_replace *replace,
		    const struct change *between)
{
	struct refusal why;
	struct zone_take take = {
		.tables = &tt.tables,
		.table = replace->table,
		.source = replace->source,
		.apex = replace->apex,
		.is_loose = true,
		.clears = replace->clears,
		.fills = true,
		.why = &why,
	};
	unsigned rounds = between ? 2 : 1 + chance(2);

	while (rounds--) {
		MDB_txn *txn = test_begin();
		bool left = true;

		while (left)
			assert_int_equal(zone_fill(&take, txn, 1 + chance(40),
						   replace->now_ns, &left),
					 0);
		test_commit(txn);
		if (between && rounds)
			apply_to(on, between);
		take.begun = false;
		take.again = true;
	}
	zone_take_deinit(&take);
	assert_int_equal(merge_in(on, replace->source, &replace->apex,
				  replace->now_ns, false),
			 0);
}

static void replace_zone(struct served_table *on, int64_t now_ns)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct zone_replace replace = {
		.table = on->table,
		.apex = test_name(apexes[chance(ARRAY_SIZE(apexes))]),
		.clears = chance(20) == 0,
		/* What is nested may be in the text, too. */
		.by = SETTLE_BY_TRANSFER,
		.now_ns = now_ns,
	};
	struct refusal why;
	MDB_txn *txn;
	int r;

	random_text(&text, on->table, &replace.apex);
	if (!stage(&replace.source, (char *)text.data))
		return;
	if (chance(2)) {
		if (replace.clears)
			replace.source = test_new_table();
		fill_up(on, &replace, NULL);
		return;
	}
	txn = test_begin();
	r = zone_replace(&tt.tables, txn, &replace, &why);
	test_commit(txn);
	assert_true(r == 0 || r == EINVAL);
}

/* Large enough that a journal has room for some changes. */
static void fill(struct served_table *on)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	for (size_t i = 0; i < ARRAY_SIZE(apexes); i++) {
		buffer_printf(&text, "%s 60 SOA ns. h. 1 1 2 3 4\n", apexes[i]);
		for (int j = 0; j < 20; j++)
			buffer_printf(&text, "n%d.%s 60 TXT \"%080d\"\n", j,
				      apexes[i], j);
	}
	buffer_add(&text, "", 1);
	assert_int_equal(test_apply(on->table, (char *)text.data, false, NULL),
			 0);
}

static bool gives_soa(const struct change *change, const struct name *apex)
{
	struct change_item item;
	size_t offset = 0;

	while (change_next(change, &offset, &item))
		if (item.op == CHANGE_ADD && item.rr.type == RR_SOA &&
		    name_equal(&item.rr.owner, apex))
			return true;
	return false;
}

/* A zone that comes or goes takes the one around it along, with or without
 * records that move. */
static bool has_moved(const struct zone_models *before,
		      const struct zone_models *after)
{
	size_t both = 0;

	for (size_t i = 0; i < after->count; i++)
		both += zone_models_find(before, &after->zones[i].apex) != NULL;
	return both < before->count || both < after->count;
}

/* Serials go ahead for what has changed, and for nothing else. */
static void check_serials(const struct zone_models *before,
			  const struct zone_models *after,
			  const struct change *change)
{
	bool free = has_been_edited || has_moved(before, after);

	for (size_t i = 0; i < after->count; i++) {
		const struct zone_model *new = &after->zones[i];
		const struct zone_model *old =
			zone_models_find(before, &new->apex);
		bool same = old && zone_model_same(old, new);

		if (!old)
			continue;
		if (!same)
			assert_true(serial_is_ahead(new->serial, old->serial));
		else if (!free && !(change && gives_soa(change, &new->apex)))
			assert_int_equal(new->serial, old->serial);
		else
			assert_true(new->serial == old->serial ||
				    serial_is_ahead(new->serial, old->serial));
	}
}

static void check_bounds(const struct served_table *on,
			 const struct zone_models *now)
{
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	for (size_t i = 0; i < now->count; i++) {
		struct zone_row row;

		if (snapshot_zone_row(tt.snapshot, on->home,
				      &now->zones[i].apex, &row) < 0)
			continue;
		assert_true(row.journal <= zone_model_wire(&now->zones[i]));
		assert_int_equal(row.serial, now->zones[i].serial);
	}
	snapshot_end(tt.snapshot);
}

/* Who sets a serial back, or removes a zone and makes it anew as it likes, is
 * to blame if there are others with that serial. */
static void forget_copies(struct copies *copies,
			  const struct zone_models *before,
			  const struct zone_models *after)
{
	for (size_t i = 0; i < COPIES; i++) {
		struct zone_model *copy = &copies->all[i];
		const struct zone_model *old, *new;

		if (!copy->soa.len)
			continue;
		old = zone_models_find(before, &copy->apex);
		new = zone_models_find(after, &copy->apex);
		/* What was meanwhile, nobody has seen. */
		if (!old || !new || has_been_edited ||
		    (old->serial != new->serial &&
		     !serial_is_ahead(new->serial, old->serial)))
			zone_model_free(copy);
	}
}

static void change_some(struct served_table *on, struct change *change,
			int64_t now_ns)
{
	struct refusal why;
	MDB_txn *txn;

	random_change(change);
	txn = test_begin();
	table_apply(&tt.tables, txn, on->table, change, false, now_ns, &why);
	test_commit(txn);
}

static void run_edits(enum serial_policy policy, bool replaces,
		      struct copies *copies)
{
	const unsigned edits = 60;
	struct served_table on = serve(policy, true);
	struct zone_models before, after;

	fill(&on);
	zone_models_read(&before, on.table);
	for (unsigned i = 0; i < edits; i++) {
		CLEANUP(change_deinit) struct change change = {0};
		int64_t now_ns = NOW + i * INT64_C(100000000);
		unsigned what = replaces ? chance(4) : 3;

		has_been_edited = false;
		if (what == 0)
			replace_all(&on, now_ns);
		else if (what == 1)
			replace_zone(&on, now_ns);
		else
			change_some(&on, &change, now_ns);
		zone_models_read(&after, on.table);
		if (policy == SERIAL_KEEP)
			forget_copies(copies, &before, &after);
		else
			check_serials(&before, &after,
				      what < 2 ? NULL : &change);
		check_bounds(&on, &after);
		check_copies(copies, &on, &after);
		for (size_t j = 0; j < after.count; j++)
			if (chance(4) == 0)
				keep_copy(copies, &after.zones[j]);
		zone_models_free(&before);
		before = after;
	}
	zone_models_free(&before);
	for (size_t i = 0; i < COPIES; i++)
		zone_model_free(&copies->all[i]);
}

static void run_policies(bool replaces)
{
	static const enum serial_policy policies[] = {
		SERIAL_AUTO, SERIAL_INCREMENT, SERIAL_UNIXTIME, SERIAL_DATE};
	unsigned followed = 0, lost = 0;

	for (unsigned run = 0; run < 40; run++) {
		struct copies copies = {0};

		run_edits(policies[run % ARRAY_SIZE(policies)], replaces,
			  &copies);
		followed += copies.followed;
		lost += copies.lost;
	}
	/* Not that it is always dropped. */
	assert_true(replaces ? followed > lost / 4 : followed > lost);
}

static void
a_copy_of_any_serial_becomes_by_the_journal_what_the_zone_is(void **state)
{
	(void)state;
	run_policies(false);
}

static void so_it_does_where_zones_and_all_records_are_replaced(void **state)
{
	(void)state;
	run_policies(true);
}

static void a_copy_is_good_also_where_serials_are_kept(void **state)
{
	unsigned followed = 0;

	(void)state;
	for (unsigned run = 0; run < 20; run++) {
		struct copies copies = {0};

		run_edits(SERIAL_KEEP, run % 2, &copies);
		followed += copies.followed;
	}
	assert_true(followed > 0);
}

/* ---- Rule by rule ---- */

#define SOA(owner, serial) owner " 60 IN SOA ns. h. " #serial " 1 2 3 4\n"
#define LINE(owner, rest)  owner "\t60\tIN\t" rest "\n"
#define HASH		   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void edit(struct served_table *on, const char *text)
{
	assert_int_equal(test_apply(on->table, text, false, NULL), 0);
}

static void is_now(const struct served_table *on, const char *text)
{
	CLEANUP(freep) char *all = test_dump(on->table);

	assert_string_equal(all, text);
}

static int replace_with(struct served_table *on, const char *apex,
			const char *text, bool clears, enum settle_by by)
{
	struct zone_replace replace = {
		.table = on->table,
		.source = test_new_table(),
		.apex = test_name(apex),
		.clears = clears,
		.by = by,
		.now_ns = NOW,
	};
	struct refusal why;
	MDB_txn *txn;
	int r;

	assert_int_equal(test_apply(replace.source, text, true, NULL), 0);
	txn = test_begin();
	r = zone_replace(&tt.tables, txn, &replace, &why);
	test_commit(txn);
	return r;
}

static void a_zone_is_replaced_and_no_other(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);

	(void)state;
	edit(&on,
	     SOA("z.", 5) "www.z. 60 A 192.0.2.1\n" SOA(
		     "s.z.", 5) "s.z. 60 NS ns.s.z.\nns.s.z. 60 A 192.0.2.3\n"
				"y. 60 A 192.0.2.4\n");
	/* Of what is nested, NS and addresses are left out; DS is the zone's.
	 */
	assert_int_equal(
		replace_with(&on, "z.",
			     "w3.z. 60 A 192.0.2.2\ns.z. 60 NS other.\n"
			     "s.z. 60 DS 1 8 2 " HASH
			     "\nns.s.z. 60 A 192.0.2.9\n",
			     false, SETTLE_BY_FILE),
		0);
	is_now(&on,
	       LINE("y.", "A\t192.0.2.4") LINE("z.", "SOA\tns. h. 6 1 2 3 4")
		       LINE("s.z.", "SOA\tns. h. 5 1 2 3 4") LINE("s.z.",
								  "NS\tns.s.z.")
			       LINE("s.z.", "DS\t1 8 2 " HASH)
				       LINE("ns.s.z.", "A\t192.0.2.3")
					       LINE("w3.z.", "A\t192.0.2.2"));
	/* The nested one keeps it, for it is the zone's above. */
	assert_int_equal(replace_with(&on, "s.z.", SOA("s.z.", 5), false,
				      SETTLE_BY_FILE),
			 0);
	is_now(&on,
	       LINE("y.", "A\t192.0.2.4") LINE("z.", "SOA\tns. h. 7 1 2 3 4")
		       LINE("s.z.", "SOA\tns. h. 6 1 2 3 4")
			       LINE("s.z.", "DS\t1 8 2 " HASH)
				       LINE("w3.z.", "A\t192.0.2.2"));
	assert_int_equal(replace_with(&on, "z.", "", true, SETTLE_BY_FILE), 0);
	is_now(&on, LINE("y.", "A\t192.0.2.4")
			    LINE("s.z.", "SOA\tns. h. 6 1 2 3 4"));
}

static void make_secondary(struct served_table *on, const char *apex)
{
	struct name name = test_name(apex);
	MDB_txn *txn = test_begin();

	assert_int_equal(home_list_put(&tt.tables, txn, on->home,
				       LIST_PRIMARIES, &name, "192.0.2.1\n",
				       10),
			 0);
	test_commit(txn);
}

/* Both ways: what a table is then, which was changed so before, or meanwhile.
 */
static char *replaced(const char *apex, const char *text,
		      const struct change *change, bool clears, bool fills)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	struct zone_replace replace = {
		.table = on.table,
		.source = test_new_table(),
		.apex = test_name(apex),
		.clears = clears,
		.by = clears ? SETTLE_BY_FILE : SETTLE_BY_TRANSFER,
		.now_ns = NOW,
	};
	struct refusal why;
	MDB_txn *txn;

	fill(&on);
	if (!clears)
		make_secondary(&on, apex);
	if (!clears)
		assert_int_equal(test_apply(replace.source, text, true, NULL),
				 0);
	if (fills) {
		fill_up(&on, &replace, change);
		return test_dump(on.table);
	}
	apply_to(&on, change);
	txn = test_begin();
	assert_int_equal(zone_replace(&tt.tables, txn, &replace, &why), 0);
	test_commit(txn);
	return test_dump(on.table);
}

static void what_is_filled_is_what_is_replaced_in_place(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 400; run++) {
		CLEANUP(buffer_deinit) struct buffer text = {0};
		CLEANUP(change_deinit) struct change change = {0};
		CLEANUP(freep) char *in_place = NULL, *filled = NULL;
		struct served_table on = serve(SERIAL_AUTO, true);
		const char *apex = apexes[run % ARRAY_SIZE(apexes)];
		struct name name = test_name(apex);
		struct name nested = test_name("deep.sub.example.");
		bool clears = run % 3 == 0;

		fill(&on);
		random_text(&text, on.table, &name);
		/* What a text had for a nested zone that goes is left out. */
		if (clears)
			random_change(&change);
		else
			test_change(&change, "x.other. 60 TXT x\n");
		if (clears && chance(3) == 0)
			change_drop(&change, &nested);
		in_place = replaced(apex, (char *)text.data, &change, clears,
				    false);
		filled = replaced(apex, (char *)text.data, &change, clears,
				  true);
		assert_string_equal(filled, in_place);
	}
}

static void what_is_of_another_zone_is_refused_in_a_zones_text(void **state)
{
	static const char *const cases[] = {
		"www.s.z. TXT x\n",
		"s.z. MX 1 a.\n",
		SOA("s.z.", 1),
		SOA("b.z.", 1),
		"b.z. A 192.0.2.1\nz. CNAME b.z.\n",
	};
	struct served_table on = serve(SERIAL_AUTO, true);
	CLEANUP(freep) char *before = NULL;

	(void)state;
	edit(&on, SOA("z.", 5) SOA("s.z.", 5));
	before = test_dump(on.table);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(replace_with(&on, "z.", cases[i], false,
					      SETTLE_BY_FILE),
				 EINVAL);
		is_now(&on, before);
	}
	assert_int_equal(replace_with(&on, "new.", "new. A 192.0.2.1\n", false,
				      SETTLE_BY_FILE),
			 EINVAL);
	/* A primary may have such things, which are not to be seen here. */
	make_secondary(&on, "z.");
	assert_int_equal(
		replace_with(&on, "z.", cases[0], false, SETTLE_BY_TRANSFER),
		0);
}

static void a_replacement_of_all_leaves_secondaries_alone(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	uint32_t staged;

	(void)state;
	edit(&on, SOA("z.", 5) "www.z. 60 A 192.0.2.1\n" SOA(
			  "y.", 5) "www.y. 60 A 192.0.2.1\n");
	make_secondary(&on, "z.");
	make_secondary(&on, "dark.");
	assert_true(stage(
		&staged, "www.z. A 192.0.2.66\nold.z. TXT x\n" SOA("z.", 9) SOA(
				 "dark.", 1) "www.dark. TXT x\n" SOA("y.", 5)));
	assert_int_equal(merge_all(&on, staged, NOW), 0);
	has_been_edited = false;
	is_now(&on, LINE("y.", "SOA\tns. h. 6 1 2 3 4")
			    LINE("z.", "SOA\tns. h. 5 1 2 3 4")
				    LINE("www.z.", "A\t192.0.2.1"));
}

static void a_merge_is_off_when_lists_or_zones_have_changed(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	struct merge *merge;
	uint32_t staged;
	bool left = true;
	MDB_txn *txn;

	(void)state;
	edit(&on, SOA("z.", 5) SOA("y.", 5));
	for (int what = 0; what < 2; what++) {
		assert_true(stage(&staged, SOA("z.", 5) "a.z. TXT x\n"));
		txn = test_begin();
		assert_int_equal(merge_new(&merge, &tt.tables, txn, on.home,
					   on.table, staged, NULL,
					   SETTLE_BY_FILE, NOW),
				 0);
		assert_int_equal(merge_slice(merge, txn, 100, &left), 0);
		assert_false(left);
		test_commit(txn);
		if (what == 0)
			edit(&on, "b.z. TXT x\n");
		else
			make_secondary(&on, "other.");
		txn = test_begin();
		assert_int_equal(merge_end(merge, txn), -EAGAIN);
		test_commit(txn);
		merge_free(merge);
	}
}

static int start(void **state)
{
	chance_start(state);
	return test_tables_open(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_is_replaced_and_no_other),
		cmocka_unit_test(what_is_filled_is_what_is_replaced_in_place),
		cmocka_unit_test(
			what_is_of_another_zone_is_refused_in_a_zones_text),
		cmocka_unit_test(a_replacement_of_all_leaves_secondaries_alone),
		cmocka_unit_test(
			a_merge_is_off_when_lists_or_zones_have_changed),
		cmocka_unit_test(
			a_copy_of_any_serial_becomes_by_the_journal_what_the_zone_is),
		cmocka_unit_test(
			so_it_does_where_zones_and_all_records_are_replaced),
		cmocka_unit_test(a_copy_is_good_also_where_serials_are_kept),
	};

	return cmocka_run_group_tests(tests, start, test_tables_close);
}
