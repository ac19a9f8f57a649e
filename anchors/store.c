// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "anchors/store.h"
#include "anchors/whole.h"

/* Address space, not disk: the file grows as it is used. */
#define STORE_MAP_SIZE ((size_t)256 << 30)
/* What clients may have, and as much again for workers and what is short. */
#define STORE_READERS (STORE_CLIENTS + 1024)
/* Octets: 64 for each reader, and LMDB's head. */
#define STORE_LOCK_SIZE (STORE_READERS * 64 + 4096)
/* Octets: with less left, a write that was cut short met the end of a disk. */
#define STORE_SPARE   (1 << 20)
#define STORE_RESERVE (128 * 1024)
#define STORE_DBS     8
/* LMDB's list of free pages is its database 0, as mdb_stat -f reads it. */
#define STORE_FREE_DBI 0

static int fail(struct buffer *why, int r, const char *dir, const char *what)
{
	buffer_printf(why,
		      "state directory %s: %s; see that it can be written, or "
		      "give another%c",
		      dir, what ? what : strerror(-r), 0);
	return r;
}

static int make_dirs(const char *dir)
{
	CLEANUP(freep) char *path = strdup(dir);

	if (!path)
		return -ENOMEM;
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int fail_with_file(struct buffer *why, int r, const char *dir,
			  const char *name, const char *what)
{
	buffer_printf(why, "%s/%s: %s%c", dir, name, what, 0);
	return r;
}

/*
 * One of the four files, which are ours alone. A link would lead out of the
 * directory, to what somebody else keeps or what a former user has put there;
 * a pipe or a device might never answer.
 *
 * Return: a descriptor; -ENOENT, without a reason, if it is not to be made;
 * -errno.
 */
static int open_file(const struct store *store, const char *dir,
		     const char *name, int flags, struct buffer *why)
{
	struct stat st;
	int r, fd = openat(store->dir_fd, name,
			   flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				   O_CLOEXEC,
			   0600);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	r = fd >= 0 ? -EINVAL : -errno;
	if (fd >= 0)
		close(fd);
	if (r == -ENOENT && !(flags & O_CREAT))
		return r;
	if (fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return fail_with_file(why, r, dir, name,
				      "is no plain file, and nothing else is "
				      "used in its place; remove it, or give "
				      "another state directory");
	return fail(why, r, dir, NULL);
}

/* Only one daemon per directory; the loser learns who has it. */
static int lock(struct store *store, const char *dir, struct buffer *why)
{
	char pid[32] = "";
	ssize_t len;

	store->lock_fd = open_file(store, dir, "pid", O_RDWR | O_CREAT, why);
	if (store->lock_fd < 0)
		return store->lock_fd;
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(why, -errno, dir, NULL);
		len = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);
		buffer_printf(why,
			      "%s: held by another circuitfs, pid %d; stop "
			      "that one, or give another state directory%c",
			      dir, len > 0 ? atoi(pid) : 0, 0);
		return -EBUSY;
	}
	len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(store->lock_fd, 0) < 0 ||
	    pwrite(store->lock_fd, pid, (size_t)len, 0) != len)
		return fail(why, -errno, dir, NULL);
	return 0;
}

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

/* The format is written once, when the store is made. */
static int check_format(struct store *store, MDB_txn *txn, const char *dir,
			struct buffer *why)
{
	MDB_val key = {6, "format"}, value;
	uint32_t format = STORE_FORMAT;
	int r, rc = mdb_get(txn, store->meta, &key, &value);

	if (rc == MDB_NOTFOUND) {
		value = (MDB_val){sizeof(format), &format};
		rc = mdb_put(txn, store->meta, &key, &value, 0);
		r = rc ? table_errno(rc) : put_types(store, txn);
		return r < 0 ? fail(why, r, dir, NULL) : 0;
	}
	if (rc != 0)
		return fail(why, table_errno(rc), dir, NULL);
	format = 0;
	if (value.mv_size == sizeof(format))
		memcpy(&format, value.mv_data, sizeof(format));
	if (format == STORE_FORMAT)
		return 0;
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
		return fail(why, table_errno(rc), dir, NULL);
	rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &store->meta);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "anchors", MDB_CREATE, &store->anchors);
	r = table_errno(rc);
	if (r == 0)
		r = tables_open(&store->tables, store->env, txn);
	if (r < 0)
		fail(why, r, dir, NULL);
	else
		r = check_format(store, txn, dir, why);
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	rc = mdb_txn_commit(txn);
	return rc ? fail(why, table_errno(rc), dir, NULL) : 0;
}

