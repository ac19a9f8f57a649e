/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr.h - what stat(2) says of a node
 *
 * Sizes are true, rights are the anchor's, and times are those of the last
 * change; all of it is looked up each time.
 */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include "fs/node.h"

/** attr_get() - 0; -ENOENT: no records any more; -ENODEV; -EIO */
int attr_get(struct fs *fs, struct node *node, struct stat *out);

#endif
