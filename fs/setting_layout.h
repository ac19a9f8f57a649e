/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_layout.h - what the operations of setting.h share
 *
 * setting.c has the text so far, and hands it over; setting_write.c,
 * setting_close.c and setting_name.c are how it comes, and how it ends.
 *
 * Threading: the main loop.
 */
#ifndef FS_SETTING_LAYOUT_H
#define FS_SETTING_LAYOUT_H

#include "fs/setting.h"

static inline struct setting_file *setting_of(const struct handle *handle)
{
	return container_of(handle, struct setting_file, file.handle);
}

static inline const struct setting_kind *
setting_kind_of(const struct handle *handle)
{
	return handle->node->kind->setting;
}

/** setting_share() - count the text as its opener's: 0; -EMFILE, -ENOMEM
 *
 * It never fails where there is less of it than before.
 */
int setting_share(struct handle *handle);

/** setting_wipe() - without what stands behind @from */
void setting_wipe(struct handle *handle, size_t from);

/** setting_drop() - there is no text any more */
void setting_drop(struct handle *handle);

/** setting_drop_taken() - without the first octets, which were taken */
void setting_drop_taken(struct handle *handle, size_t len);

/**
 * setting_load() - what the file shows becomes the text, to replace it
 * Return: 0; -EINVAL: there is a text already; -EMFILE, -ENOMEM, -EIO.
 */
int setting_load(struct handle *handle);

/** setting_whole_lines() - octets up to the last newline, and that */
size_t setting_whole_lines(const struct buffer *text);

/** setting_tell() - a line in `error`; @why: NULL, or without a reason, it is
 * the errno's */
void setting_tell(struct node *node, int result, const struct refusal *why);

/** setting_refuse() - end a call so: a replacement is off */
void setting_refuse(struct call *call, int result, const struct refusal *why);

/** setting_refuse_for() - the same with -EINVAL */
void setting_refuse_for(struct call *call, const char *reason);

/** setting_refuse_place() - the same, of a text that goes where none can be */
void setting_refuse_place(struct call *call, int result);

/** setting_take_all() - hand the text over, and end the call then */
void setting_take_all(struct call *call, bool replaces);

#endif
