// SPDX-License-Identifier: Apache-2.0
/*
 * store_dir.c - the state directory, and that its files are what they should be
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anchors/store_layout.h"
#include "anchors/whole.h"

/* In octets; LMDB takes 64 for each reader, and some for a head. */
#define STORE_LOCK_SIZE (STORE_READERS * 64 + 4096)

int store_fail(struct buffer *why, int r, const char *dir, const char *what)
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

int store_make(const char *dir, struct buffer *why)
{
	int r = make_dirs(dir);

	return r < 0 ? store_fail(why, r, dir, NULL) : 0;
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
		return store_fail(why, -errno, dir, NULL);
	if (st.st_uid == uid)
		return 0;
	if (st.st_uid == geteuid() && is_empty(dir))
		return chown(dir, uid, gid) < 0
			       ? store_fail(why, -errno, dir, NULL)
			       : 0;
	buffer_printf(why,
		      "%s: belongs to uid %u, and the daemon runs as %s: "
		      "chown -R %u:%u %s%c",
		      dir, st.st_uid, user ? user : "root", uid, gid, dir, 0);
	return -EPERM;
}

static int fail_with_file(struct buffer *why, int r, const char *dir,
			  const char *name, const char *what)
{
	buffer_printf(why, "%s/%s: %s%c", dir, name, what, 0);
	return r;
}

int store_open_file(const struct store *store, const char *dir,
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
	return store_fail(why, r, dir, NULL);
}

int store_lock(struct store *store, const char *dir, struct buffer *why)
{
	char pid[32] = "";
	ssize_t len;

	store->lock_fd =
		store_open_file(store, dir, "pid", O_RDWR | O_CREAT, why);
	if (store->lock_fd < 0)
		return store->lock_fd;
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return store_fail(why, -errno, dir, NULL);
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
		return store_fail(why, -errno, dir, NULL);
	return 0;
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

/* Its first two pages may be all, which a power cut has left half written. */
static bool has_no_state(int whole, off_t size)
{
	off_t two_pages = 2 * sysconf(_SC_PAGESIZE);

	return (whole == -ENODATA && size < two_pages) ||
	       (whole == -EINVAL && size <= two_pages);
}

/*
 * A first start makes the four files in the order
 * pid, lock.mdb, data.mdb, reserve, and the last one when the first commit is
 * on disk; so it may be begun again as long as there is no reserve. Once there
 * is one, or where the data came without the lock beside it, as a copy does,
 * a file that is empty or short has lost something.
 */
int store_check_data(const struct store *store, const char *dir,
		     struct buffer *why)
{
	bool had_all = has_file(store, "reserve");
	bool was_begun = !had_all && has_file(store, "lock.mdb");
	int r, fd = store_open_file(store, dir, "data.mdb", O_RDONLY, why);
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
	if (was_begun && has_no_state(r, st.st_size))
		return unlinkat(store->dir_fd, "data.mdb", 0) < 0
			       ? store_fail(why, -errno, dir, NULL)
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
	return r < 0 ? store_fail(why, r, dir, NULL) : 0;
}

/*
 * The readers' table is written through a map. LMDB makes it with a hole in
 * it, and a hole that meets a full disk is a SIGBUS. So it is made here, whole
 * and a little longer than LMDB would; before LMDB opens it, since to close a
 * descriptor of it drops the locks that LMDB has on the file.
 */
int store_make_lock_file(struct store *store, const char *dir,
			 struct buffer *why)
{
	int r, fd = store_open_file(store, dir, "lock.mdb", O_RDWR | O_CREAT,
				    why);

	if (fd < 0)
		return fd;
	r = posix_fallocate(fd, 0, STORE_LOCK_SIZE);
	close(fd);
	/* So that no power cut leaves the data without it: store_check_data().
	 */
	if (r == 0 && fsync(store->dir_fd) < 0)
		r = errno;
	return r ? store_fail(why, -r, dir, NULL) : 0;
}
