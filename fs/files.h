/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - what the files of an anchor read as
 *
 * Small files (help, error, addr, a name's file of few records) are rendered
 * whole at the first read; of metrics, see page.h. `records` and `stat` may be
 * gigabytes, and a name's file megabytes: a stream keeps a moment of the store,
 * and prints what is asked for (dump.h). Sizes are true in every case: the
 * store keeps the count of what would be rendered.
 */
#ifndef FS_FILES_H
#define FS_FILES_H

#include "dns/store/dump.h"
#include "fs/node.h"

/* Octets: of a name's file, more than that is a stream's. */
#define SMALL_NAME_MAX 16384

/**
 * small_file_render() - help, error, addr or a name's file
 * @max: octets of a name's file that there may be
 *
 * Return: 0; -EFBIG: there are more; -ENODEV, -ENOMEM, -EIO.
 */
int small_file_render(struct fs *fs, const struct node *node, size_t max,
		      struct buffer *out);

/** small_file_size() - octets of help, error, addr or the last metrics */
size_t small_file_size(struct fs *fs, const struct node *node);

/** stat_size() - octets of `stat` */
uint64_t stat_size(const struct anchor *anchor,
		   const struct table_counts *counts);

struct stream;

/**
 * stream_open() - `records`, `stat` or a name's file, as it is at this moment
 *
 * @snapshot: not begun, or NULL to make one; taken over, also on failure
 *
 * Holds a snapshot until stream_close(). Return: 0; -EMFILE: too many are
 * open; -ENODEV; -ENOMEM; -EIO.
 */
int stream_open(struct stream **out, struct fs *fs, const struct node *node,
		struct snapshot *snapshot);
struct stream *stream_close(struct stream *stream);

/** stream_size() - octets of all of it */
uint64_t stream_size(const struct stream *stream);

/** stream_read() - dump_read(), on any thread, one at a time */
int stream_read(struct stream *stream, struct dump_read *read,
		uint64_t until_ns);

#endif
