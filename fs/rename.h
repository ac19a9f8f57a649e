/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename.h - rename(2), for the kinds of nodes that can be renamed
 *
 * Threading: the main loop.
 */
#ifndef FS_RENAME_H
#define FS_RENAME_H

#include "fs/pending.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

/*
 * What is renamed (nodes[0] of what is pending), and what has the new name
 * (nodes[1], or NULL). It is there for the time of the call alone.
 */
struct rename {
	struct pending *pending;
	struct fs *fs;
	struct node *from;
	struct node *dir; /* the new parent; borrowed */
	const char *name; /* the new name; borrowed */
	unsigned flags;
	struct node *over; /* NULL: nothing has that name */
};

/** rename_text() - "what to name", for `error`; the caller's; NULL: no memory
 */
char *rename_text(const struct rename *rename);

/** rename_refuse() - answer with @result, and a line in `error` that says why
 */
void rename_refuse(struct rename *rename, int result);

/** rename_refuse_for() - the same, with another reason */
void rename_refuse_for(struct rename *rename, int result, const char *reason);

/**
 * rename_refuse_backup() - to a name beside, as who replaces a file does first
 *
 * A line in `error`, unless who asks is an editor: it copies then.
 */
void rename_refuse_backup(struct rename *rename);

#endif
