// SPDX-License-Identifier: Apache-2.0
/* What does not fit into the tree is set aside, and stops nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/hosts.h"

static struct test_host th;
static bool back;

static void done(void *arg, int result, const struct refusal *refusal)
{
	(void)arg;
	(void)refusal;
	assert_int_equal(result, 0);
	back = true;
}

static void await_done(void)
{
	while (!back)
		uv_run(&th.loop, UV_RUN_ONCE);
	back = false;
}

static struct anchor *make(struct anchor *parent, const char *name)
{
	th.host->listen = test_host_address();
	nameserver_make(parent, name, 1234, 1235, 0755, done, NULL);
	await_done();
	return anchor_child(parent, name);
}

/* ---- The store, with no daemon about ---- */

static MDB_txn *begin(struct store *store)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	MDB_txn *txn;

	assert_int_equal(store_open(store, th.dir, &why), 0);
	assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
	return txn;
}

static void commit(struct store *store, MDB_txn *txn)
{
	assert_int_equal(mdb_txn_commit(txn), 0);
	store_close(store);
}

static void put_row(const struct store *store, MDB_txn *txn, const void *key,
		    size_t key_len, const void *row, size_t len)
{
	MDB_val k = {key_len, (void *)(uintptr_t)key};
	MDB_val v = {len, (void *)(uintptr_t)row};

	assert_int_equal(mdb_put(txn, store->anchors, &k, &v, 0), 0);
}

static void set_name(struct store_anchor *row, const char *name, size_t len)
{
	row->name_len = (uint8_t)len;
	memcpy(row->name, name, len);
}

/* ---- Of one row ---- */

enum id { GOOD = 2, OUTER, BAD, INNER }; /* as make() gives them */

typedef void spoil_fn(const struct store *, MDB_txn *, struct store_anchor *);

static void spoil_parent(const struct store *store, MDB_txn *txn,
			 struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->parent = 4711;
}

static void spoil_parent_none(const struct store *store, MDB_txn *txn,
			      struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->parent = 0;
}

static void spoil_into_itself(const struct store *store, MDB_txn *txn,
			      struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->parent = BAD;
}

static void spoil_slash(const struct store *store, MDB_txn *txn,
			struct store_anchor *row)
{
	(void)store;
	(void)txn;
	set_name(row, "a/b@1.2.3.4", 11);
}

static void spoil_nul(const struct store *store, MDB_txn *txn,
		      struct store_anchor *row)
{
	(void)store;
	(void)txn;
	set_name(row, "a\0b", 3);
}

static void spoil_empty(const struct store *store, MDB_txn *txn,
			struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->name_len = 0;
}

static void spoil_dots(const struct store *store, MDB_txn *txn,
		       struct store_anchor *row)
{
	(void)store;
	(void)txn;
	set_name(row, "..", 2);
}

static void spoil_long(const struct store *store, MDB_txn *txn,
		       struct store_anchor *row)
{
	(void)store;
	(void)txn;
	memset(row->name, 'x', sizeof(row->name));
	row->name_len = sizeof(row->name);
	row->parent = 4711;
}

static void spoil_twice(const struct store *store, MDB_txn *txn,
			struct store_anchor *row)
{
	struct store_anchor twin;

	(void)row;
	/* The younger one keeps the name. */
	assert_int_equal(store_get_anchor(store, txn, INNER, &twin), 0);
	row->parent = twin.parent;
	set_name(row, twin.name, twin.name_len);
}

static void spoil_table(const struct store *store, MDB_txn *txn,
			struct store_anchor *row)
{
	assert_int_equal(table_retire(&store->tables, txn, row->id), 0);
}

static void spoil_address(const struct store *store, MDB_txn *txn,
			  struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->address.kind = 99;
}

static void spoil_mode(const struct store *store, MDB_txn *txn,
		       struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->mode = 0xffffffff;
}

static void spoil_id(const struct store *store, MDB_txn *txn,
		     struct store_anchor *row)
{
	(void)store;
	(void)txn;
	row->id = GOOD;
}

