/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor.h - the tree of anchors in memory, and their rights
 *
 * The root of a tree is a host's anchor; below it each anchor holds one
 * nameserver and any number of child anchors. The tree mirrors the store's
 * `anchors` database: what it takes to find an anchor, nothing of records.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_ANCHOR_H
#define ANCHORS_ANCHOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uthash.h>

#include "anchors/error_ring.h"
#include "anchors/store_anchors.h"
#include "dns/serve/server.h"

struct host;

/* Levels of anchors below the host's. */
#define ANCHOR_LEVELS_MAX 1000
/* Octets of a path of them, "ns/sub": as open(2) takes one. */
#define ANCHOR_PATH_MAX 4095
/* Anchors that a rename looks at, where its path becomes a longer one. */
#define ANCHOR_LOOK_MAX 65536

/* A name that a rename on its way shall give: nobody else may take it. */
struct anchor_claim {
	UT_hash_handle hh;     /* in parent->claims */
	struct anchor *parent; /* a reference */
	char *name;
};

/*
 * What an operation on an anchor ends in; see nameserver.h
 * @refusal: why, if there is more to say than the result does; else NULL
 */
typedef void anchor_done(void *arg, int result, const struct refusal *refusal);

/* Fields to set; the others stay as they are by then. */
struct anchor_rights {
	bool set_uid, set_gid, set_mode, set_mtime;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode; /* permission bits */
	int64_t mtime_ns;
};

struct anchor {
	struct host *host;
	struct anchor *parent;	     /* a reference; NULL: the host's anchor */
	struct anchor *children;     /* uthash by name */
	struct anchor_claim *claims; /* uthash by name */
	UT_hash_handle hh;	     /* in parent->children */
	UT_hash_handle by_id;	     /* in host->anchors_by_id */
	char *name;

	uint64_t id;
	uid_t uid;
	gid_t gid;
	mode_t mode; /* permission bits */
	int64_t mtime_ns;

	struct address address; /* where it is or shall be bound, or off */
	struct server *server;	/* NULL: off, or the address is not to be had */
	struct traffic *traffic; /* owned; NULL: the host's anchor */
	uint64_t edits;		 /* of its records, since the start */
	unsigned in_flight; /* changes of records that are not reported yet */
	/* Counted by the writer, in the order of its jobs; read by the loop. */
	_Atomic uint64_t changes;
	_Atomic uint64_t replaced; /* of all records at once: touched.h */
	struct error_ring errors;
	bool rebinding;	 /* a new address is on its way to disk */
	unsigned scrubs; /* removals on their way: takes no more children */
	bool gone;	 /* removed; lives on for those who hold a reference */
	unsigned refs;
};

/**
 * anchor_new() - an anchor in the tree, with one reference, the tree's
 * @parent: NULL for the host's anchor
 * @stored: its identity, rights and address
 *
 * Return: 0; -EEXIST: @parent has a child of that name, or shall have one;
 * -ENODEV: @parent is gone, or on its way; -ENOMEM.
 */
int anchor_new(struct anchor **out, struct host *host, struct anchor *parent,
	       const struct store_anchor *stored);

struct anchor *anchor_ref(struct anchor *anchor);
struct anchor *anchor_unref(struct anchor *anchor);

/** anchor_unlink() - out of the tree: gone, and the tree's reference with it */
void anchor_unlink(struct anchor *anchor);

/**
 * anchor_next() - the next anchor of the tree that has @root at its top
 *
 * From @root on, each anchor before the ones in it. Return: NULL at the end.
 */
struct anchor *anchor_next(const struct anchor *root,
			   const struct anchor *anchor);

/** anchor_by_id() - borrowed; NULL: there is none, or no more */
struct anchor *anchor_by_id(const struct host *host, uint64_t id);

/** anchor_child() - by name; borrowed; NULL if there is none */
struct anchor *anchor_child(const struct anchor *anchor, const char *name);

/** anchor_path() - from below the host on, "ns/sub"; the caller frees it; NULL
 * without memory
 */
char *anchor_path(const struct anchor *anchor);

/** anchor_place() - is that name free in @parent? 0, or as anchor_new() */
int anchor_place(const struct anchor *parent, const char *name);

/**
 * anchor_fits() - is there room for it in @parent, and for what is in it?
 * @anchor: that is to be moved there; NULL: one that is to be made
 *
 * The limits are for growth: what was deeper before may move to where it is
 * less so. Renames on their way are not seen, so that it may become deeper by
 * as many levels as came at once.
 *
 * Return: 0; -EDQUOT, -ENAMETOOLONG, with @why.
 */
int anchor_fits(const struct anchor *anchor, const struct anchor *parent,
		const char *name, struct refusal *why);

/** anchor_claim() - keep a name free for anchor_relink(): as anchor_new() */
int anchor_claim(struct anchor_claim **out, struct anchor *parent,
		 const char *name);
struct anchor_claim *anchor_unclaim(struct anchor_claim *claim);

/** anchor_relink() - give it the parent and name that were claimed for it */
void anchor_relink(struct anchor *anchor, struct anchor_claim *claim);

/** anchor_take_rights() - set what is to be set */
void anchor_take_rights(struct anchor *anchor,
			const struct anchor_rights *rights);

/** anchor_store_form() - the anchor as the store keeps it */
void anchor_store_form(const struct anchor *anchor, struct store_anchor *out);

/** anchor_fail() - a line in its `error`: see error_ring_add() */
void anchor_fail(struct anchor *anchor, const char *file, uint32_t line,
		 const char *text, const char *reason);

/** anchor_refuse() - the same, of what was refused */
void anchor_refuse(struct anchor *anchor, const char *file,
		   const struct refusal *why);

/**
 * anchor_parse_name() - the address that a new anchor's name asks for
 * @out: is set when there is an "@"
 *
 * Return: 0; -EINVAL: nothing before the "@", or no address behind it;
 * -ENAMETOOLONG.
 */
int anchor_parse_name(const char *name, struct address *out);

#endif
