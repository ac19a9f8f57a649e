// SPDX-License-Identifier: Apache-2.0
/*
 * flight_recorder.c - what a daemon writes to its store, and when it flushes
 *
 * Preloaded, it stands before the calls by which LMDB writes `data.mdb`, and
 * notes each one twice: when it begins, with the octets, and when it has
 * returned. test_power_cut.py makes of that what a disk may hold after a power
 * cut.
 *
 * The notes go to a file that FLIGHT_RECORD names, and that is as large as they
 * may become. It is mapped once at the start, so that neither a change of user
 * nor a sandbox comes between. Its first eight octets say how much of it is in
 * use, which a client reads to tell what came before an answer that it had.
 *
 * Threading: any; a note is reserved by one addition.
 */
/* open() and open64() are two functions here, and neither is another's macro.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 4096

enum event { /* as in test_power_cut.py */
	     WRITE_BEGINS = 1,
	     WRITE_ENDS,
	     FLUSH_BEGINS,
	     FLUSH_ENDS,
	     TRUNCATED,
	     STARTED, /* whoever has written before is dead */
};

struct note {
	uint32_t size; /* with what follows, a multiple of 8 */
	uint32_t event;
	uint64_t id;	 /* of the call: the offset of its first note */
	uint64_t offset; /* in the file, or its new length */
	uint32_t len;	 /* octets that follow */
	uint32_t is_synchronous;
};

static char *record;
static size_t record_size;
static atomic_bool is_data[FDS_MAX], is_synchronous[FDS_MAX];

/* A full record is a fault of who gave it: it must not look like silence. */
static struct note *reserve(size_t len, uint64_t *at)
{
	size_t size = (sizeof(struct note) + len + 7) / 8 * 8;

	*at = atomic_fetch_add((_Atomic uint64_t *)record, size);
	if (*at + size > record_size)
		abort();
	return (struct note *)(record + *at);
}

static uint64_t take(enum event event, uint64_t id, int fd, uint64_t offset,
		     const struct iovec *iov, int count)
{
	size_t len = 0, done = 0;
	struct note *note;
	uint64_t at;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	note = reserve(len, &at);
	*note = (struct note){
		.size = (uint32_t)((sizeof(*note) + len + 7) / 8 * 8),
		.event = event,
		.id = id ? id : at,
		.offset = offset,
		.len = (uint32_t)len,
		.is_synchronous = is_synchronous[fd],
	};
	for (int i = 0; i < count; done += iov[i++].iov_len)
		memcpy((char *)(note + 1) + done, iov[i].iov_base,
		       iov[i].iov_len);
	return at;
}

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("FLIGHT_RECORD");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct stat st;
	void *map;
	uint64_t none = 0;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
		if (map != MAP_FAILED) {
			record = map;
			record_size = (size_t)st.st_size;
			/* What this one's parent has noted stays. */
			atomic_compare_exchange_strong(
				(_Atomic uint64_t *)record, &none, 8);
		}
	}
	close(fd);
	if (record)
		take(STARTED, 0, 0, 0, NULL, 0);
}

/* The next one with this name, which is libc's. */
static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

#define NEXT(name) (__extension__(__typeof__(&(name))) next(#name))

static bool is_watched(int fd)
{
	return record && fd >= 0 && fd < FDS_MAX && is_data[fd];
}

static void opened(int fd, const char *path, int flags)
{
	const char *name = strrchr(path, '/');

	if (fd < 0 || fd >= FDS_MAX)
		return;
	is_data[fd] = strcmp(name ? name + 1 : path, "data.mdb") == 0;
	is_synchronous[fd] = flags & O_DSYNC;
}

/* What open(2) has behind its flags. */
static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = NEXT(open)(path, flags, mode_of(flags, args));
	va_end(args);
	opened(fd, path, flags);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = NEXT(open64)(path, flags, mode_of(flags, args));
	va_end(args);
	opened(fd, path, flags);
	return fd;
}

int openat(int at, const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = NEXT(openat)(at, path, flags, mode_of(flags, args));
	va_end(args);
	opened(fd, path, flags);
	return fd;
}

int openat64(int at, const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = NEXT(openat64)(at, path, flags, mode_of(flags, args));
	va_end(args);
	opened(fd, path, flags);
	return fd;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		is_data[fd] = false;
	return NEXT(close)(fd);
}

/* Of a write that did less or failed nothing is known: all may be there. */
static ssize_t written(int fd, uint64_t offset, const struct iovec *iov,
		       int count,
		       ssize_t (*call)(int fd, const struct iovec *iov,
				       int count, off_t offset))
{
	uint64_t id;
	ssize_t done;

	if (!is_watched(fd))
		return call(fd, iov, count, (off_t)offset);
	id = take(WRITE_BEGINS, 0, fd, offset, iov, count);
	done = call(fd, iov, count, (off_t)offset);
	if (done >= 0)
		take(WRITE_ENDS, id, fd, offset, NULL, 0);
	return done;
}

static ssize_t call_pwrite(int fd, const struct iovec *iov, int count,
			   off_t offset)
{
	(void)count;
	return NEXT(pwrite)(fd, iov->iov_base, iov->iov_len, offset);
}

static ssize_t call_pwritev(int fd, const struct iovec *iov, int count,
			    off_t offset)
{
	return NEXT(pwritev)(fd, iov, count, offset);
}

static ssize_t call_write(int fd, const struct iovec *iov, int count,
			  off_t offset)
{
	(void)count;
	(void)offset;
	return NEXT(write)(fd, iov->iov_base, iov->iov_len);
}

static ssize_t call_writev(int fd, const struct iovec *iov, int count,
			   off_t offset)
{
	(void)offset;
	return NEXT(writev)(fd, iov, count);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	struct iovec iov = {(void *)data, len};

	return written(fd, (uint64_t)offset, &iov, 1, call_pwrite);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return pwrite(fd, data, len, offset);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	return written(fd, (uint64_t)offset, iov, count, call_pwritev);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	return pwritev(fd, iov, count, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};

	return written(fd,
		       is_watched(fd) ? (uint64_t)lseek(fd, 0, SEEK_CUR) : 0,
		       &iov, 1, call_write);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	return written(fd,
		       is_watched(fd) ? (uint64_t)lseek(fd, 0, SEEK_CUR) : 0,
		       iov, count, call_writev);
}

/* One that failed has flushed nothing. */
static int flushed(int fd, int (*call)(int fd))
{
	uint64_t id;
	int r;

	if (!is_watched(fd))
		return call(fd);
	id = take(FLUSH_BEGINS, 0, fd, 0, NULL, 0);
	r = call(fd);
	if (r == 0)
		take(FLUSH_ENDS, id, fd, 0, NULL, 0);
	return r;
}

int fdatasync(int fd)
{
	return flushed(fd, NEXT(fdatasync));
}

int fsync(int fd)
{
	return flushed(fd, NEXT(fsync));
}

int ftruncate(int fd, off_t length)
{
	if (is_watched(fd))
		take(TRUNCATED, 0, fd, (uint64_t)length, NULL, 0);
	return NEXT(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}
