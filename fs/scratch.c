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

int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	scratch->name = strdup(name);
	scratch->fd = scratch->name ? open_unnamed(fs) : -ENOMEM;
	if (scratch->fd < 0) {
		int r = scratch->fd;

		scratch_free(fs, scratch);
		return r;
	}
	scratch->anchor = anchor;
	scratch->uid = owner->uid;
	scratch->gid = owner->gid;
	scratch->mode = mode & 07777;
	scratch->mtime_ns = host_now_ns();
	*out = scratch;
	return 0;
}

ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset)
{
	ssize_t r = pread(scratch->fd, data, len, (off_t)offset);

	return r < 0 ? -errno : r;
}

static int no_room(const struct fs *fs, struct scratch *scratch)
{
	char reason[200];

	snprintf(reason, sizeof(reason),
		 "scratch-size=%llu: so many octets all plain files here may "
		 "have together; remove some, or start circuitfs with more",
		 (unsigned long long)fs->scratch_max);
	anchor_fail(scratch->anchor, scratch->name ? scratch->name : "scratch",
		    0, NULL, reason);
	return -ENOSPC;
}

/* Make room for @size octets in one file within what all may have. */
static int reserve(struct fs *fs, struct scratch *scratch, uint64_t size)
{
	uint64_t others = fs->scratch_octets - scratch->size;

	if (size > scratch->size &&
	    (size > fs->scratch_max || others > fs->scratch_max - size))
		return no_room(fs, scratch);
	fs->scratch_octets += size - scratch->size;
	scratch->size = size;
	return 0;
}

ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset)
{
	ssize_t done;

	if (offset > fs->scratch_max || len > fs->scratch_max - offset)
		return no_room(fs, scratch);
	if (offset + len > scratch->size) {
		int r = reserve(fs, scratch, offset + len);

		if (r < 0)
			return r;
	}
	done = pwrite(scratch->fd, data, len, (off_t)offset);
	if (done < 0)
		return -errno;
	scratch->mtime_ns = host_now_ns();
	scratch->dated = false;
	return done;
}

int scratch_truncate(struct fs *fs, struct scratch *scratch, uint64_t size)
{
	int r = reserve(fs, scratch, size);

	if (r == 0 && ftruncate(scratch->fd, (off_t)size) < 0)
		r = -errno;
	if (r == 0)
		scratch->mtime_ns = host_now_ns();
	return r;
}

void scratch_free(struct fs *fs, struct scratch *scratch)
{
	if (scratch->fd >= 0)
		close(scratch->fd);
	fs->scratch_octets -= scratch->size;
	free(scratch->name);
	free(scratch);
}
