/* SPDX-License-Identifier: Apache-2.0 */
/*
 * editing.h - what an open file that takes records is given
 *
 * A descriptor appends or replaces (edit.h); or, with a place of its own, it
 * changes the text that the file shows (rewrite.h). The one or the other is
 * told by where it writes and cuts. `records` and the files in names/ have
 * these operations in their tables (kind.h).
 *
 * Threading: the main loop.
 */
#ifndef FS_EDITING_H
#define FS_EDITING_H

#include "fs/call.h"
#include "fs/edit/edit.h"
#include "fs/edit/rewrite.h"

/* Part of such an open file. All zero: it is opened to read alone. */
struct editing {
	struct edit *edit;
	struct rewrite *rewrite;  /* NULL: nothing is changed in place */
	bool was_read;		  /* and then: */
	struct staging_mark seen; /* when what it shows was taken */
};

/** editing_open() - @handle is opened to write: 0, -ENOMEM, -errno */
int editing_open(struct handle *handle);

/** editing_close() - drop what is not published */
void editing_close(struct handle *handle);

/* write, flush, truncate and release of a kind. */
void editing_write(struct call *call);
void editing_flush(struct call *call);
void editing_truncate(struct call *call);
void editing_release(struct call *call);

/** editing_is_pending() - of a kind */
bool editing_is_pending(struct handle *handle);

/** editing_was_read() - what the descriptor shows from here on is of now */
void editing_was_read(struct handle *handle);

/** editing_replaces() - a replacement or a change is under way */
bool editing_replaces(const struct editing *editing);

/** editing_size() - octets of it so far */
uint64_t editing_size(const struct editing *editing);

/** editing_set_time() - it shall have that time: see edit_set_time() */
void editing_set_time(struct editing *editing, int64_t mtime_ns);

#endif
