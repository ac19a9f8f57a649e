/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.h - text on its way into records: append or replace
 *
 * An edit takes the writes of one open file. Appending, each write is one
 * change, applied when it returns. Replacing, the writes are staged, and take
 * effect as one change when the file is closed; then the edit appends.
 *
 * What is refused goes to the nameserver's `error`, with its line. After one
 * refused line a replacement is off: what follows fails, and nothing changes.
 *
 * A close is judged only if who closes has written: a program that inherits
 * the descriptor closes it too, as do those that a program starts.
 *
 * One call at a time: the next one comes after the callback of the last. The
 * calls are those that take a callback; it is called later, or in the call.
 *
 * layout.h has the states of an edit, and what brings it from one to another.
 *
 * Threading: the main loop.
 */
#ifndef FS_EDIT_H
#define FS_EDIT_H

#include "fs/node.h"

struct edit;
typedef void edit_done(void *arg, int result); /* 0 or -errno */

/**
 * edit_new() - for `records` or for a name's file
 * @uid:     whose share it takes of, for what is staged and for text held
 * @replace: as opened with O_TRUNC
 *
 * Return: 0, -ENOMEM.
 */
int edit_new(struct edit **out, struct fs *fs, const struct node *node,
	     uid_t uid, bool replace);

/** edit_free() - drop it, and what was staged and not published */
struct edit *edit_free(struct edit *edit);

/**
 * edit_truncate() - from here on replace, with nothing staged; not in a call
 * Return: 0; -ENODEV, -ENOMEM, -EIO, and it is as it was.
 */
int edit_truncate(struct edit *edit);

/** edit_is_replacing() - what is written is staged, or fails since it is off */
bool edit_is_replacing(const struct edit *edit);

/* A descriptor that was opened to append has no place of its own yet. */
#define EDIT_NOWHERE UINT64_MAX

/**
 * edit_at() - where the next write of a descriptor that keeps its own place
 * begins, in octets: behind what the replacement has by now, or where the last
 * write ended; or EDIT_NOWHERE
 */
uint64_t edit_at(const struct edit *edit);

/**
 * edit_resume() - the write that follows appends, and begins at @at
 *
 * If it is refused, edit_at() is what it was before.
 */
void edit_resume(struct edit *edit, uint64_t at);

/**
 * edit_put_back() - records to restore should the replacement be refused
 * @former: their text, of a name's file; is taken. Without room for it in the
 *          user's share it is dropped, with a line in `error`.
 *
 * For who has removed a name to replace it (programs_take_former()). They are
 * on disk again when the call that is refused returns.
 */
void edit_put_back(struct edit *edit, struct buffer *former);

/**
 * edit_expect() - publish only over the records of that moment, else -ESTALE
 */
void edit_expect(struct edit *edit, const struct staging_mark *mark);

/**
 * edit_set_time() - the replacement under way shall have that time
 *
 * cp -p, tar and install set times before they close. A name's file has no
 * time of its own: nothing happens.
 */
void edit_set_time(struct edit *edit, int64_t mtime_ns);

/**
 * edit_write() - take text
 * @text: @len octets, borrowed until the callback; not NULL
 *
 * Results: 0; -EINVAL, -EDQUOT: refused; -EMFILE: the user holds too much text;
 * -ENODEV, -ENOSPC, -ENOMEM, -EIO; when a replacement is off, what has turned
 * it off. Each has its line in `error`, but for the last.
 */
void edit_write(struct edit *edit, const char *text, size_t len,
		edit_done *done, void *arg);

/**
 * edit_flush() - a descriptor was closed by who has written, or nobody has
 * @killed: by the end of a process that a signal killed: what it wrote may be
 *          half of what it had to say, and what it did not write clears nothing
 *
 * Takes the last line if it has no newline and came in the only write, and
 * publishes what is staged. With nothing pending nothing happens. -EINVAL also
 * for a replacement that has no record in it; it may still get one.
 */
void edit_flush(struct edit *edit, bool killed, edit_done *done, void *arg);

/**
 * edit_finish() - the last close; nobody hears of its result
 *
 * Clears, if it was opened to replace and nothing was written, and if nothing
 * was published since.
 */
void edit_finish(struct edit *edit, edit_done *done, void *arg);

/**
 * edit_publish() - all of the text was written, and replaces
 *
 * Its last line needs no newline. Without any text it clears.
 */
void edit_publish(struct edit *edit, edit_done *done, void *arg);

/**
 * edit_refuse() - the caller refuses something else: a replacement is off by it
 * @result: -errno, which the callback gets; the caller has told the reason
 */
void edit_refuse(struct edit *edit, int result, edit_done *done, void *arg);

/** edit_is_open() - a close may end a replacement, or a line without newline */
bool edit_is_open(const struct edit *edit);

/** edit_clears() - opened to replace, nothing written: the end clears */
bool edit_clears(const struct edit *edit);

#endif
