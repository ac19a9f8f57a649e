/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_files.h - the files of a zone's directory, and those of transfer/
 *
 * Both always have the same ones, some of them in common, and the scratch files
 * that clients make beside them.
 *
 * Threading: the main loop.
 */
#ifndef FS_SETTING_FILES_H
#define FS_SETTING_FILES_H

#include "fs/node.h"

/* lookup, list and create of such a directory's kind. */
int setting_files_lookup(struct fs *fs, struct node *dir, const char *name,
			 struct node **out);
int setting_files_list(struct listing *listing);
int setting_files_create(struct fs *fs, struct node *dir, const char *name,
			 int flags, mode_t mode, const struct fuse_ctx *ctx,
			 struct node **out);

#endif
