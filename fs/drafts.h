/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drafts.h - the scratch files that have a name, in an anchor or what is in it
 *
 * In names/ a file is a domain name, but for what programs make beside the
 * one that they replace: programs_makes_draft() tells which those are.
 *
 * They are the host's, and all views have them.
 *
 * Threading: the main loop.
 */
#ifndef FS_DRAFTS_H
#define FS_DRAFTS_H

#include "fs/node.h"

/**
 * drafts_new() - an empty scratch file of that name in @dir
 * @dir: an anchor's directory, or one in it
 *
 * Return: 0 with a node as from node_get(); -ENAMETOOLONG; -EDQUOT: its maker
 * has too many, with a line in `error`; -ENOMEM.
 */
int drafts_new(struct node **out, struct fs *fs, const struct node *dir,
	       const char *name, const struct fuse_ctx *owner, mode_t mode);

/** drafts_find() - by name; NULL: none; no reference */
struct scratch *drafts_find(const struct commons *commons,
			    const struct node *dir, const char *name);

/** drafts_first(), drafts_next() - all of a directory; NULL behind the last */
struct scratch *drafts_first(const struct commons *commons,
			     const struct node *dir);
struct scratch *drafts_next(const struct scratch *scratch);

/**
 * drafts_rename() - another name, in @in of the same anchor
 *
 * Who has that name there is to be unlinked right after. Return: as above.
 */
int drafts_rename(struct scratch *scratch, const struct node *in,
		  const char *name);

/**
 * drafts_unlink() - take its name away, which it has
 *
 * It lives while a view has a node of it, and holds something while it is open.
 */
void drafts_unlink(struct scratch *scratch);

/** drafts_unlink_in() - all of a directory that goes */
void drafts_unlink_in(struct commons *commons, const struct node *dir);

/**
 * drafts_take_back() - what another host's call has made, and was not told of
 *
 * Nothing, if somebody has found it since: it was opened to stay so, written,
 * changed or renamed.
 */
void drafts_take_back(const struct commons *commons,
		      const struct receipt *made);

/** drafts_unlink_all() - of an anchor that goes; NULL: of all, at the end */
void drafts_unlink_all(struct commons *commons, const struct anchor *anchor);

#endif
