/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replace.h - a scratch file's text takes the place of a control file's
 *
 * It was renamed over it; or it is that file's own text, changed (rewrite.h).
 */
#ifndef FS_REPLACE_H
#define FS_REPLACE_H

#include "fs/node.h"

/**
 * replace_run() - what @scratch holds becomes the content of @target, as one
 * change, or nothing does
 * @target: records, a name's file, or addr; both stay while it runs
 * @expect: NULL; else -ESTALE, if the records are others than then
 * @uid:    who renames: whose share it takes of, and see bind_allows()
 *
 * -EACCES, -EINVAL with a line in `error`; -EPERM: another kind of file;
 * -ENODEV, -ENOSPC, -ENOMEM, -EIO.
 */
void replace_run(struct fs *fs, struct scratch *scratch, struct node *target,
		 const struct staging_mark *expect, uid_t uid,
		 replace_done *done, void *arg);

/** replace_records() - the same, of a kind that takes records (kind.h) */
void replace_records(struct fs *fs, struct scratch *scratch,
		     struct node *target, const struct staging_mark *expect,
		     uid_t uid, replace_done *done, void *arg);

#endif
