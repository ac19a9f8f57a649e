/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - records as text, of one moment
 *
 * `records` and `stat` may be gigabytes, and a name's file megabytes. A stream
 * keeps a moment of the store, and prints what is asked for (dump.h). Sizes are
 * true in every case: the store keeps the count of what would be printed.
 *
 * Threading: stream_read() on any thread, one at a time; all else is for the
 * main loop.
 */
#ifndef FS_STREAM_H
#define FS_STREAM_H

#include "dns/store/dump.h"
#include "fs/node.h"

struct stream;

/**
 * stream_open() - of the records that @node is of: node_scope()
 * @frame:    what stands around them, or NULL; is copied
 * @snapshot: not begun, or NULL to make one; taken over, also on failure
 *
 * Holds a snapshot until stream_close(). Return: 0; -EMFILE: too many are
 * open; -ENODEV; -ENOMEM; -EIO.
 */
int stream_open(struct stream **out, struct fs *fs, const struct node *node,
		const struct dump_frame *frame, struct snapshot *snapshot);
struct stream *stream_close(struct stream *stream);

/** stream_size() - octets of all of it */
uint64_t stream_size(const struct stream *stream);

/** stream_read() - dump_read() */
int stream_read(struct stream *stream, struct dump_read *read,
		uint64_t until_ns);

#endif
