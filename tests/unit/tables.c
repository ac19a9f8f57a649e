// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/text/reader.h"
#include "tests/unit/tables.h"

void test_tables_open(struct test_tables *tt)
{
	MDB_txn *txn;

	*tt = (struct test_tables){.dir = "/tmp/circuitfs-test-XXXXXX"};
	assert_non_null(mkdtemp(tt->dir));
	assert_int_equal(mdb_env_create(&tt->env), 0);
	assert_int_equal(mdb_env_set_maxdbs(tt->env, 8), 0);
	assert_int_equal(mdb_env_set_mapsize(tt->env, 1 << 28), 0);
	assert_int_equal(
		mdb_env_open(tt->env, tt->dir, MDB_NOTLS | MDB_NOSYNC, 0600),
		0);
	txn = test_begin(tt);
	assert_int_equal(tables_open(&tt->tables, tt->env, txn), 0);
	test_commit(txn);
	assert_int_equal(snapshot_new(&tt->snapshot, &tt->tables), 0);
}

void test_tables_close(struct test_tables *tt)
{
	char path[96];

	snapshot_free(tt->snapshot);
	mdb_env_close(tt->env);
	snprintf(path, sizeof(path), "%s/data.mdb", tt->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", tt->dir);
	unlink(path);
	rmdir(tt->dir);
}

MDB_txn *test_begin(struct test_tables *tt)
{
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(tt->env, NULL, 0, &txn), 0);
	return txn;
}

void test_commit(MDB_txn *txn)
{
	assert_int_equal(mdb_txn_commit(txn), 0);
}

void test_change(struct change *change, const char *text)
{
	struct reader *reader;
	struct name root;

	name_root(&root);
	assert_int_equal(reader_new(&reader, &root, NULL), 0);
	if (reader_feed(reader, text, strlen(text), change) < 0)
		fail_msg("%s: %s", text, reader_error(reader)->reason);
	reader_free(reader);
}

int test_apply(struct test_tables *tt, uint32_t table, const char *text,
	       bool fresh, struct refusal *why)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal ignored;
	MDB_txn *txn;
	int r;

	test_change(&change, text);
	txn = test_begin(tt);
	r = table_apply(&tt->tables, txn, table, &change, fresh, 1,
			why ? why : &ignored);
	test_commit(txn);
	return r;
}

uint32_t test_new_table(struct test_tables *tt)
{
	MDB_txn *txn = test_begin(tt);
	uint32_t table;

	assert_int_equal(table_create(&tt->tables, txn, &table), 0);
	test_commit(txn);
	return table;
}

char *test_dump(struct test_tables *tt, uint32_t table)
{
	struct snapshot_entry entry;
	struct buffer out = {0};
	struct name owner;
	int r;

	assert_int_equal(snapshot_begin(tt->snapshot), 0);
	r = snapshot_seek(tt->snapshot, table, NULL, 0, &entry);
	for (; r == 0; r = snapshot_next(tt->snapshot, &entry)) {
		assert_int_equal(
			name_from_key(entry.key, entry.key_len, &owner), 0);
		assert_int_equal(rrsets_to_text(&owner, entry.rrsets, &out), 0);
	}
	assert_int_equal(r, -ENOENT);
	snapshot_end(tt->snapshot);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	return (char *)out.data;
}

struct name test_name(const char *text)
{
	struct name root, name;

	name_root(&root);
	assert_int_equal(name_from_text(text, strlen(text), &root, &name, NULL),
			 0);
	return name;
}
