// SPDX-License-Identifier: Apache-2.0
/*
 * store_disk.c - what is done when the disk is full, and when it fails
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "anchors/store_layout.h"

/* With fewer octets left, a write that was cut short has met the disk's end. */
#define STORE_SPARE   (1 << 20)
#define STORE_RESERVE (128 * 1024)
/* LMDB's list of free pages is its database 0, as mdb_stat -f reads it. */
#define STORE_FREE_DBI 0

/* ---- When the disk is full ---- */

static off_t reserved(const struct store *store)
{
	struct stat st;

	return fstat(store->reserve_fd, &st) < 0 ? 0 : st.st_size;
}

void store_use_reserve(struct store *store)
{
	/* Where that fails, the space stays reserved, and nothing is lost. */
	while (ftruncate(store->reserve_fd, 0) < 0 && errno == EINTR)
		;
	store->reserve_used = true;
}

void store_keep_reserve(struct store *store)
{
	if (reserved(store) == STORE_RESERVE)
		store->reserve_used = false;
	else if (posix_fallocate(store->reserve_fd, 0, STORE_RESERVE) == 0)
		store->reserve_used = false;
	else
		store_use_reserve(store);
}

/* At least @enough pages of the file that hold nothing? */
static bool has_free_pages(MDB_txn *txn, size_t enough)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t found = 0;

	if (mdb_cursor_open(txn, STORE_FREE_DBI, &cursor) != 0)
		return false;
	/* An entry is an array of page numbers, with their count before it. */
	while (found < enough &&
	       mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		size_t count = 0;

		memcpy(&count, value.mv_data, sizeof(count));
		found += count;
	}
	mdb_cursor_close(cursor);
	return found >= enough;
}

bool store_has_room(struct store *store)
{
	MDB_stat stat;
	MDB_txn *txn;
	bool room;

	/* There may be room again since the last commit, or the start. */
	if (store->reserve_used)
		store_keep_reserve(store);
	if (!store->reserve_used)
		return true;
	if (mdb_env_stat(store->env, &stat) != 0 ||
	    mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) != 0)
		return true;
	room = has_free_pages(txn, STORE_RESERVE / stat.ms_psize);
	mdb_txn_abort(txn);
	return room;
}

int store_errno(const struct store *store, int r)
{
	struct statvfs st;

	if (r == -EIO && !store_failed(store) &&
	    fstatvfs(store->dir_fd, &st) == 0 &&
	    st.f_bavail * st.f_frsize < STORE_SPARE)
		return -ENOSPC;
	return r;
}

/* ---- When the disk fails ---- */

/*
 * An environment that is only read, and takes no locks: nothing changes the
 * file any more. (LMDB forbids to open a file twice in one process for the
 * sake of its locks.)
 */
static int open_fallback(struct store *store, size_t lost_id)
{
	MDB_txn *txn = NULL;
	char path[32];
	int rc = mdb_env_create(&store->fallback_env);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", store->dir_fd);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(store->fallback_env, STORE_DBS);
	if (rc == 0)
		rc = mdb_env_open(store->fallback_env, path,
				  MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
	if (rc == 0)
		rc = mdb_txn_begin(store->fallback_env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return table_errno(rc);
	/*
	 * LMDB has put the old page back. If not even that worked, this is the
	 * state that could not be written.
	 */
	if (mdb_txn_id(txn) >= lost_id)
		rc = MDB_PANIC;
	if (rc == 0)
		rc = tables_open(&store->fallback, store->fallback_env, txn);
	if (rc == 0)
		rc = mdb_txn_commit(steal(&txn));
	if (txn)
		mdb_txn_abort(txn);
	return rc;
}

void store_commit_failed(struct store *store, size_t id)
{
	MDB_txn *txn;
	int rc;

	if (store->failed)
		return;
	rc = mdb_txn_begin(store->env, NULL, 0, &txn);
	if (rc == 0)
		mdb_txn_abort(txn);
	if (rc != MDB_PANIC)
		return;
	if (open_fallback(store, id) == 0)
		tables_fall_back(&store->tables, &store->fallback);
	atomic_store(&store->failed, true);
}

bool store_failed(const struct store *store)
{
	return atomic_load(&store->failed);
}
