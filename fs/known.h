/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - names that the kernel knows, and how it is made to forget them
 *
 * It keeps a name that it was given once, in a listing or by a lookup, until
 * its memory is short, and the node stays for as long. With KNOWN_SIZE octets
 * of them, it is told to let half of them go, those that it was given longest
 * ago. What is open or in use it keeps all the same.
 *
 * Many in a row, and seldom: of what a listing brings while it lets something
 * go it believes nothing, and asks for each name again. So long listings wait,
 * and do it a step at a time, with the requests of others in between; for a
 * listing holds its directory, where another's lookup would wait as well, those
 * of few names do one step and go on, as long as there is a quarter more.
 *
 * It understands that from Linux 6.18 on (FUSE_NOTIFY_PRUNE). Before, what it
 * would understand takes the lock of the directory, and a daemon that is killed
 * while it waits for that leaves the mount stuck.
 *
 * A kernel on another host cannot be told. So it is given no more than
 * KNOWN_SIZE octets of them in listings: past that, entries come without a
 * node, and it looks up what it wants.
 *
 * Threading: the main loop.
 */
#ifndef FS_KNOWN_H
#define FS_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of nodes: some 120,000 of names that are not long. */
#define KNOWN_SIZE ((size_t)24 << 20)

struct fs;
struct node;

/* In struct fs; all zero: none yet. */
struct known {
	struct node *names; /* utlist: the one given longest ago is the first */
	size_t size;	    /* octets that they take */
	bool too_many;	    /* until half of them are let go */
	bool cannot;	    /* the kernel does not understand */
};

/** known_given() - the kernel is given @node, of a name's file, or once more */
void known_given(struct fs *fs, struct node *node);

/** known_let_go() - do so until then: whether a listing has to wait for more */
bool known_let_go(struct fs *fs, uint64_t until_ns);

/** known_is_full() - so many that nobody's listing goes ahead */
bool known_is_full(const struct fs *fs);

/** known_has_room() - a listing may bring nodes of names; else without */
bool known_has_room(const struct fs *fs);

/** known_drop() - @node goes */
void known_drop(struct fs *fs, struct node *node);

#endif
