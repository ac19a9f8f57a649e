// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/text/reader.h"
#include "fuzz.h"
#include "store.h"

#define STORE_SIZE ((size_t)64 << 20)

static MDB_env *env;
static struct tables tables;
static struct snapshot *snapshot;

static void remove_file(const char *dir, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fuzz_claim(unlink(path) == 0);
}

static void open_store(void)
{
	bool has_shm = access("/dev/shm", W_OK) == 0;
	char dir[64];
	MDB_txn *txn;

	snprintf(dir, sizeof(dir), "%s/circuitfs-fuzz-XXXXXX",
		 has_shm ? "/dev/shm" : "/tmp");
	fuzz_claim(mkdtemp(dir));
	fuzz_claim(mdb_env_create(&env) == 0);
	fuzz_claim(mdb_env_set_maxdbs(env, 8) == 0);
	fuzz_claim(mdb_env_set_mapsize(env, STORE_SIZE) == 0);
	fuzz_claim(mdb_env_open(env, dir, MDB_NOTLS | MDB_NOSYNC, 0600) == 0);
	/* The open files stay; nothing is left behind by a crash. */
	remove_file(dir, "data.mdb");
	remove_file(dir, "lock.mdb");
	fuzz_claim(rmdir(dir) == 0);
	fuzz_claim(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	fuzz_claim(tables_open(&tables, env, txn) == 0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
	fuzz_claim(snapshot_new(&snapshot, &tables) == 0);
}

static MDB_txn *begin(void)
{
	MDB_txn *txn;

	if (!env)
		open_store();
	fuzz_claim(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	return txn;
}

struct snapshot *store_snapshot(void)
{
	if (!env)
		open_store();
	return snapshot;
}

uint32_t store_table(void)
{
	MDB_txn *txn = begin();
	uint32_t table;

	fuzz_claim(table_create(&tables, txn, &table) == 0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
	return table;
}

int store_apply(uint32_t table, const struct change *change, bool fresh,
		struct refusal *why)
{
	MDB_txn *txn = begin();
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
	MDB_txn *txn = begin();
	bool left = true;

	while (left)
		fuzz_claim(table_free_slice(&tables, txn, table, 1000, &left) ==
			   0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
}
