/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - the entries of a directory, of one moment
 *
 * They are taken at once, but for those of names/ and its like: these are
 * walked in a snapshot of the store, so that a million names cost no memory.
 * The offset of an entry is its number, and the entry that a read starts with
 * is nearly always the one behind the last. To get to another one, marks are
 * kept of the keys on the way.
 *
 * Threading: the main loop.
 */
#ifndef FS_LISTING_H
#define FS_LISTING_H

#include "dns/store/home.h"
#include "dns/store/marks.h"
#include "fs/moment.h"
#include "fs/node.h"

struct listing;

/* What a directory has in the store, behind its other entries. */
struct listing_walk {
	const struct node_kind *kind; /* of each: it has a name for its owner */

	/*
	 * The first one behind a key; NULL: the first. In the snapshot of
	 * @listing. 0; -ENOENT; -EIO. NULL: all names with records.
	 */
	int (*next)(const struct listing *listing, const uint8_t *after,
		    size_t len, struct name *out);
};

/* Part of an open directory; see listing_init(). */
struct listing {
	struct fs *fs;
	struct node *node; /* the directory */
	uid_t uid;	   /* the opener's */

	uint64_t held;		   /* octets of names, as SHARE_TEXT_SIZE */
	struct buffer names;	   /* fixed entries: type octet, name, NUL */
	size_t names_at;	   /* the next one */
	struct snapshot *snapshot; /* of names/: begun; NULL at the end */
	struct moment moment;	   /* that it keeps; nobody's: not of names/ */
	const struct listing_walk *walk; /* NULL: there is none */
	struct served served;		 /* that is walked */
	size_t key_len;			 /* of the entry that it is at: */
	uint8_t key[NAME_KEY_SIZE];
	uint64_t total;		 /* entries */
	struct marks marks;	 /* by the number of entries before */
	bool first;		 /* the next owner is the first one */
	const struct mark *from; /* the next owner is this one; or NULL */
	bool taken; /* this moment's names are in names and snapshot */

	/* The entry at hand, for who lists. */
	uint64_t at; /* its number, from 1 */
	bool has_entry;
	mode_t type;	   /* S_IFDIR or S_IFREG */
	const char *entry; /* its name: in names, or: */
	char text[NAME_TEXT_SIZE];
	bool has_owner; /* the walk has found it: */
	struct name owner;
};

/** listing_init() - nothing is taken: 0; -EMFILE, with a line in `error` */
int listing_init(struct listing *listing, struct fs *fs, struct node *node,
		 uid_t uid);
void listing_deinit(struct listing *listing);

/**
 * listing_begin() - a read at @offset begins
 *
 * At the first one, and at 0, it takes the entries of now.
 * Return: 0; -ENOENT: at the end; -ENODEV; -EDQUOT, -ENOMEM, -EIO.
 */
int listing_begin(struct listing *listing, uint64_t offset);

/**
 * listing_seek() - have the entry behind @offset at hand
 * Return: 0; -EAGAIN at @until_ns (uv_hrtime()): call again; -ENOENT; -EIO.
 */
int listing_seek(struct listing *listing, uint64_t offset, uint64_t until_ns);

/** listing_next() - have the next entry at hand: 0, -ENOENT, -EIO */
int listing_next(struct listing *listing);

/* ---- For the list() of a kind (kind.h) ---- */

/** listing_add() - an entry: S_IFDIR or S_IFREG, and its name; 0, -ENOMEM */
int listing_add(struct listing *listing, mode_t type, const char *name);

/** listing_add_walk() - what the walk shows, after all other entries
 *
 * Of a kind that walks the store. Return: 0; -ENODEV, -ENOMEM, -EIO.
 */
int listing_add_walk(struct listing *listing, const struct listing_walk *walk);

#endif
