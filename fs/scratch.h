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
 *
 * It is the host's: each view has a node of it, if its kernel knows it, and it
 * lives while it has a name, or a node, or somebody else who needs it.
 *
 * Threading: the main loop, but for scratch->fd in rewrite.c.
 */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include "fs/fs.h"

struct drafts;

struct scratch {
	struct commons *commons;
	unsigned refs;
	unsigned opens;	 /* files that are open, of all views */
	uint64_t serial; /* never used twice */
	struct receipt
		made; /* the call that made it, while nobody has used it */
	struct anchor *anchor; /* a reference */
	char *name;	       /* in its directory; NULL: unlinked */
	struct drafts *dir;    /* drafts.h's, with a reference; NULL: none */
	UT_hash_handle hh;     /* in dir->files, by name */
	int fd;		       /* negative: nothing was written yet */
	uint64_t size;
	uid_t maker;	  /* whose share it is of, whoever owns it */
	char *maker_host; /* on which host; owned; NULL: this one */
	bool is_counted;  /* as a file of his */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	int64_t mtime_ns;
	bool dated; /* mtime_ns was set, and not by writing */
};

/** scratch_new() - an empty file, made through @fs, with one reference
 *
 * Return: 0; -ENOMEM; -EDQUOT: its maker has too many, with a line in `error`.
 */
int scratch_new(struct scratch **out, struct fs *fs, struct anchor *anchor,
		const char *name, const struct fuse_ctx *owner, mode_t mode);

struct scratch *scratch_ref(struct scratch *scratch);
struct scratch *scratch_unref(struct scratch *scratch); /* NULL is fine */

/** scratch_opened(), scratch_closed() - one more, or less, is open */
void scratch_opened(struct scratch *scratch);
void scratch_closed(struct scratch *scratch);

/**
 * scratch_let_go() - with no name, and open nowhere, it holds nothing any more
 *
 * The kernel forgets a node only later, when it likes.
 */
void scratch_let_go(struct scratch *scratch);

/** scratch_open() - have a descriptor, for who uses scratch->fd: 0, -errno */
int scratch_open(struct scratch *scratch);

/** scratch_read(), scratch_write() - octets done, or -errno (-ENOSPC, -EFBIG)
 */
ssize_t scratch_read(struct scratch *scratch, void *data, size_t len,
		     uint64_t offset);
ssize_t scratch_write(struct scratch *scratch, const void *data, size_t len,
		      uint64_t offset);

/** scratch_truncate() - 0, -ENOSPC, -errno */
int scratch_truncate(struct scratch *scratch, uint64_t size);

#endif
