// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/scratch.h"

/* A file without a name, also where the filesystem has no O_TMPFILE. */
static int open_unnamed(struct fs *fs)
{
	int dir = fs->host->store.dir_fd, fd;
	char name[64];

	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	snprintf(name, sizeof(name), "scratch.%llu",
		 (unsigned long long)++fs->next_scratch);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(dir, name, 0);
	return fd;
}

static const char *label(const struct scratch *scratch)
{
	return scratch->name ? scratch->name : "scratch";
}

static int count(struct fs *fs, struct scratch *scratch)
{
	int r = 0;

	if (!scratch->is_counted)
		r = share_take(fs, SHARE_SCRATCH_FILES, scratch->maker, 1,
			       scratch->anchor, label(scratch));
	scratch->is_counted |= r == 0;
	return r;
}

static int take_descriptor(struct fs *fs, struct scratch *scratch)
{
	struct refusal why;
	int r = descriptors_take(&fs->host->descriptors, DESCRIPTORS_FILES, 1,
				 &why);

	if (r < 0)
		anchor_fail(scratch->anchor, label(scratch), 0, NULL,
			    why.reason);
	return r;
}

/* Let go of, a file may be written all the same, through /proc/PID/fd. */
int scratch_open(struct fs *fs, struct scratch *scratch)
{
	int r = count(fs, scratch);

	if (r < 0 || scratch->fd >= 0)
		return r;
	r = take_descriptor(fs, scratch);
	if (r < 0)
		return r;
	scratch->fd = open_unnamed(fs);
	if (scratch->fd >= 0)
		return 0;
	descriptors_give(&fs->host->descriptors, DESCRIPTORS_FILES, 1);
	return scratch->fd;
}

int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	CLEANUP(freep) struct scratch *scratch = calloc(1, sizeof(*scratch));
	CLEANUP(freep) char *copy = strdup(name);
	int r;

	if (!scratch || !copy)
		return -ENOMEM;
	scratch->fd = -1;
	scratch->maker = owner->uid;
	scratch->anchor = anchor;
	scratch->name = copy; /* what a refusal calls it */
	r = count(fs, scratch);
	if (r < 0)
		return r;
	scratch->name = steal(&copy);
	scratch->uid = owner->uid;
	scratch->gid = owner->gid;
	scratch->mode = mode & 07777;
	scratch->mtime_ns = host_now_ns();
	*out = steal(&scratch);
	return 0;
}

ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset)
{
	ssize_t r = scratch->fd < 0
			    ? 0
			    : pread(scratch->fd, data, len, (off_t)offset);

	return r < 0 ? -errno : r;
}

/* Make room for @size octets in one file within what its maker may have. */
static int reserve(struct fs *fs, struct scratch *scratch, uint64_t size)
{
	int r = 0;

	if (size > scratch->size)
		r = share_take(fs, SHARE_SCRATCH_SIZE, scratch->maker,
			       size - scratch->size, scratch->anchor,
			       label(scratch));
	else
		share_give(fs, SHARE_SCRATCH_SIZE, scratch->maker,
			   scratch->size - size);
	if (r == 0)
		scratch->size = size;
	return r;
}

ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset)
{
	ssize_t done;
	int r;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return -EFBIG;
	r = scratch_open(fs, scratch);
	if (r == 0 && offset + len > scratch->size)
		r = reserve(fs, scratch, offset + len);
	if (r < 0)
		return r;
	done = pwrite(scratch->fd, data, len, (off_t)offset);
	if (done < 0)
		return -errno;
	scratch->mtime_ns = host_now_ns();
	scratch->dated = false;
	return done;
}

int scratch_truncate(struct fs *fs, struct scratch *scratch, uint64_t size)
{
	int r = size ? scratch_open(fs, scratch) : 0;

	if (r == 0)
		r = reserve(fs, scratch, size);
	if (r == 0 && scratch->fd >= 0 &&
	    ftruncate(scratch->fd, (off_t)size) < 0)
		r = -errno;
	if (r == 0)
		scratch->mtime_ns = host_now_ns();
	return r;
}

void scratch_let_go(struct fs *fs, struct scratch *scratch)
{
	if (scratch->fd >= 0) {
		close(scratch->fd);
		descriptors_give(&fs->host->descriptors, DESCRIPTORS_FILES, 1);
	}
	scratch->fd = -1;
	reserve(fs, scratch, 0);
	if (scratch->is_counted)
		share_give(fs, SHARE_SCRATCH_FILES, scratch->maker, 1);
	scratch->is_counted = false;
}

void scratch_free(struct fs *fs, struct scratch *scratch)
{
	scratch_let_go(fs, scratch);
	free(scratch->name);
	free(scratch);
}
