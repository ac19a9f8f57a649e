/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h - open files
 *
 * Reading takes a snapshot of the content at the first READ, at every READ of
 * offset 0, and at the first one behind an end of file; so a reader sees one
 * moment, and `tail -f` sees the next ones.
 *
 * Writes, truncations, flushes and the release of one open file run one after
 * the other, each when the one before was answered: they may take a commit.
 *
 * A flush is judged if who closes has written. All the same nothing is lost
 * with a close that is not seen: see editing_release().
 */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/node.h"

struct handle;

/**
 * handle_open() - an open file on @node; takes one of its opens
 * @flags:  of open(2)
 * @opener: whose request it is
 * @copies: by cp -r of a whole anchor, which goes to its end: what it writes to
 *          stat is dropped, and an address that it cannot have is no failure
 *
 * Return: 0; -EACCES: a read-only file; -ESTALE: a name without records,
 * which makes the kernel look it up again; -EMFILE, with a line in `error`;
 * -ENODEV; -ENOMEM; -EIO.
 */
int handle_open(struct handle **out, struct fs *fs, struct node *node,
		int flags, const struct fuse_ctx *opener, bool copies);

/**
 * handle_put_back() - if it is refused, write that instead
 * @text: of a name's file that the same process has removed; is taken
 */
void handle_put_back(struct handle *handle, struct buffer *text);

/** handle_of(), handle_to_info() - what libfuse keeps of an open file */
static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

void handle_to_info(struct handle *handle, struct fuse_file_info *fi);

/** handle_opened() - tell of an open file, which may be read from then on */
void handle_opened(struct handle *handle, fuse_req_t req,
		   const struct fuse_file_info *fi);

/**
 * handle_reply_open() - the same, once its kind has what it needs for that
 *
 * As `metrics` does: EIO, ENOMEM, and it is discarded.
 */
void handle_reply_open(struct handle *handle, fuse_req_t req,
		       const struct fuse_file_info *fi);

/** handle_set_made() - who has opened it believes that it is new */
void handle_set_made(struct handle *handle);

/** handle_discard() - close it: nobody was told of it, or it is released */
void handle_discard(struct handle *handle);

/** handle_drop() - the same, once the calls that it has are done */
void handle_drop(struct handle *handle);

/**
 * The operations, as in libfuse; each replies to @req once.
 *
 * @owner: the kernel's lock_owner: the table of files of who writes or closes
 * @waits: a read of a log waits for a query; else it is EAGAIN
 * @poll:  as in libfuse, or NULL
 */
void handle_read(struct handle *handle, fuse_req_t req, size_t size,
		 uint64_t offset, bool waits);
void handle_poll(struct handle *handle, fuse_req_t req,
		 struct fuse_pollhandle *poll);
void handle_write(struct handle *handle, fuse_req_t req, const char *data,
		  size_t len, uint64_t offset, uint64_t owner);
void handle_flush(struct handle *handle, fuse_req_t req, uint64_t owner);
void handle_fsync(struct handle *handle, fuse_req_t req);
void handle_release(struct handle *handle, fuse_req_t req);

/** handle_is_ready() - answer a poll of a file that is always ready */
void handle_is_ready(fuse_req_t req, struct fuse_pollhandle *poll);

typedef void handle_done(void *arg, int result); /* 0 or -errno */

/**
 * handle_truncate() - ftruncate(2) to @size octets, in its turn
 *
 * -EINVAL: neither 0 nor what was written so far, nor a part of what it shows;
 * a replacement is off by that. -ENOSPC, -EMFILE, -ENODEV, -ENOMEM, -EIO.
 */
void handle_truncate(struct handle *handle, const struct fuse_ctx *caller,
		     uint64_t size, handle_done *done, void *arg);

/* ---- What open files mean for their node ---- */

/** handle_is_pending() - is not all that it was to do on disk yet? */
bool handle_is_pending(struct handle *handle);

/** handle_is_blank() - opened to replace what there are records of, and nothing
 * is written: a flush changes nothing, and is 0
 */
bool handle_is_blank(struct handle *handle);

/** handle_replaces() - somebody of that user has it open, and replaces it, or
 * believes that it is new
 */
bool handle_replaces(const struct node *node, uid_t uid);

/** handle_is_replaced() - somebody has; it is not of one size for all */
bool handle_is_replaced(const struct node *node);

/** handle_writer() - that one's thread, or one that keeps its content; or 0 */
pid_t handle_writer(const struct node *node, uid_t uid);

/**
 * handle_size() - how long @node is to the thread @pid
 *
 * For one that writes it: what is written so far. For one that reads a name
 * which was removed: what it had. Return: false: as long as it is to all.
 */
bool handle_size(const struct node *node, pid_t pid, off_t *out);

/** handle_set_time() - of what replaces @node under way: edit_set_time() */
void handle_set_time(const struct node *node, int64_t mtime_ns);

/** handle_free_all() - at the end, what the kernel still has open */
void handle_free_all(struct fs *fs);

#endif
