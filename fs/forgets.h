/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forgets.h - nodes that the kernel has forgotten
 *
 * With its memory short, or when a directory is removed, it forgets tens of
 * thousands in one request. They go in turns (turns.h); the kernel waits for
 * none of them, and is given again what has not gone yet.
 *
 * Threading: the main loop.
 */
#ifndef FS_FORGETS_H
#define FS_FORGETS_H

#include "fs/fs.h"

/** forgets_take() - references less, of each; what it is given is borrowed */
void forgets_take(struct fs *fs, const struct fuse_forget_data *list,
		  size_t count);

#endif
