/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle_layout.h - an open file, for those that open files are made of
 *
 * A kind that needs more of its open files has it in a struct of its own, which
 * begins with this one (open_size in kind.h).
 */
#ifndef FS_HANDLE_LAYOUT_H
#define FS_HANDLE_LAYOUT_H

#include <fcntl.h>

#include "fs/handle.h"
#include "fs/writers.h"

struct call;

struct handle {
	struct fs *fs;
	struct handle *prev, *next;	      /* in fs->handles */
	struct handle *node_prev, *node_next; /* in node->handles */
	struct node *node;
	int flags;    /* of open(2) */
	pid_t opener; /* thread */
	uid_t uid;    /* the opener's */
	bool copies;  /* a whole anchor: see handle_open() */
	bool made;    /* who has it open believes it is new */
	bool flushed; /* some descriptor of it was closed, so there was one */

	struct call *calls; /* utlist: the first one has its turn */
	bool busy;	    /* and has not ended yet */
	bool is_dropped;    /* with the last of them it is closed */
	struct writers writers;
};

/** handle_writes(), handle_reads() - what it was opened for */
static inline bool handle_writes(const struct handle *handle)
{
	return (handle->flags & O_ACCMODE) != O_RDONLY ||
	       (handle->flags & O_TRUNC);
}

static inline bool handle_reads(const struct handle *handle)
{
	return (handle->flags & O_ACCMODE) != O_WRONLY;
}

#endif
