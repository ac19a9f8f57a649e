/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - what a scratch file holds
 *
 * Editors and copiers write a new file and rename it over the old one. Such a
 * file lives in an unlinked file of the state directory: it is never served,
 * costs no memory, and is gone after a restart. All of them together have at
 * most fs->scratch_max octets. Which of them has which name is drafts.h.
 */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include "fs/fs.h"

/* What -o scratch-size= says if it is not given. */
#define SCRATCH_SIZE ((uint64_t)256 << 20)

struct scratch {
	struct anchor *anchor; /* its node holds a reference */
	char *name;	       /* in its directory; NULL: unlinked */
	bool in_names;	       /* which is names/, not the anchor */
	int fd;
	uint64_t size;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int64_t mtime_ns;
	bool dated; /* mtime_ns was set, and not by writing */
};

/** scratch_new() - an empty file: 0, -ENOMEM, -ENOSPC, -errno */
int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode);

/** scratch_free() - close it */
void scratch_free(struct fs *fs, struct scratch *scratch);

/** scratch_read(), scratch_write() - octets done, or -errno (-ENOSPC) */
ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset);
ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset);

/** scratch_truncate() - 0, -ENOSPC, -errno */
int scratch_truncate(struct fs *fs, struct scratch *scratch, uint64_t size);

#endif
