/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drafts.h - the scratch files that have a name in an anchor
 */
#ifndef FS_DRAFTS_H
#define FS_DRAFTS_H

#include "fs/node.h"

/**
 * drafts_new() - an empty scratch file of that name in @anchor
 *
 * Return: 0 with a node as from node_get(); -ENOMEM; -ENOSPC; -errno.
 */
int drafts_new(struct node **out, struct fs *fs, struct anchor *anchor,
	       const char *name, const struct fuse_ctx *owner, mode_t mode);

/** drafts_find() - by name; NULL: none; no reference */
struct node *drafts_find(struct fs *fs, const struct anchor *anchor,
			 const char *name);

/** drafts_rename() - another name in the same anchor: 0, -ENOMEM */
int drafts_rename(struct node *node, const char *name);

/** drafts_unlink() - take its name away; it lives while it is open */
void drafts_unlink(struct fs *fs, struct node *node);

/**
 * drafts_let_go() - give its space back, if it has no name and is not open
 *
 * The kernel forgets a node only later, when it likes.
 */
void drafts_let_go(struct fs *fs, struct node *node);

/** drafts_unlink_all() - of an anchor that goes */
void drafts_unlink_all(struct fs *fs, const struct anchor *anchor);

#endif