#define LONGEST                                                                \
	"lost+4+"                                                              \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"     \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"     \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"     \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *what;
	spoil_fn *spoil;
	size_t len; /* octets that are written; 0: as many as it has */
	const char *name;
	bool unknown; /* its owner cannot be read */
} cases[] = {
	{"a parent that is missing", spoil_parent, 0, "lost+4+bad", false},
	{"no parent", spoil_parent_none, 0, "lost+4+bad", false},
	{"in itself", spoil_into_itself, 0, "lost+4+bad", false},
	{"a path for a name", spoil_slash, 0, "lost+4+a_b_1.2.3.4", false},
	{"a NUL in the name", spoil_nul, 0, "lost+4+a_b", false},
	{"no name", spoil_empty, 0, "lost+4", false},
	{"dots for a name", spoil_dots, 0, "lost+4+..", false},
	{"a long name", spoil_long, 0, LONGEST, false},
	{"another's name", spoil_twice, 0, "lost+4+inner", false},
	{"no table", spoil_table, 0, "lost+4+bad", false},
	{"no address", spoil_address, 0, "lost+4", true},
	{"no mode", spoil_mode, 0, "lost+4", true},
	{"another's id", spoil_id, 0, "lost+4", true},
	{"nothing in it", spoil_id, 1, "lost+4", true},
	{"cut", spoil_empty, offsetof(struct store_anchor, name) - 1, "lost+4",
	 true},
	{"too long", spoil_empty, sizeof(struct store_anchor), "lost+4", true},
};

/* good, outer, outer/bad, outer/inner and outer/bad/below; then spoil bad. */
static void furnish(size_t i)
{
	struct anchor *outer, *bad;
	struct store_anchor row;
	struct store store;
	uint64_t id = BAD;
	MDB_txn *txn;

	test_host_init(&th);
	test_host_open(&th);
	make(th.host->root, "good");
	outer = make(th.host->root, "outer");
	bad = make(outer, "bad");
	make(outer, "inner");
	make(bad, "below");
	test_host_close(&th);
	test_host_said();
	txn = begin(&store);
	assert_int_equal(store_get_anchor(&store, txn, BAD, &row), 0);
	cases[i].spoil(&store, txn, &row);
	put_row(&store, txn, &id, sizeof(id), &row,
		cases[i].len
			? cases[i].len
			: offsetof(struct store_anchor, name) + row.name_len);
	commit(&store, txn);
}

static void look_at(size_t i)
{
	struct anchor *root = th.host->root, *outer, *bad;

	assert_int_equal(th.host->anchors, 5);
	assert_non_null(anchor_child(root, "good")->server);
	outer = anchor_child(root, "outer");
	assert_non_null(outer->server);
	assert_non_null(anchor_child(outer, "inner")->server);
	assert_null(anchor_child(outer, "bad"));
	bad = anchor_child(root, cases[i].name);
	assert_non_null(bad);
	assert_int_equal(bad->id, BAD);
	assert_int_equal(bad->mode, 0700);
	assert_int_equal(bad->uid, cases[i].unknown ? getuid() : 1234);
	assert_int_equal(bad->address.kind, ADDRESS_OFF);
	assert_non_null(anchor_child(bad, "below")->server);
}

static void a_row_that_does_not_fit_is_set_aside_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct anchor *bad;
		const char *said;

		print_message("%s\n", cases[i].what);
		furnish(i);
		test_host_open(&th);
		look_at(i);
		said = test_host_said();
		assert_non_null(strstr(said, cases[i].name));
		assert_non_null(strstr(said, "set aside"));
		assert_true(error_ring_len(&th.host->root->errors));
		test_host_close(&th);
		/* Killed or not: it is the same, and needs no more to say. */
		test_host_said();
		test_host_open(&th);
		look_at(i);
		assert_null(strstr(test_host_said(), "set aside"));
		/* It is one like any other. */
		bad = anchor_child(th.host->root, cases[i].name);
		nameserver_scrub(anchor_child(bad, "below"), done, NULL);
		await_done();
		anchor_rename(bad, anchor_child(th.host->root, "outer"),
			      "found", done, NULL);
		await_done();
		nameserver_scrub(bad, done, NULL);
		await_done();
		test_host_close(&th);
		test_host_deinit(&th);
	}
}

