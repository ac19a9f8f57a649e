/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_view.h - what an open file shows of a long text: a stream
 *
 * It shows one moment: that of the first read, and a new one at every read of
 * offset 0, and at the first one behind an end of file. Reads of one open file
 * are a lane (turns.h): one after the other, with others in between.
 *
 * Threading: the main loop.
 */
#ifndef FS_STREAM_VIEW_H
#define FS_STREAM_VIEW_H

#include "fs/handle_layout.h"
#include "fs/moment.h"
#include "fs/stream.h"
#include "fs/turns.h"

/* What a kind of file has to say of its streams. */
struct stream_view_kind {
	/* A read at @offset takes a new moment. */
	void (*begins)(struct handle *handle, uint64_t offset);

	/*
	 * stream_open(), with a frame; @snapshot is taken over, and may be
	 * NULL. NULL: without one.
	 */
	int (*open)(struct stream **out, struct handle *handle,
		    struct snapshot *snapshot);

	/*
	 * Who has it open has a reader's place in the store from then on: a
	 * read should not lack one. Else only while there is a stream.
	 */
	bool keeps_place;
};

/* Part of an open file; see stream_view_init(). */
struct stream_view {
	const struct stream_view_kind *kind;
	struct handle *handle;	   /* that it is part of */
	struct turns_lane lane;	   /* reads */
	struct snapshot *snapshot; /* for the first stream; or NULL */
	struct moment moment;	   /* that this keeps: */
	struct stream *stream;	   /* NULL: the next read begins one */
	bool is_fixed; /* it shows what is no more: no other moment follows */
};

/**
 * stream_view_init() - @handle is being opened
 *
 * Call stream_view_deinit() also if this fails. Return: 0; -EMFILE, with a line
 * in `error`; -ENOMEM, -EIO.
 */
int stream_view_init(struct stream_view *view, struct handle *handle,
		     const struct stream_view_kind *kind);

/** stream_view_deinit() - no read is under way; all zero is fine */
void stream_view_deinit(struct stream_view *view);

/** stream_view_begin() - take this moment: 0, -errno as stream_open() */
int stream_view_begin(struct stream_view *view);

/** stream_view_end() - the moment is kept no more */
void stream_view_end(struct stream_view *view);

/**
 * stream_view_read() - answer a read, now or in turns
 *
 * ENODEV; ESTALE: its moment was given up; EMFILE, ENOMEM, EIO.
 */
void stream_view_read(struct stream_view *view, fuse_req_t req, size_t size,
		      uint64_t offset);

#endif