static bool has_file(const struct store *store, const char *name)
{
	struct stat st;

	return fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int fail_without_data(struct buffer *why, const char *dir,
			     const char *what)
{
	return fail_with_file(why, -ENODATA, dir, "data.mdb", what);
}

/*
 * Is all of the data there? A first start makes the four files in the order
 * pid, lock.mdb, data.mdb, reserve, and the last one when the first commit is
 * on disk; so it may be begun again as long as there is no reserve. Once there
 * is one, or where the data came without the lock beside it, as a copy does,
 * a file that is empty or short has lost something.
 */
static int check_data(const struct store *store, const char *dir,
		      struct buffer *why)
{
	bool had_all = has_file(store, "reserve");
	bool was_begun = !had_all && has_file(store, "lock.mdb");
	int r, fd = open_file(store, dir, "data.mdb", O_RDONLY, why);
	struct stat st = {0};

	if (fd == -ENOENT && !had_all)
		return 0;
	if (fd == -ENOENT)
		return fail_without_data(
			why, dir,
			"is missing, and was there before; restore it from a "
			"copy, or remove the file reserve beside it to begin "
			"with an empty tree");
	if (fd < 0)
		return fd;
	r = whole_check(fd);
	if (fstat(fd, &st) < 0)
		r = -errno;
	close(fd);
	/* Its first two pages, which a power cut may have left half written. */
	if (was_begun &&
	    ((r == -ENODATA && st.st_size < 2 * sysconf(_SC_PAGESIZE)) ||
	     (r == -EINVAL && st.st_size <= 2 * sysconf(_SC_PAGESIZE))))
		return unlinkat(store->dir_fd, "data.mdb", 0) < 0
			       ? fail(why, -errno, dir, NULL)
			       : 0;
	if (r == -ENODATA)
		return fail_without_data(
			why, dir,
			st.st_size ? "is cut short: something is missing at "
				     "its end; restore it from a copy"
				   : "is empty; restore it from a copy, or "
				     "remove it, and reserve beside it, to "
				     "begin with an empty tree");
	if (r == -EIO)
		return fail_without_data(why, dir,
					 "is damaged; restore it from a copy");
	/* LMDB says by itself what it cannot read. */
	if (r == -EINVAL)
		return 0;
	return r < 0 ? fail(why, r, dir, NULL) : 0;
}

/*
 * The readers' table is written through a map. LMDB makes it with a hole in
 * it, and a hole that meets a full disk is a SIGBUS. So it is made here, whole
 * and a little longer than LMDB would; before LMDB opens it, since to close a
 * descriptor of it drops the locks that LMDB has on the file.
 */
static int make_lock_file(struct store *store, const char *dir,
			  struct buffer *why)
{
	int r, fd = open_file(store, dir, "lock.mdb", O_RDWR | O_CREAT, why);

	if (fd < 0)
		return fd;
	r = posix_fallocate(fd, 0, STORE_LOCK_SIZE);
	close(fd);
	/* So that no power cut leaves the data without it: check_data(). */
	if (r == 0 && fsync(store->dir_fd) < 0)
		r = errno;
	return r ? fail(why, -r, dir, NULL) : 0;
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
		return fail(why, table_errno(rc), dir,
			    rc < 0 ? mdb_strerror(rc) : NULL);
	return 0;
}

int store_make(const char *dir, struct buffer *why)
{
	int r = make_dirs(dir);

	return r < 0 ? fail(why, r, dir, NULL) : 0;
}

static bool is_empty(const char *dir)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);
	bool empty = stream;

	while (empty && (entry = readdir(stream)))
		empty = !strcmp(entry->d_name, ".") ||
			!strcmp(entry->d_name, "..");
	if (stream)
		closedir(stream);
	return empty;
}

int store_give(const char *dir, uid_t uid, gid_t gid, const char *user,
	       struct buffer *why)
{
	struct stat st;
	int r = store_make(dir, why);

	if (r < 0)
		return r;
	if (stat(dir, &st) < 0)
		return fail(why, -errno, dir, NULL);
	if (st.st_uid == uid)
		return 0;
	if (st.st_uid == geteuid() && is_empty(dir))
		return chown(dir, uid, gid) < 0 ? fail(why, -errno, dir, NULL)
						: 0;
	buffer_printf(why,
		      "%s: belongs to uid %u, and the daemon runs as %s: "
		      "chown -R %u:%u %s%c",
		      dir, st.st_uid, user ? user : "root", uid, gid, dir, 0);
	return -EPERM;
}

static int open_reserve(struct store *store, const char *dir,
			struct buffer *why)
{
	/* That there is data is on disk before what says that there was. */
	if (fsync(store->dir_fd) < 0)
		return fail(why, -errno, dir, NULL);
	store->reserve_fd =
		open_file(store, dir, "reserve", O_RDWR | O_CREAT, why);
	if (store->reserve_fd < 0)
		return store->reserve_fd;
	store_keep_reserve(store);
	return 0;
}

int store_open(struct store *out, const char *dir, struct buffer *why)
{
	struct store store = {.dir_fd = -1, .lock_fd = -1, .reserve_fd = -1};
	int r = store_make(dir, why);

	if (r < 0)
		return r;
	store.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store.dir_fd < 0)
		return fail(why, -errno, dir, NULL);
	r = lock(&store, dir, why);
	if (r == 0)
		r = check_data(&store, dir, why);
	if (r == 0)
		r = make_lock_file(&store, dir, why);
	if (r == 0)
		r = open_environment(&store, dir, why);
	if (r == 0)
		r = open_databases(&store, dir, why);
	if (r == 0) {
		r = measure_again(&store);
		r = r < 0 ? fail(why, r, dir, NULL)
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
	/* LMDB puts the old page back. If not even that worked, what is seen
	 * here is what could not be written. */
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
	__atomic_store_n(&store->failed, true, __ATOMIC_RELEASE);
}

