/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle_layout.h - an open file, for the files of that name alone
 */
#ifndef FS_HANDLE_LAYOUT_H
#define FS_HANDLE_LAYOUT_H

#include "fs/addr.h"
#include "fs/edit/edit.h"
#include "fs/handle.h"
#include "fs/edit/rewrite.h"
#include "fs/turns.h"

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

	/*
	 * What is read: one moment. Of records, stat and a name's file of many
	 * records a stream, which keeps a place in the store and no text; of
	 * the others, text. That counts as the opener's.
	 */
	struct turns_lane lane;	   /* reads of a stream, one by one */
	struct snapshot *snapshot; /* for the first one: see open_to_read() */
	struct moment moment;	   /* that this keeps: */
	struct stream *stream;
	struct buffer content; /* of small files */
	bool has_content;
	struct page *page; /* of metrics, or of a name that was removed */
	bool is_fresh;	   /* it is of the open, and nobody read it yet */
	uint64_t held;	   /* octets of these, as SHARE_TEXT_SIZE */
	bool is_kept;	   /* of a name that was removed: see handle.h */
	int kept_result;   /* 0; or -errno: it could not be kept */
	bool was_read;	   /* and then: */
	struct staging_mark seen; /* when the content was taken */

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

/** handle_drop_content() - what was read of it is no more */
void handle_drop_content(struct handle *handle);

/** handle_give_up() - of its moment: the next read is of what is no more */
bool handle_give_up(struct moment *moment);

/** handle_content_size() - octets of what is_kept */
uint64_t handle_content_size(const struct handle *handle);

#endif
