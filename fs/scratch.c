// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/scratch.h"
#include "fs/view.h"

/* A file without a name, also where the filesystem has no O_TMPFILE. */
static int open_unnamed(struct commons *commons)
{
	int dir = commons->host->store.dir_fd, fd;
	char name[64];

	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	snprintf(name, sizeof(name), "scratch.%llu",
		 (unsigned long long)++commons->next_scratch);
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

static struct share_user maker(const struct scratch *scratch)
{
	return (struct share_user){scratch->maker_host, scratch->maker};
}

static int take(struct scratch *scratch, enum share_kind kind, uint64_t n)
{
	struct share_user user = maker(scratch);

	return share_take_for(scratch->commons, kind, &user, n, scratch->anchor,
			      label(scratch));
}

static void give(struct scratch *scratch, enum share_kind kind, uint64_t n)
{
	struct share_user user = maker(scratch);

	share_give_for(scratch->commons, kind, &user, n);
}

static int count(struct scratch *scratch)
{
	int r = 0;

	if (!scratch->is_counted)
		r = take(scratch, SHARE_SCRATCH_FILES, 1);
	scratch->is_counted |= r == 0;
	return r;
}

static struct descriptors *descriptors_of(const struct scratch *scratch)
{
	return &scratch->commons->host->descriptors;
}

static int take_descriptor(struct scratch *scratch)
{
	struct refusal why;
	int r = descriptors_take(descriptors_of(scratch), DESCRIPTORS_FILES, 1,
				 &why);

	if (r < 0)
		anchor_fail(scratch->anchor, label(scratch), 0, NULL,
			    why.reason);
	return r;
}

/* Let go of, a file may be written all the same, through /proc/PID/fd. */
int scratch_open(struct scratch *scratch)
{
	int r = count(scratch);

	if (r < 0 || scratch->fd >= 0)
		return r;
	r = take_descriptor(scratch);
	if (r < 0)
		return r;
	scratch->fd = open_unnamed(scratch->commons);
	if (scratch->fd >= 0)
		return 0;
	descriptors_give(descriptors_of(scratch), DESCRIPTORS_FILES, 1);
	return scratch->fd;
}

int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	CLEANUP(freep) struct scratch *scratch = calloc(1, sizeof(*scratch));
	CLEANUP(freep) char *copy = strdup(name);
	CLEANUP(freep) char *host = fs->peer ? strdup(fs->peer->name) : NULL;
	int r;

	if (!scratch || !copy || (fs->peer && !host))
		return -ENOMEM;
	scratch->commons = fs->commons;
	scratch->fd = -1;
	scratch->maker = owner->uid;
	scratch->maker_host = host;
	scratch->anchor = anchor;
	scratch->name = copy; /* what a refusal calls it */
	r = count(scratch);
	if (r < 0)
		return r;
	anchor_ref(anchor);
	steal(&host);
	scratch->refs = 1;
	scratch->made = *receipt_at_hand(fs->host);
	scratch->serial = ++fs->commons->next_scratch;
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
static int reserve(struct scratch *scratch, uint64_t size)
{
	int r = 0;

	if (size > scratch->size)
		r = take(scratch, SHARE_SCRATCH_SIZE, size - scratch->size);
	else
		give(scratch, SHARE_SCRATCH_SIZE, scratch->size - size);
	if (r == 0)
		scratch->size = size;
	return r;
}

ssize_t scratch_write(struct scratch *scratch, const void *data, size_t len,
		      uint64_t offset)
{
	ssize_t done;
	int r;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return -EFBIG;
	r = scratch_open(scratch);
	if (r == 0 && offset + len > scratch->size)
		r = reserve(scratch, offset + len);
	if (r < 0)
		return r;
	done = pwrite(scratch->fd, data, len, (off_t)offset);
	if (done < 0)
		return -errno;
	scratch->mtime_ns = host_now_ns();
	scratch->dated = false;
	return done;
}

int scratch_truncate(struct scratch *scratch, uint64_t size)
{
	int r = size ? scratch_open(scratch) : 0;

	if (r == 0)
		r = reserve(scratch, size);
	if (r == 0 && scratch->fd >= 0 &&
	    ftruncate(scratch->fd, (off_t)size) < 0)
		r = -errno;
	if (r == 0)
		scratch->mtime_ns = host_now_ns();
	return r;
}

static void let_go(struct scratch *scratch)
{
	if (scratch->fd >= 0) {
		close(scratch->fd);
		descriptors_give(descriptors_of(scratch), DESCRIPTORS_FILES, 1);
	}
	scratch->fd = -1;
	reserve(scratch, 0);
	if (scratch->is_counted)
		give(scratch, SHARE_SCRATCH_FILES, 1);
	scratch->is_counted = false;
}

void scratch_let_go(struct scratch *scratch)
{
	if (!scratch->opens && !scratch->name)
		let_go(scratch);
}

void scratch_opened(struct scratch *scratch)
{
	scratch->opens++;
}

void scratch_closed(struct scratch *scratch)
{
	assert(scratch->opens > 0);
	scratch->opens--;
	scratch_let_go(scratch);
}

struct scratch *scratch_ref(struct scratch *scratch)
{
	assert(scratch->refs > 0);
	scratch->refs++;
	return scratch;
}

struct scratch *scratch_unref(struct scratch *scratch)
{
	if (!scratch)
		return NULL;
	assert(scratch->refs > 0);
	if (--scratch->refs)
		return NULL;
	assert(!scratch->dir && !scratch->opens);
	let_go(scratch);
	anchor_unref(scratch->anchor);
	free(scratch->maker_host);
	free(scratch->name);
	free(scratch);
	return NULL;
}