bool store_failed(const struct store *store)
{
	return __atomic_load_n(&store->failed, __ATOMIC_ACQUIRE);
}

/* ---- When the disk is full ---- */

static off_t reserved(const struct store *store)
{
	struct stat st;

	return fstat(store->reserve_fd, &st) < 0 ? 0 : st.st_size;
}

void store_use_reserve(struct store *store)
{
	/* What cannot be given back stays reserved. */
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

/* ---- Anchors ---- */

/* Everything before the name, then as much of the name as there is. */
static size_t stored_size(const struct store_anchor *anchor)
{
	return offsetof(struct store_anchor, name) + anchor->name_len;
}

static int read_anchor(uint64_t id, const MDB_val *value,
		       struct store_anchor *out)
{
	struct store_anchor anchor = {0};

	if (value->mv_size > sizeof(anchor) ||
	    value->mv_size < offsetof(struct store_anchor, name))
		return -EBADMSG;
	memcpy(&anchor, value->mv_data, value->mv_size);
	if (anchor.id != id || stored_size(&anchor) != value->mv_size)
		return -EBADMSG;
	*out = anchor;
	return 0;
}

struct each {
	store_each_anchor_fn *anchor;
	store_each_served_fn *served;
	void *arg;
};

static int see_anchor(const struct each *each, const MDB_val *key,
		      const MDB_val *value)
{
	struct store_anchor anchor;
	uint64_t id = 0;

	if (key->mv_size == sizeof(id))
		memcpy(&id, key->mv_data, sizeof(id));
	if (id && read_anchor(id, value, &anchor) == 0)
		return each->anchor(each->arg, id, &anchor);
	return each->anchor(each->arg, id, NULL);
}

static int see_served(const struct each *each, const MDB_val *key,
		      const MDB_val *value)
{
	uint64_t id = 0;

	(void)value;
	if (key->mv_size == sizeof(id))
		id = (uint64_t)get_u32(key->mv_data) << 32 |
		     get_u32((uint8_t *)key->mv_data + 4);
	return each->served(each->arg, id);
}

static int each_row(MDB_txn *txn, MDB_dbi dbi,
		    int (*see)(const struct each *, const MDB_val *,
			       const MDB_val *),
		    const struct each *each)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	int r = 0, rc = mdb_cursor_open(txn, dbi, &cursor);

	if (rc != 0)
		return table_errno(rc);
	while (r == 0 &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		r = see(each, &key, &value);
	mdb_cursor_close(cursor);
	return r || rc == MDB_NOTFOUND ? r : table_errno(rc);
}

int store_each(const struct store *store, store_each_anchor_fn *anchor,
	       store_each_served_fn *served, void *arg)
{
	const struct each each = {anchor, served, arg};
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return table_errno(rc);
	r = each_row(txn, store->anchors, see_anchor, &each);
	if (r == 0)
		r = each_row(txn, store->tables.serving, see_served, &each);
	mdb_txn_abort(txn);
	return r;
}

int store_get_anchor(const struct store *store, MDB_txn *txn, uint64_t id,
		     struct store_anchor *out)
{
	MDB_val key = {sizeof(id), &id}, value;
	int rc = mdb_get(txn, store->anchors, &key, &value);

	return rc ? table_errno(rc) : read_anchor(id, &value, out);
}

int store_put_anchor(const struct store *store, MDB_txn *txn,
		     const struct store_anchor *anchor)
{
	uint64_t id = anchor->id;
	MDB_val key = {sizeof(id), &id};
	MDB_val value = {stored_size(anchor), (void *)anchor};

	return table_errno(mdb_put(txn, store->anchors, &key, &value, 0));
}

int store_del_anchor(const struct store *store, MDB_txn *txn, uint64_t id)
{
	MDB_val key = {sizeof(id), &id};

	return table_errno(mdb_del(txn, store->anchors, &key, NULL));
}

int store_above(const struct store *store, MDB_txn *txn, uint64_t below,
		uint64_t id)
{
	struct store_anchor anchor = {.parent = below};
	MDB_stat stat;
	int r = table_errno(mdb_stat(txn, store->anchors, &stat));

	if (r < 0)
		return r;
	/* The host's anchor is in no other, and perhaps in no row. */
	while (anchor.parent != STORE_HOST_ID) {
		if (anchor.parent == id)
			return EINVAL;
		if (!stat.ms_entries--)
			return EIO;
		r = store_get_anchor(store, txn, anchor.parent, &anchor);
		if (r == -ENOENT)
			return ENODEV;
		if (r < 0)
			return r == -EBADMSG ? EIO : r;
	}
	return 0;
}
