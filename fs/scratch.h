/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - what a scratch file holds
 *
 * Editors and copiers write a new file and rename it over the old one. Such a
 * file lives in an unlinked file of the state directory, made when the first
 * octet is written: it is never served, costs no memory, and is gone after a
 * restart. How many there are, and how many octets they have, counts as what
 * their maker has of what all share (shares.h). Which of them has which name is
 * drafts.h.
 */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include "fs/fs.h"

struct drafts;

struct scratch {
	struct anchor *anchor; /* its node holds a reference */
	char *name;	       /* in its directory; NULL: unlinked */
	struct drafts *dir;    /* drafts.h's; NULL: it is in none */
	struct node *node;     /* the same: whose it is; NULL */
	UT_hash_handle hh;     /* in dir->files, by name */
	int fd;		       /* negative: nothing was written yet */
	uint64_t size;
	uid_t maker;	 /* whose share it is of, whoever owns it */
	bool is_counted; /* as a file of his */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int64_t mtime_ns;
	bool dated; /* mtime_ns was set, and not by writing */
};

/** scratch_new() - an empty file: 0, -ENOMEM, -EDQUOT: too many of them */
int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode);

/** scratch_free() - close it */
void scratch_free(struct fs *fs, struct scratch *scratch);

/** scratch_let_go() - nobody has it: it holds nothing any more */
void scratch_let_go(struct fs *fs, struct scratch *scratch);

/** scratch_open() - have a descriptor, for who uses scratch->fd: 0, -errno */
int scratch_open(struct fs *fs, struct scratch *scratch);

/** scratch_read(), scratch_write() - octets done, or -errno (-ENOSPC, -EFBIG)
 */
ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset);
ssize_t scratch_write(struct fs *fs, struct scratch *scratch, const void *data,
		      size_t len, uint64_t offset);

/** scratch_truncate() - 0, -ENOSPC, -errno */
int scratch_truncate(struct fs *fs, struct scratch *scratch, uint64_t size);

#endif
