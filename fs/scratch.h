/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - plain files in an anchor, for renaming over something
 *
 * Editors and copiers write a new file and rename it over the old one. Such a
 * file lives in an unlinked file of the state directory: it is never served,
 * costs no memory, and is gone after a restart. All of them together have at
 * most SCRATCH_MAX octets.
 */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include "fs/node.h"

#define SCRATCH_MAX ((uint64_t)256 << 20)

struct scratch {
	char *name; /* in the anchor; NULL: unlinked */
	int fd;
	uint64_t size;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int64_t mtime_ns;
};

/**
 * scratch_new() - an empty scratch file of that name in @anchor
 *
 * Return: 0 with a node as from node_get(); -ENOMEM; -ENOSPC; -errno.
 */
int scratch_new(struct node **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode);

/** scratch_find() - by name; NULL: none; no reference */
struct node *scratch_find(struct fs *fs, const struct anchor *anchor,
			  const char *name);

/** scratch_rename() - another name in the same anchor: 0, -ENOMEM */
int scratch_rename(struct node *node, const char *name);

/** scratch_unlink() - take its name away; it lives while it is open */
void scratch_unlink(struct fs *fs, struct node *node);

/** scratch_unlink_all() - of an anchor that goes */
void scratch_unlink_all(struct fs *fs, const struct anchor *anchor);

/** scratch_read(), scratch_write() - octets done, or -errno (-ENOSPC) */
ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset);
ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset);

/** scratch_truncate() - 0, -ENOSPC, -errno */
int scratch_truncate(struct fs *fs, struct scratch *scratch, uint64_t size);

/** scratch_free() - close it; called with its node */
void scratch_free(struct fs *fs, struct scratch *scratch);

#endif
