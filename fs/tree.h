/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - the operations on directories and names
 *
 * Each has libfuse's signature of its name and replies exactly once; the
 * errnos that it replies with stand at its definition.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "fs/node.h"

/** tree_entry() - what the kernel keeps of a node: 0, -errno as attr_get() */
int tree_entry(struct fs *fs, struct node *node, struct fuse_entry_param *out);

/** tree_find() - what a directory has by that name, as from node_get()
 *
 * Return: 0; -ENOENT; -ENODEV; -ENOTDIR; -ENOMEM; -EIO.
 */
int tree_find(struct fs *fs, struct node *parent, const char *name,
	      struct node **out);

/** tree_find_draft() - a scratch file in @dir, as above: 0, -ENOENT,
 * -ENOMEM
 */
int tree_find_draft(struct fs *fs, const struct node *dir, const char *name,
		    struct node **out);

/** tree_reply_entry() - answer with @node, whose reference goes along */
void tree_reply_entry(fuse_req_t req, struct fs *fs, struct node *node);

/**
 * tree_open_new() - the node that create(2) asks for, made if need be
 * @flags: of open(2), which tell a scratch file in names/; or 0
 * @is_new: it was made; else its rights are to be looked at
 *
 * Return: 0 and a node as from node_get(); -EPERM: no files here; -EEXIST: the
 * name of a file; -EINVAL: no domain name; -ENAMETOOLONG; -ENODEV; -EDQUOT;
 * -ENOMEM.
 */
int tree_open_new(struct fs *fs, struct node *parent, const char *name,
		  int flags, mode_t mode, const struct fuse_ctx *ctx,
		  struct node **out, bool *is_new);

/** tree_no_files() - a create() that makes none: -EPERM, and a line says so */
int tree_no_files(struct fs *fs, struct node *dir, const char *name);

/** tree_mkdir_failed() - a line in the nearest `error` says why */
void tree_mkdir_failed(const struct pending *pending, const char *name,
		       const char *reason);

void tree_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void tree_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void tree_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		  struct fuse_file_info *fi);
void tree_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode);
void tree_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		 mode_t mode, struct fuse_file_info *fi);
void tree_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode, dev_t rdev);
void tree_symlink(fuse_req_t req, const char *link, fuse_ino_t parent,
		  const char *name);
void tree_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	       const char *name);
void tree_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void tree_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void tree_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		 fuse_ino_t new_parent, const char *new_name,
		 unsigned int flags);

#endif
