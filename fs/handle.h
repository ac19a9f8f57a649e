/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h - open files
 *
 * Reading takes a snapshot of the content at the first READ, at every READ of
 * offset 0, and at the first one behind an end of file; so a reader sees one
 * moment, and `tail -f` sees the next ones.
 *
 * Writes, flushes and the release of one open file run one after the other,
 * each when the one before was answered: they may take a commit.
 */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/node.h"

struct handle;

/**
 * handle_open() - an open file on @node; takes one of its opens
 * @flags:  of open(2)
 * @copies: by cp -r of a whole anchor, which goes to its end: what it writes to
 *          stat is dropped, and an address in use is no failure
 *
 * Return: 0; -EACCES: a read-only file; -ESTALE: a name without records,
 * which makes the kernel look it up again; -ENODEV; -ENOMEM; -EIO.
 */
int handle_open(struct handle **out, struct fs *fs, struct node *node,
		int flags, bool copies);

/**
 * handle_put_back() - if it is refused, write that instead
 * @text: of a name's file that the same process has removed; is taken
 */
void handle_put_back(struct handle *handle, struct buffer *text);

/**
 * handle_reply_open() - tell of an open file, which may be read from then on
 *
 * That of `metrics` has its page by then: EIO, ENOMEM, and it is discarded.
 */
void handle_reply_open(struct handle *handle, fuse_req_t req,
		       const struct fuse_file_info *fi);

/** handle_discard() - an open file that nobody was told of */
void handle_discard(struct handle *handle);

/**
 * The operations, as in libfuse; each replies to @req once.
 *
 * @waits: a read of a log waits for a query; else it is EAGAIN
 * @poll:  as in libfuse, or NULL
 */
void handle_read(struct handle *handle, fuse_req_t req, size_t size,
		 uint64_t offset, bool waits);
void handle_poll(struct handle *handle, fuse_req_t req,
		 struct fuse_pollhandle *poll);
void handle_write(struct handle *handle, fuse_req_t req, const char *data,
		  size_t len, uint64_t offset);
void handle_flush(struct handle *handle, fuse_req_t req);
void handle_fsync(struct handle *handle, fuse_req_t req);
void handle_release(struct handle *handle, fuse_req_t req);

/** handle_truncate() - ftruncate() to nothing: 0, -errno */
int handle_truncate(struct handle *handle);

/** handle_set_time() - of what replaces @node under way: edit_set_time() */
void handle_set_time(struct fs *fs, const struct node *node, int64_t mtime_ns);

/** handle_free_all() - at the end, what the kernel still has open */
void handle_free_all(struct fs *fs);

#endif
