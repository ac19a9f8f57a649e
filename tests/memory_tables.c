// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "memory_tables.h"

#define STORE_SIZE ((size_t)256 << 20)

static void env_closep(MDB_env **env)
{
	if (*env)
		mdb_env_close(*env);
}

/* The open files stay, without a name: nothing is left behind by a crash. */
static int remove_files(const char *dir)
{
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (unlink(path) < 0)
			return -errno;
	}
	return rmdir(dir) < 0 ? -errno : 0;
}

static int open_env(MDB_env *env)
{
	bool has_shm = access("/dev/shm", W_OK) == 0;
	char dir[64];
	int rc;

	snprintf(dir, sizeof(dir), "%s/circuitfs-test-XXXXXX",
		 has_shm ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		return -errno;
	rc = mdb_env_set_maxdbs(env, TABLES_DBS);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env, STORE_SIZE);
	if (rc == 0)
		rc = mdb_env_open(env, dir, MDB_NOTLS | MDB_NOSYNC, 0600);
	return rc == 0 ? remove_files(dir) : table_errno(rc);
}

int memory_tables_open(MDB_env **out, struct tables *tables)
{
	CLEANUP(env_closep) MDB_env *env = NULL;
	MDB_txn *txn;
	int r = table_errno(mdb_env_create(&env));

	if (r == 0)
		r = open_env(env);
	if (r == 0)
		r = table_errno(mdb_txn_begin(env, NULL, 0, &txn));
	if (r < 0)
		return r;
	r = tables_open(tables, env, txn);
	if (r < 0)
		mdb_txn_abort(txn);
	else
		r = table_errno(mdb_txn_commit(txn));
	if (r == 0)
		*out = steal(&env);
	return r;
}
