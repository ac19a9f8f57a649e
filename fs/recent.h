/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent.h - what a process did a moment ago, and what that makes of its next
 * step
 *
 * Unlinked: mv from another filesystem, cp --remove-destination, tar and
 * install unlink what they replace and then insist on making it. Unlinking a
 * control file does nothing, but that this process does not find it for a
 * second. A name's file goes with its records; if the same process makes it
 * anew, and is refused, they are put back, whatever control file it has
 * unlinked meanwhile.
 *
 * Refused: who copies and is refused removes what it has made. That unlink is
 * of the copy, and not of the records that were there before it.
 *
 * Replaced: install sets the mode of what it has copied, by its name. That is
 * taken, and not set, as it is while the file is open.
 *
 * Each process has one of each kind, and each user RECENT_PER_USER with texts
 * of RECENT_TEXT_MAX in all; the oldest makes room. Who is refused is told by
 * the number of the process, all others by that of the thread.
 *
 * Threading: the main loop.
 */
#ifndef FS_RECENT_H
#define FS_RECENT_H

#include "fs/node.h"

#define RECENT_PER_USER 64
#define RECENT_MAX	1024
/* Octets of a name's records, and of all that a user has removed. */
#define RECENT_TEXT_MAX (1024 * 1024)

/** recent_unlinked() - the caller unlinks @node; its records are still there */
void recent_unlinked(struct fs *fs, const struct node *node,
		     const struct fuse_ctx *caller);

/** recent_was_unlinked() - by thread @pid, just now */
bool recent_was_unlinked(struct fs *fs, pid_t pid, const struct node *node);

/**
 * recent_take() - @pid makes the file anew: forget that it was unlinked
 * @text: becomes the records that it had, as text; or stays
 */
void recent_take(struct fs *fs, pid_t pid, const struct node *node,
		 struct buffer *text);

/** recent_refused() - a write or a close of @node was; @process is not a thread
 */
void recent_refused(struct fs *fs, const struct node *node, pid_t process,
		    uid_t uid);

/** recent_any_refused() - some process was */
bool recent_any_refused(struct fs *fs, const struct node *node);

/** recent_forgive() - was this one? Then forget it: it has cleaned up */
bool recent_forgive(struct fs *fs, pid_t process, const struct node *node);

/** recent_replaced() - @pid has replaced what @node shows */
void recent_replaced(struct fs *fs, const struct node *node, pid_t pid,
		     uid_t uid);

/** recent_has_replaced() - thread @pid has, just now */
bool recent_has_replaced(struct fs *fs, pid_t pid, const struct node *node);

/** recent_free_all() - at the end */
void recent_free_all(struct fs *fs);

#endif
