/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting.h - files of a small text that takes effect as a whole
 *
 * Lists, serials and keys: unlike records they are held until they are whole,
 * and then handed over at once. A list takes each write that ends a line when
 * it appends, and the whole at a close when it replaces; anything else is taken
 * by the write that makes it whole, since shells do not look at what a close
 * returns. What is refused has its line in `error`, changes nothing, and turns
 * a replacement off.
 *
 * A kind of such a file has a struct setting_kind in its table, and the
 * operations below. Its text so far counts as its opener's (SHARE_TEXT_SIZE).
 *
 * Threading: the main loop.
 */
#ifndef FS_SETTING_H
#define FS_SETTING_H

#include "fs/call.h"
#include "fs/pending.h"
#include "fs/replace.h"
#include "fs/text_view.h"

struct rename;
struct scratch;

struct setting_kind {
	size_t max; /* octets of a text */
	/* Lines are added, and it may be empty; else there is one value. */
	bool is_list;
	/* It holds a secret, and is wiped. */
	bool is_secret;
	/*
	 * Dropped, if it is written in a copy of a whole anchor; and if it is
	 * behind what is there, where a backup is brought back.
	 */
	bool is_told;

	/* Of one value: is that all of it? NULL: when there is a newline. */
	bool (*is_whole)(const char *text, size_t len);

	/*
	 * What can be said of lines before they are taken. 0; -EINVAL, -EDQUOT
	 * with @why; -ENOMEM. NULL: nothing.
	 */
	int (*judge)(const struct node *node, const char *text, size_t len,
		     struct refusal *why);

	/*
	 * Take it, and call back, later or now. @replaces: all that there is,
	 * always so of one value; of a list @len 0 empties it.
	 */
	void (*take)(struct node *node, bool replaces, const char *text,
		     size_t len, anchor_done *done, void *arg);
};

struct setting_file {
	struct text_file file;
	struct buffer text; /* that waits to be whole, or for a close */
	uint64_t held;	    /* octets of it, as SHARE_TEXT_SIZE */
	uint64_t at;	    /* where the last write ended; see setting.c */
	unsigned writes;    /* since it was opened, cut or taken */
	bool was_taken;	    /* something was, since it was opened */
	bool replaces;	    /* a list: the text is to replace all */
	int off;	    /* -errno of what has turned that off; or 0 */
};

/* The operations of such a kind; its render() is what it shows. */
int setting_open(struct handle *handle);
void setting_close(struct handle *handle);
void setting_write(struct call *call);
void setting_flush(struct call *call);
void setting_truncate(struct call *call);
void setting_release(struct call *call);
void setting_clear(struct pending *pending);
void setting_replace(struct fs *fs, struct scratch *scratch,
		     struct node *target, const struct staging_mark *expect,
		     uid_t uid, replace_done *done, void *arg);

/**
 * setting_unlink() - what is unlinked may be the copy of who was refused
 * @remove: else that answers @pending
 */
void setting_unlink(struct pending *pending,
		    void (*remove)(struct pending *pending));

/** setting_keep() - unlink of what stays: a line in `error` says so */
void setting_keep(struct pending *pending);

bool setting_replaces(struct handle *handle);
bool setting_is_pending(struct handle *handle);
bool setting_kept_size(struct handle *handle, uint64_t *out);

/** setting_trim() - without the blanks around it: octets that are left */
size_t setting_trim(const char **text, size_t len);

#endif
