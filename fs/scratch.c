// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

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
		 (unsigned long long)fs->next_scratch);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(dir, name, 0);
	return fd;
}

int scratch_new(struct node **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	struct node *node;
	int fd;

	if (!scratch)
		return -ENOMEM;
	scratch->name = strdup(name);
	fd = scratch->name ? open_unnamed(fs) : -ENOMEM;
	scratch->fd = fd;
	node = fd < 0 ? NULL
		      : node_get(fs, NODE_SCRATCH, anchor, NULL,
				 ++fs->next_scratch);
	if (!node) {
		scratch_free(fs, scratch);
		return fd < 0 ? fd : -ENOMEM;
	}
	scratch->uid = owner->uid;
	scratch->gid = owner->gid;
	scratch->mode = mode & 07777;
	scratch->mtime_ns = host_now_ns();
	node->scratch = scratch;
	DL_APPEND(fs->scratches, node);
	*out = node;
	return 0;
}

struct node *scratch_find(struct fs *fs, const struct anchor *anchor,
			  const char *name)
{
	struct node *node;

	DL_FOREACH(fs->scratches, node)
	{
		if (node->anchor == anchor &&
		    !strcmp(node->scratch->name, name))
			return node;
	}
	return NULL;
}

int scratch_rename(struct node *node, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(node->scratch->name);
	node->scratch->name = copy;
	return 0;
}

void scratch_unlink(struct fs *fs, struct node *node)
{
	DL_DELETE(fs->scratches, node);
	free(node->scratch->name);
	node->scratch->name = NULL;
	node_put(fs, node, 0);
}

void scratch_unlink_all(struct fs *fs, const struct anchor *anchor)
{
	struct node *node, *next;

	DL_FOREACH_SAFE(fs->scratches, node, next)
	{
		if (node->anchor == anchor)
			scratch_unlink(fs, node);
	}
}

ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset)
{
	ssize_t r = pread(scratch->fd, data, len, (off_t)offset);

	return r < 0 ? -errno : r;
}

/* Make room for @size octets in one file within what all may have. */
static int reserve(struct fs *fs, struct scratch *scratch, uint64_t size)
{
	if (size > SCRATCH_MAX ||
	    fs->scratch_octets - scratch->size + size > SCRATCH_MAX)
		return -ENOSPC;
	fs->scratch_octets += size - scratch->size;
	scratch->size = size;
	return 0;
}

ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset)
{
	ssize_t done;

	if (offset > SCRATCH_MAX || len > SCRATCH_MAX - offset)
		return -ENOSPC;
	if (offset + len > scratch->size) {
		int r = reserve(fs, scratch, offset + len);

		if (r < 0)
			return r;
	}
	done = pwrite(scratch->fd, data, len, (off_t)offset);
	if (done < 0)
		return -errno;
	scratch->mtime_ns = host_now_ns();
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
