/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replace.h - renaming a scratch file over a control file
 */
#ifndef FS_REPLACE_H
#define FS_REPLACE_H

#include "fs/node.h"

typedef void replace_done(void *arg, int result); /* 0 or -errno */

/**
 * replace_run() - what @scratch holds becomes the content of @target, as one
 * change, or nothing does
 * @target: records, a name's file, or addr; both nodes stay while it runs
 *
 * -EINVAL with a line in `error`; -EPERM: another kind of file; -ENODEV,
 * -ENOSPC, -ENOMEM, -EIO.
 */
void replace_run(struct fs *fs, struct node *scratch, struct node *target,
		 replace_done *done, void *arg);

#endif
