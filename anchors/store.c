// SPDX-License-Identifier: Apache-2.0
/*
 * store.c - the environment: opened, checked, closed
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "anchors/store_layout.h"

/* This is address space, not disk: the file grows as it is used. */
#define STORE_MAP_SIZE ((size_t)256 << 30)

/* Before there were zones. */
#define STORE_FORMAT_1 1

static const char no_room[] =
	"there is no room to take over what the version before has written; "
	"it is as it was";

/* Which types are known to the program that measured all text. */
static int put_types(struct store *store, MDB_txn *txn)
{
	uint32_t digest = rr_types_digest();
	MDB_val key = {5, "types"}, value = {sizeof(digest), &digest};

	return table_errno(mdb_put(txn, store->meta, &key, &value, 0));
}

static bool has_types(struct store *store, MDB_txn *txn)
{
	uint32_t digest = rr_types_digest();
	MDB_val key = {5, "types"}, value;

	return mdb_get(txn, store->meta, &key, &value) == 0 &&
	       value.mv_size == sizeof(digest) &&
	       !memcmp(value.mv_data, &digest, sizeof(digest));
}

static int put_format(struct store *store, MDB_txn *txn)
{
	uint32_t format = STORE_FORMAT;
	MDB_val key = {6, "format"}, value = {sizeof(format), &format};

	return table_errno(mdb_put(txn, store->meta, &key, &value, 0));
}

/* All of it or nothing: what fails leaves the state to the version before. */
static int take_over(struct store *store, MDB_txn *txn, const char *dir,
		     struct buffer *why)
{
	int r = tables_take_over(&store->tables, txn);

	if (r == 0)
		r = put_format(store, txn);
	if (r < 0)
		store_fail(why, r, dir, r == -ENOSPC ? no_room : NULL);
	return r;
}

/* The format is written once, when the store is made or taken over. */
static int check_format(struct store *store, MDB_txn *txn, const char *dir,
			struct buffer *why)
{
	MDB_val key = {6, "format"}, value;
	uint32_t format = 0;
	int r, rc = mdb_get(txn, store->meta, &key, &value);

	if (rc == MDB_NOTFOUND) {
		r = put_format(store, txn);
		if (r == 0)
			r = put_types(store, txn);
		return r < 0 ? store_fail(why, r, dir, NULL) : 0;
	}
	if (rc != 0)
		return store_fail(why, table_errno(rc), dir, NULL);
	if (value.mv_size == sizeof(format))
		memcpy(&format, value.mv_data, sizeof(format));
	if (format == STORE_FORMAT)
		return 0;
	if (format == STORE_FORMAT_1)
		return take_over(store, txn, dir, why);
	buffer_printf(why,
		      "%s: its format is %u, and this program knows only %d; "
		      "start the version that wrote it, or give another "
		      "state directory%c",
		      dir, format, STORE_FORMAT, 0);
	return -EPROTO;
}

/*
 * A program that knows other types prints other text, whose sizes stand beside
 * the records. They are set right once. Where there is no room for that, as on
 * a full disk, the next start does it.
 *
 * Return: 0; -errno: the disk failed, and nobody knows with what on it.
 */
static int measure_again(struct store *store)
{
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc != 0)
		return table_errno(rc);
	r = has_types(store, txn) ? -EALREADY
				  : tables_measure(&store->tables, txn);
	if (r == 0)
		r = put_types(store, txn);
	if (r < 0) {
		mdb_txn_abort(txn);
		return 0;
	}
	r = table_errno(mdb_txn_commit(txn));
	return r == -ENOSPC ? 0 : r;
}

static int open_databases(struct store *store, const char *dir,
			  struct buffer *why)
{
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc != 0)
		return store_fail(why, table_errno(rc), dir, NULL);
	rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &store->meta);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "anchors", MDB_CREATE, &store->anchors);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "receipts", MDB_CREATE,
				  &store->receipts);
	r = table_errno(rc);
	if (r == 0)
		r = tables_open(&store->tables, store->env, txn);
	if (r < 0)
		store_fail(why, r, dir, NULL);
	else
		r = check_format(store, txn, dir, why);
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	r = table_errno(mdb_txn_commit(txn));
	return r ? store_fail(why, r, dir, r == -ENOSPC ? no_room : NULL) : 0;
}

static int open_environment(struct store *store, const char *dir,
			    struct buffer *why)
{
	int dead, rc = mdb_env_create(&store->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(store->env, STORE_MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(store->env, STORE_READERS);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(store->env, STORE_DBS);
	/* Read transactions belong to objects here, not to threads. */
	if (rc == 0)
		rc = mdb_env_open(store->env, dir, MDB_NOTLS, 0600);
	if (rc == 0)
		rc = mdb_reader_check(store->env, &dead);
	/* What a killed daemon had written may not have reached the disk. */
	if (rc == 0)
		rc = mdb_env_sync(store->env, 1);
	if (rc != 0)
		return store_fail(why, table_errno(rc), dir,
				  rc < 0 ? mdb_strerror(rc) : NULL);
	return 0;
}

static int open_reserve(struct store *store, const char *dir,
			struct buffer *why)
{
	/* That there is data is on disk before what says that there was. */
	if (fsync(store->dir_fd) < 0)
		return store_fail(why, -errno, dir, NULL);
	if (store->reserve_fd < 0)
		store->reserve_fd = store_open_file(store, dir, "reserve",
						    O_RDWR | O_CREAT, why);
	if (store->reserve_fd < 0)
		return store->reserve_fd;
	store_keep_reserve(store);
	return 0;
}

/* To take over a state needs some room, and the reserve is there for that. */
static int open_with_reserve(struct store *store, const char *dir,
			     struct buffer *why)
{
	int r = open_databases(store, dir, why);

	if (r != -ENOSPC || open_reserve(store, dir, why) < 0)
		return r;
	store_use_reserve(store);
	why->len = 0;
	return open_databases(store, dir, why);
}

int store_open(struct store *out, const char *dir, struct buffer *why)
{
	struct store store = {.dir_fd = -1, .lock_fd = -1, .reserve_fd = -1};
	int r = store_make(dir, why);

	if (r < 0)
		return r;
	store.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store.dir_fd < 0)
		return store_fail(why, -errno, dir, NULL);
	r = store_lock(&store, dir, why);
	if (r == 0)
		r = store_check_data(&store, dir, why);
	if (r == 0)
		r = store_make_lock_file(&store, dir, why);
	if (r == 0)
		r = open_environment(&store, dir, why);
	if (r == 0)
		r = open_with_reserve(&store, dir, why);
	if (r == 0) {
		r = measure_again(&store);
		r = r < 0 ? store_fail(why, r, dir, NULL)
			  : open_reserve(&store, dir, why);
	}
	if (r < 0) {
		store_close(&store);
		return r;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (store->fallback_env)
		mdb_env_close(store->fallback_env);
	if (store->env)
		mdb_env_close(store->env);
	if (store->reserve_fd >= 0)
		close(store->reserve_fd);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	*store = (struct store){.dir_fd = -1, .lock_fd = -1, .reserve_fd = -1};
}