static void a_name_that_is_a_files_by_now_is_another_in_its_place(void **state)
{
	struct anchor *outer, *found;
	struct store_anchor row;
	struct store store;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	make(th.host->root, "good");
	outer = make(th.host->root, "outer");
	make(make(outer, "bad"), "below");
	make(outer, "records~1");
	test_host_close(&th);
	txn = begin(&store);
	assert_int_equal(store_get_anchor(&store, txn, BAD, &row), 0);
	set_name(&row, "records", 7);
	assert_int_equal(store_put_anchor(&store, txn, &row), 0);
	commit(&store, txn);
	test_host_said();
	for (unsigned i = 0; i < 2; i++) {
		test_host_open(&th);
		assert_int_equal(th.host->anchors, 5);
		outer = anchor_child(th.host->root, "outer");
		found = anchor_child(outer, "records~2");
		assert_non_null(found);
		assert_int_equal(found->id, BAD);
		/* Where it answers, and what is in it, is as it was. */
		assert_non_null(found->server);
		assert_non_null(anchor_child(found, "below")->server);
		assert_int_equal(!!strstr(test_host_said(), "renamed"), i == 0);
		assert_int_equal(!!error_ring_len(&found->errors), i == 0);
		assert_int_equal(!!error_ring_len(&outer->errors), i == 0);
		test_host_close(&th);
	}
	test_host_deinit(&th);
}

static void records_without_an_anchor_are_found(void **state)
{
	struct anchor *found;
	struct store store;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	make(th.host->root, "good");
	test_host_close(&th);
	txn = begin(&store);
	assert_int_equal(store_del_anchor(&store, txn, GOOD), 0);
	commit(&store, txn);
	test_host_open(&th);
	found = anchor_child(th.host->root, "lost+2");
	assert_non_null(found);
	/* Its number is not given to another. */
	assert_int_equal(make(th.host->root, "new")->id, 3);
	test_host_close(&th);
	test_host_deinit(&th);
}

static void a_circle_is_broken_and_keeps_what_is_in_it(void **state)
{
	struct anchor *a, *b, *c;
	struct store_anchor row;
	struct store store;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	a = make(th.host->root, "a");
	b = make(a, "b");
	c = make(b, "c");
	make(c, "d");
	test_host_close(&th);
	txn = begin(&store);
	assert_int_equal(store_get_anchor(&store, txn, 2, &row), 0);
	row.parent = 4;
	assert_int_equal(store_put_anchor(&store, txn, &row), 0);
	commit(&store, txn);
	for (unsigned i = 0; i < 2; i++) {
		test_host_open(&th);
		assert_int_equal(th.host->anchors, 4);
		assert_int_equal(HASH_COUNT(th.host->root->children), 1);
		assert_memory_equal(th.host->root->children->name, "lost+", 5);
		test_host_close(&th);
	}
	test_host_deinit(&th);
}

static void rows_without_a_number_are_left_and_told(void **state)
{
	uint64_t none = 0;
	struct store store;
	MDB_stat stat;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	txn = begin(&store);
	put_row(&store, txn, "abc", 3, "x", 1);
	put_row(&store, txn, &none, sizeof(none), "x", 1);
	commit(&store, txn);
	test_host_open(&th);
	assert_non_null(strstr(test_host_said(), "without a number"));
	assert_int_equal(th.host->anchors, 0);
	test_host_close(&th);
	txn = begin(&store);
	assert_int_equal(mdb_stat(txn, store.anchors, &stat), 0);
	assert_int_equal(stat.ms_entries, 2);
	commit(&store, txn);
	test_host_deinit(&th);
}

static void a_host_whose_rights_cannot_be_read_is_its_owners(void **state)
{
	uint64_t id = STORE_HOST_ID;
	struct store store;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	make(th.host->root, "good");
	test_host_close(&th);
	txn = begin(&store);
	put_row(&store, txn, &id, sizeof(id), "x", 1);
	commit(&store, txn);
	for (unsigned i = 0; i < 2; i++) {
		test_host_open(&th);
		assert_int_equal(th.host->root->mode, 0700);
		assert_int_equal(th.host->root->uid, getuid());
		assert_non_null(anchor_child(th.host->root, "good")->server);
		assert_int_equal(!!strstr(test_host_said(), "0700"), i == 0);
		test_host_close(&th);
	}
	test_host_deinit(&th);
}

