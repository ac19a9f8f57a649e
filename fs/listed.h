/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed.h - attributes that the kernel may believe for a moment
 *
 * A long listing asks for the attributes of each name right after its entry.
 * So entries of a listing come with their attributes, which the kernel may
 * believe for LISTED_SECONDS. The same holds for `records`, whose rights the
 * kernel looks at with every open. When an anchor changes in that time, it is
 * told to forget them before whoever made the change hears that it is done.
 *
 * That takes the kernel some microseconds for each. With more than a few of
 * them it is done in turns (turns.h), and only who made the change waits.
 *
 * A listing that is on its way through the kernel may bring what it does not
 * know yet, and so cannot forget: it says so, and is told again a little later,
 * for LISTED_PATIENCE_MS at most. A process that has stopped in the middle of
 * its listing may make the kernel believe what is old for a second.
 *
 * A write() into a file needs no telling: the kernel forgets the file's size
 * itself when the last of the requests it made of that write is answered.
 */
#ifndef FS_LISTED_H
#define FS_LISTED_H

#include <stdbool.h>
#include <uv.h>

#define LISTED_SECONDS	   1
#define LISTED_PATIENCE_MS 100

struct anchor;
struct fs;
struct listed;
struct node;
struct node_kind;

/* In struct fs. */
struct listings {
	struct listed *all;	/* uthash: of anchors */
	struct listed *waiting; /* utlist: for the kernel to know what it had */
	uv_timer_t timer;	/* runs while there are some */
	uint64_t dirs_until_ms; /* see listed_dir() */
};

/** listed_start() - 0, -errno */
int listed_start(struct fs *fs);

/** listed_add() - @node's attributes are handed out
 *
 * Return: whether the kernel may believe them; false without memory.
 */
bool listed_add(struct fs *fs, struct node *node);

/**
 * listed_dir() - a directory is listed
 *
 * This machine's kernel is always told of directories that change. Another
 * host's believes nothing of them but while something is listed there, and that
 * for LISTED_SECONDS: so it is told of them as long as it lists, and with a
 * thousand such hosts a change costs little more than with one.
 */
void listed_dir(struct fs *fs);

/**
 * listed_given() - @node's attributes are handed out by another answer
 *
 * Of a kind that is believed only while something is listed: then it is, so
 * that the way to each name of a long listing need not be looked up again. And
 * another host's kernel believes any directory's then, and has to be told.
 *
 * Return: whether the kernel may believe them.
 */
bool listed_given(struct fs *fs, struct node *node);

/** listed_any() - is there something that the kernel may believe? */
bool listed_any(const struct fs *fs);

/** listed_drop() - @node goes */
void listed_drop(struct fs *fs, struct node *node);

/**
 * listed_changed() - forget what was handed out of an anchor
 * @origin: NULL, or the node whose writing was the change
 *
 * Return: true when that is done; else it is when @told is called, which may
 * have been already, in the order of the changes of one anchor.
 */
bool listed_changed(struct fs *fs, struct anchor *anchor, const void *origin,
		    void (*told)(void *arg), void *arg);

/** listed_forget_dir() - no attributes of that directory are believed */
void listed_forget_dir(struct fs *fs, const struct node_kind *kind,
		       const struct anchor *anchor);

/** listed_forget_at_once() - the same without waiting for anything */
void listed_forget_at_once(struct fs *fs, struct anchor *anchor,
			   const void *origin);

#endif
