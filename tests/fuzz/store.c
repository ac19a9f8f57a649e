// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/text/reader.h"
#include "fuzz.h"
#include "store.h"
#include "tests/memory_tables.h"

static MDB_env *env;
static struct tables tables;
static struct snapshot *snapshot;

static void open_store(void)
{
	fuzz_claim(memory_tables_open(&env, &tables) == 0);
	fuzz_claim(snapshot_new(&snapshot, &tables) == 0);
}

MDB_txn *store_begin(void)
{
	MDB_txn *txn;

	if (!env)
		open_store();
	fuzz_claim(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	return txn;
}

const struct tables *store_tables(void)
{
	return &tables;
}

struct snapshot *store_snapshot(void)
{
	if (!env)
		open_store();
	return snapshot;
}

uint32_t store_table(void)
{
	MDB_txn *txn = store_begin();
	uint32_t table;

	fuzz_claim(table_create(&tables, txn, &table) == 0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
	return table;
}

int store_apply(uint32_t table, const struct change *change, bool fresh,
		struct refusal *why)
{
	MDB_txn *txn = store_begin();
	int r = table_apply(&tables, txn, table, change, fresh, 1, why);

	fuzz_claim(r == 0 || r == EINVAL);
	fuzz_claim(mdb_txn_commit(txn) == 0);
	return r;
}

uint32_t store_load(const char *text)
{
	CLEANUP(change_deinit) struct change change = {0};
	CLEANUP(reader_freep) struct reader *reader = NULL;
	uint32_t table = store_table();
	struct refusal why = {0};
	struct name root;

	name_root(&root);
	fuzz_claim(reader_new(&reader, &root, NULL) == 0);
	if (reader_feed(reader, text, strlen(text), &change) < 0)
		fuzz_fail(reader_error(reader)->text,
			  (int)reader_error(reader)->line,
			  reader_error(reader)->reason);
	if (store_apply(table, &change, true, &why) != 0)
		fuzz_fail(why.text, (int)why.line, why.reason);
	return table;
}

void store_free(uint32_t table)
{
	MDB_txn *txn = store_begin();
	bool left = true;

	while (left)
		fuzz_claim(table_free_slice(&tables, txn, table, 1000, &left) ==
			   0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
}
