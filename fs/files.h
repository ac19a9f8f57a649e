/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - what the files of an anchor read as
 *
 * Small files (help, error, addr, a name's file) are rendered whole at the
 * first read; of metrics, see page.h. `records` and `stat` may be gigabytes: a
 * stream walks through a snapshot and renders what is asked for. Sizes are true
 * in every case: the store keeps the count of what would be rendered.
 */
#ifndef FS_FILES_H
#define FS_FILES_H

#include "fs/node.h"

/** small_file_render() - help, error, addr or a name's file: 0, -errno */
int small_file_render(struct fs *fs, const struct node *node,
		      struct buffer *out);

/** small_file_size() - octets of help, error, addr or the last metrics */
size_t small_file_size(struct fs *fs, const struct node *node);

/** stat_size() - octets of `stat` */
uint64_t stat_size(const struct anchor *anchor,
		   const struct table_counts *counts);

struct stream;

/**
 * stream_open() - the content of `records` or `stat` at this moment
 *
 * @snapshot: not begun, or NULL to make one; taken over, also on failure
 *
 * Holds a snapshot until stream_close(). Return: 0; -EMFILE: too many are
 * open; -ENODEV; -ENOMEM; -EIO.
 */
int stream_open(struct stream **out, struct fs *fs, const struct node *node,
		struct snapshot *snapshot);
struct stream *stream_close(struct stream *stream);

/**
 * stream_read() - up to @size octets at @offset; in order is cheapest
 * @data: is set to memory of the stream's, good until its next call
 *
 * Return: octets, 0 at the end; -ENOMEM; -EIO.
 */
ssize_t stream_read(struct stream *stream, uint64_t offset, size_t size,
		    const uint8_t **data);

#endif
