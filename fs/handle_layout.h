/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle_layout.h - an open file, for handle.c and handle_queue.c alone
 */
#ifndef FS_HANDLE_LAYOUT_H
#define FS_HANDLE_LAYOUT_H

#include "fs/addr.h"
#include "fs/edit.h"
#include "fs/handle.h"
#include "fs/rewrite.h"

struct call;

/* More of them than this, and whoever closes is taken for one. */
#define HANDLE_WRITERS 8

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

	struct call *calls; /* utlist: the first one has its turn */
	bool busy;

	struct snapshot
		*snapshot;     /* for the first stream: see open_to_read() */
	struct moment moment;  /* that this keeps: */
	struct stream *stream; /* of records and stat, between reads */
	struct buffer content; /* of small files, the same */
	bool has_content;
	bool is_kept;		  /* of a name that was removed: see handle.h */
	bool was_read;		  /* and then: */
	struct staging_mark seen; /* when the content was taken */
	struct page *page;	  /* of metrics, the same; a reference */
	bool is_fresh; /* it is of the open, and nobody read it yet */

	struct watch *watch;	 /* of a log */
	struct poller *poller;	 /* of a stat */
	struct edit *edit;	 /* of records and names */
	struct rewrite *rewrite; /* the same; NULL: nothing is changed */
	struct addr_line line;	 /* of addr */

	/* Who has written, by what the kernel tells of writes and closes. */
	uint64_t writers[HANDLE_WRITERS];
	unsigned writer_count;
	pid_t writer;	/* the last one's thread; 0: none */
	pid_t cutter;	/* the thread that has cut the text; 0: none */
	bool unflushed; /* and has not closed since */
	bool killed;	/* one who had it open was, since it was written */
};

static inline enum node_kind handle_kind(const struct handle *handle)
{
	return handle->node->kind;
}

#endif
