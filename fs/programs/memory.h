/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - what programs did a moment ago; for programs.c alone
 *
 * A thread, or a process, has one memory of each kind, and a newer one takes
 * the place of the older. It is of one file, and ends by itself: for how long
 * each kind lasts stands in memory.c. Without memory of the machine's, nothing
 * is remembered, and the program meets the tree as it is.
 *
 * Threading: the main loop.
 */
#ifndef FS_PROGRAMS_MEMORY_H
#define FS_PROGRAMS_MEMORY_H

#include "fs/node.h"

#define MEMORY_PER_USER 64
#define MEMORY_MAX	1024
/*
 * Octets of a name's records, and of all that a user has removed, or all users
 * of another host together.
 */
#define MEMORY_TEXT_MAX (1024 * 1024)

enum memory_kind {
	MEMORY_UNLINKED, /* a thread has unlinked a control file, or */
	MEMORY_REMOVED,	 /* a name, whose text is kept */
	MEMORY_REFUSED,	 /* a process was refused a write or a close */
	MEMORY_REPLACED, /* a thread has replaced a file, and closed it */
	MEMORY_MADE,	 /* a thread has made a directory: of its node */
};

struct memory;

/**
 * memory_add() - the number @pid of @uid's has done that to @node
 * @kind: not MEMORY_MADE
 *
 * Return: borrowed, and only for this moment; NULL: nothing is remembered.
 */
struct memory *memory_add(struct fs *fs, enum memory_kind kind,
			  const struct node *node, pid_t pid, uid_t uid);

/** memory_keep_text() - the records of the name that is about to be removed */
void memory_keep_text(struct fs *fs, struct memory *memory,
		      const struct node *node);

/** memory_find() - what @pid did to @node, if that still counts; or NULL */
struct memory *memory_find(struct fs *fs, enum memory_kind kind,
			   const struct node *node, pid_t pid);

/** memory_has_any() - somebody did that to @node */
bool memory_has_any(struct fs *fs, enum memory_kind kind,
		    const struct node *node);

/** memory_take_text() - of a name that was removed; it is the caller's */
struct buffer memory_take_text(struct memory *memory);

void memory_forget(struct fs *fs, struct memory *memory);
void memory_forget_all(struct fs *fs);

/* ---- Who has made a directory ---- */

/* In node->maker, or NULL. */
struct memory_maker;

/** memory_set_maker() - in place of who it was before */
void memory_set_maker(struct fs *fs, struct node *dir,
		      const struct fuse_ctx *by, bool copies);

/** memory_is_maker() - it is @by, who then has its time anew */
bool memory_is_maker(struct fs *fs, const struct node *dir,
		     const struct fuse_ctx *by);

/** memory_is_copier() - it is, and copies another one into it */
bool memory_is_copier(struct fs *fs, const struct node *dir,
		      const struct fuse_ctx *by);

void memory_forget_maker(struct node *dir);

#endif
