/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.h - the tree of anchors, made from what the store has
 *
 * One anchor that does not fit must neither stop the others nor be lost. It is
 * set aside: it becomes a child of the host's anchor under a name that tells
 * it, "lost+" and its number, and its former name behind that. So it is when
 *
 * - the anchor that it was in is gone, or goes round in a circle;
 * - its name is another's too (the younger one keeps it), is none that mkdir
 *   would give;
 * - it has no records, not even none, or there are records and no anchor;
 * - its row cannot be read.
 *
 * It keeps its owner, its records and what is in it. It has no address, since
 * nobody knows any more whose it is; and only its owner may enter, since what
 * guarded it may be gone. An owner that cannot be read is the daemon's user.
 * The log and the host's `error` have a line for each. All of this is stored,
 * before anything that a client asks for, so that it is done once; the next
 * start finds a tree that fits. From there on it is an anchor as any other.
 *
 * One whose name is kept for a file by now stays where it is, with all that it
 * has, as "NAME~1"; the log, its `error` and that of the directory above have a
 * line.
 *
 * A row under what is not even a number is left as it is, and told.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_RESTORE_H
#define ANCHORS_RESTORE_H

#include "anchors/host.h"

/**
 * restore_tree() - make host->root and all below it; nothing serves yet
 *
 * Return: 0; -ENOMEM; an error of the store's.
 */
int restore_tree(struct host *host, const struct host_options *options);

#endif
