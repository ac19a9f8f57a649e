// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dns/text/reader.h"
#include "tests/memory_tables.h"
#include "tests/unit/tables.h"

struct test_tables tt;

int test_tables_open(void **state)
{
	(void)state;
	assert_int_equal(memory_tables_open(&tt.env, &tt.tables), 0);
	assert_int_equal(snapshot_new(&tt.snapshot, &tt.tables), 0);
	return 0;
}

int test_tables_close(void **state)
{
	(void)state;
	snapshot_free(tt.snapshot);
	mdb_env_close(tt.env);
	return 0;
}

MDB_txn *test_begin(void)
{
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(tt.env, NULL, 0, &txn), 0);
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
	if (reader_feed(reader, text, strlen(text), change) < 0 ||
	    reader_end(reader, change) < 0)
		fail_msg("%s: %s", reader_error(reader)->text,
			 reader_error(reader)->reason);
	reader_free(reader);
}

int test_apply(uint32_t table, const char *text, bool fresh,
	       struct refusal *why)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal ignored;
	MDB_txn *txn;
	int r;

	test_change(&change, text);
	txn = test_begin();
	r = table_apply(&tt.tables, txn, table, &change, fresh, 1,
			why ? why : &ignored);
	test_commit(txn);
	return r;
}

uint32_t test_new_table(void)
{
	MDB_txn *txn = test_begin();
	uint32_t table;

	assert_int_equal(table_create(&tt.tables, txn, &table), 0);
	test_commit(txn);
	return table;
}

char *test_dump(uint32_t table)
{
	struct snapshot_entry entry;
	struct buffer out = {0};
	struct name owner;
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_seek(tt.snapshot, table, NULL, 0, &entry);
	for (; r == 0; r = snapshot_next(tt.snapshot, &entry)) {
		assert_int_equal(
			name_from_key(entry.key, entry.key_len, &owner), 0);
		assert_int_equal(rrsets_to_text(&owner, entry.rrsets, &out), 0);
	}
	assert_int_equal(r, -ENOENT);
	snapshot_end(tt.snapshot);
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
