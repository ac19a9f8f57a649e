/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drafts.h - the scratch files that have a name, in an anchor or in names/
 *
 * In names/ a file is a domain name, but for what programs make beside the
 * one that they replace: programs_makes_draft() tells which those are.
 */
#ifndef FS_DRAFTS_H
#define FS_DRAFTS_H

#include "fs/node.h"

/**
 * drafts_new() - an empty scratch file of that name in @dir
 * @dir: an anchor's directory, or names/
 *
 * Return: 0 with a node as from node_get(); -ENAMETOOLONG; -EDQUOT: its maker
 * has too many, with a line in `error`; -ENOMEM.
 */
int drafts_new(struct node **out, struct fs *fs, const struct node *dir,
	       const char *name, const struct fuse_ctx *owner, mode_t mode);

/** drafts_find() - by name; NULL: none; no reference */
struct node *drafts_find(struct fs *fs, const struct node *dir,
			 const char *name);

/** drafts_first(), drafts_next() - all of a directory; NULL behind the last */
struct scratch *drafts_first(struct fs *fs, const struct node *dir);
struct scratch *drafts_next(const struct scratch *scratch);

/**
 * drafts_rename() - another name, in @in of the same anchor
 *
 * Who has that name there is to be unlinked right after. Return: as above.
 */
int drafts_rename(struct fs *fs, struct node *node, const struct node *in,
		  const char *name);

/**
 * drafts_unlink() - take its name away, which it has; it lives while it is open
 *
 * @node may be gone after that.
 */
void drafts_unlink(struct fs *fs, struct node *node);

/**
 * drafts_let_go() - give its space back, if it has no name and is not open
 *
 * The kernel forgets a node only later, when it likes.
 */
void drafts_let_go(struct fs *fs, struct node *node);

/** drafts_unlink_all() - of an anchor that goes */
void drafts_unlink_all(struct fs *fs, const struct anchor *anchor);

/** drafts_forget() - one that is freed is in no directory any more */
void drafts_forget(struct fs *fs, struct scratch *scratch);

#endif
