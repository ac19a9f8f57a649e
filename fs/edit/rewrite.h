/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite.h - the text of records or of a name's file, changed in place
 *
 * A descriptor without O_APPEND and O_TRUNC writes at its own place: sudoedit,
 * dd conv=notrunc, Python's "r+". What the file shows is taken into a scratch
 * file (scratch.h, whose octets count), changed there, and replaces the whole
 * when the file is closed.
 *
 * Whoever changes only a part keeps the rest as it was read. If it is another
 * one by now, it cannot be understood what is wanted.
 *
 * One call at a time. Threading: the main loop; a long text is taken on a
 * thread of the pool.
 */
#ifndef FS_REWRITE_H
#define FS_REWRITE_H

#include "fs/node.h"

struct rewrite;
typedef void rewrite_done(void *arg, int result);

/**
 * rewrite_new() - take the text that @node shows
 * @out:  set before @done is called with 0; else untouched. The caller's.
 * @node: borrowed, as long as the rewrite lives
 * @seen: of when it was read, or of now
 * @done: is called later, or in this call, with 0; -ENOSPC or -EDQUOT, with a
 *        line in `error`; -EMFILE, -ENODEV, -ENOMEM, -EIO
 */
void rewrite_new(struct rewrite **out, struct fs *fs, struct node *node,
		 const struct staging_mark *seen, const struct fuse_ctx *owner,
		 rewrite_done *done, void *arg);

/** rewrite_free() - drop it, and what was changed; not while it is published */
struct rewrite *rewrite_free(struct rewrite *rewrite);

/** rewrite_size() - octets of the text as it is now */
uint64_t rewrite_size(const struct rewrite *rewrite);

/**
 * rewrite_write() - change it, or add to its end
 * Return: 0; -EINVAL: behind the end; -ENOSPC; -errno.
 */
int rewrite_write(struct rewrite *rewrite, const char *data, size_t len,
		  uint64_t offset);

/** rewrite_truncate() - 0; -EINVAL: behind the end; -errno */
int rewrite_truncate(struct rewrite *rewrite, uint64_t size);

/**
 * rewrite_refuse() - a call was refused: all later ones fail with @result, and
 * nothing is published
 */
void rewrite_refuse(struct rewrite *rewrite, int result);

/** rewrite_set_time() - the records shall have that time */
void rewrite_set_time(struct rewrite *rewrite, int64_t mtime_ns);

/**
 * rewrite_publish() - it replaces all that the file shows
 *
 * As replace_run(); -ESTALE, with a line in `error`: a part of it is of what
 * is no more.
 */
void rewrite_publish(struct rewrite *rewrite, rewrite_done *done, void *arg);

#endif