static void a_name_that_somebody_has_made_is_no_hindrance(void **state)
{
	struct store_anchor row;
	struct store store;
	MDB_txn *txn;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	make(th.host->root, "bad");
	make(th.host->root, "lost+2+bad");
	make(th.host->root, "lost+2.1+bad");
	test_host_close(&th);
	txn = begin(&store);
	assert_int_equal(store_get_anchor(&store, txn, 2, &row), 0);
	row.parent = 4711;
	assert_int_equal(store_put_anchor(&store, txn, &row), 0);
	commit(&store, txn);
	test_host_open(&th);
	assert_int_equal(th.host->anchors, 3);
	assert_int_equal(anchor_child(th.host->root, "lost+2.2+bad")->id, 2);
	assert_int_equal(anchor_child(th.host->root, "lost+2+bad")->id, 3);
	test_host_close(&th);
	test_host_deinit(&th);
}

/* ---- Of a tree that is deeper than mkdir makes it ---- */

#define LEVELS 1500

/* One in the other, each named "a", with numbers from 2 on. */
static void nest(unsigned levels)
{
	struct store store;
	MDB_txn *txn = begin(&store);

	for (uint64_t id = 2; id < levels + 2; id++) {
		struct store_anchor row = {
			.id = id,
			.parent = id - 1,
			.mode = 0755,
			.address = {.kind = ADDRESS_OFF},
		};
		uint32_t table;

		set_name(&row, "a", 1);
		assert_int_equal(store_put_anchor(&store, txn, &row), 0);
		assert_int_equal(table_create(&store.tables, txn, &table), 0);
		assert_int_equal(
			table_publish(&store.tables, txn, id, table, 1), 0);
	}
	commit(&store, txn);
}

static struct anchor *deepest(unsigned *levels)
{
	struct anchor *at = th.host->root;

	for (*levels = 0; at->children; at = at->children)
		++*levels;
	return at;
}

static void too_deep(void *arg, int result, const struct refusal *refusal)
{
	(void)arg;
	assert_int_equal(result, -EDQUOT);
	assert_non_null(strstr(refusal->reason, "1501"));
	back = true;
}

static void a_tree_that_is_too_deep_starts_and_can_be_made_less_so(void **state)
{
	unsigned levels;
	struct anchor *at;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	test_host_close(&th);
	nest(LEVELS);
	test_host_open(&th);
	assert_string_equal(test_host_said(), "");
	at = deepest(&levels);
	assert_int_equal(levels, LEVELS);
	nameserver_make(at, "a", 1234, 1235, 0755, too_deep, NULL);
	await_done();
	for (unsigned i = 0; i < LEVELS / 2; i++)
		at = at->parent;
	anchor_rename(at, th.host->root, "b", done, NULL);
	await_done();
	test_host_close(&th);

	test_host_open(&th);
	assert_int_equal(HASH_COUNT(th.host->root->children), 2);
	assert_int_equal(th.host->anchors, LEVELS);
	make(deepest(&levels), "a");
	assert_in_range(levels, LEVELS / 2 - 1, LEVELS / 2 + 1);
	test_host_close(&th);
	test_host_deinit(&th);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_tree_that_is_too_deep_starts_and_can_be_made_less_so),
		cmocka_unit_test(a_row_that_does_not_fit_is_set_aside_once),
		cmocka_unit_test(
			a_name_that_is_a_files_by_now_is_another_in_its_place),
		cmocka_unit_test(records_without_an_anchor_are_found),
		cmocka_unit_test(a_circle_is_broken_and_keeps_what_is_in_it),
		cmocka_unit_test(rows_without_a_number_are_left_and_told),
		cmocka_unit_test(
			a_host_whose_rights_cannot_be_read_is_its_owners),
		cmocka_unit_test(a_name_that_somebody_has_made_is_no_hindrance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
