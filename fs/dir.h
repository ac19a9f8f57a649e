/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir.h - listing directories
 *
 * An open directory lists one moment: its names are taken at the first read,
 * and again after a rewind (listing.h).
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

/** dir_discard() - close it; no read of it is on its way */
void dir_discard(const struct fuse_file_info *fi);

/** dir_free_all() - at the end, what the kernel still has open */
void dir_free_all(struct fs *fs);

#endif
