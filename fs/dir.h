/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir.h - listing directories
 *
 * An open directory lists one moment: its names are taken at the first read,
 * and again after a rewind. `names/` is walked in a snapshot of the store, so
 * a million names cost no memory.
 */
#ifndef FS_DIR_H
#define FS_DIR_H

#include "fs/node.h"

/** Operations as in libfuse; each replies once: ENODEV, EMFILE, ENOMEM, EIO */
void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	      struct fuse_file_info *fi);
void dir_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi);
void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- For the list() of a kind ---- */

struct dir;

struct fs *dir_fs(const struct dir *dir);
struct node *dir_node(const struct dir *dir); /* that is listed */

/** dir_add() - an entry: S_IFDIR or S_IFREG, and its name; 0, -ENOMEM */
int dir_add(struct dir *dir, mode_t type, const char *name);

/** dir_list_names() - of all names that have records; 0, -ENODEV, -EIO, ... */
int dir_list_names(struct dir *dir);

/** dir_free_all() - at the end, what the kernel still has open */
void dir_free_all(struct fs *fs);

#endif
