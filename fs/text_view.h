/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_view.h - what an open file shows of a small text: all of it
 *
 * It is rendered whole at the first read, at every read of offset 0, and at the
 * first one behind an end of file, and held until its end was seen. What is
 * held counts as the opener's (SHARE_TEXT_SIZE).
 *
 * A control file of a small text needs no more than a render(): struct
 * text_file is what is open of it, and the operations are below.
 *
 * Threading: the main loop.
 */
#ifndef FS_TEXT_VIEW_H
#define FS_TEXT_VIEW_H

#include <sys/stat.h>

#include "fs/handle_layout.h"

/* Part of an open file. All zero: nothing was read. */
struct text_view {
	struct buffer content;
	bool has_content; /* more of it may be read */
	uint64_t held;	  /* octets, as SHARE_TEXT_SIZE */
};

/**
 * text_view_hold() - count @octets as held, for as long as there is content
 * @tells: a line in `error`, if they are too many
 *
 * Return: 0; -EDQUOT, -ENOMEM, and the caller drops them.
 */
int text_view_hold(struct text_view *view, struct handle *handle,
		   uint64_t octets, bool tells);

/** text_view_drop() - nothing is held any more */
void text_view_drop(struct text_view *view, struct handle *handle);

/** text_view_reply() - answer a read from the content */
void text_view_reply(struct text_view *view, struct handle *handle,
		     fuse_req_t req, size_t size, uint64_t offset);

/**
 * text_reply_part() - answer a read from @text
 * Return: whether there was something at @offset.
 */
bool text_reply_part(fuse_req_t req, const struct buffer *text, size_t size,
		     uint64_t offset);

/* ---- Operations of a kind that has a render() ---- */

struct text_file {
	struct handle handle;
	struct text_view view;
};

/** text_file_attr() - its size is that of the text: 0, -errno of render() */
int text_file_attr(struct fs *fs, struct node *node, struct stat *st);

void text_file_read(struct handle *handle, fuse_req_t req, size_t size,
		    uint64_t offset, bool waits);
void text_file_close(struct handle *handle);

#endif
