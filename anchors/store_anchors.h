/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_anchors.h - the rows of anchors in the store
 *
 * One row an anchor: what it is called, in which other one it is, whose it is,
 * and where its nameserver answers. Rows are read as a whole at the start, and
 * after that by those who change them: from within a transaction, of the row as
 * it is by then, one's own fields.
 *
 * Threading: the writer's; store_each() on the main loop, before it has begun.
 */
#ifndef ANCHORS_STORE_ANCHORS_H
#define ANCHORS_STORE_ANCHORS_H

#include "anchors/store.h"
#include "dns/wire/address.h"

#define STORE_NAME_SIZE 255 /* octets of an anchor's name */
#define STORE_HOST_ID	1   /* the host's anchor; kept with its first change */

/* An anchor as it is kept. */
struct store_anchor {
	uint64_t id;	 /* never 0 */
	uint64_t parent; /* its id; 0: none, this is the host's anchor */
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;		/* permission bits */
	int64_t mtime_ns;	/* wall clock, since 1970 */
	struct address address; /* with the true port, never 0 */
	uint8_t name_len;
	char name[STORE_NAME_SIZE]; /* not terminated */
};

/* Return: 0 to go on, -errno to stop with it. @id: 0: it has no number */
typedef int store_each_anchor_fn(void *arg, uint64_t id,
				 const struct store_anchor *anchor);
typedef int store_each_served_fn(void *arg, uint64_t id);

/**
 * store_each() - read all of them, as they are at one moment
 * @anchor: gets each anchor, or NULL where a row is there and is none
 * @served: gets each nameserver that has records, after all anchors
 */
int store_each(const struct store *store, store_each_anchor_fn *anchor,
	       store_each_served_fn *served, void *arg);

/** store_get_anchor() - 0; -ENOENT; -EBADMSG: it is none; -errno */
int store_get_anchor(const struct store *store, MDB_txn *txn, uint64_t id,
		     struct store_anchor *out);

/** store_put_anchor() - insert or replace: 0, -errno as dns/store/table.h */
int store_put_anchor(const struct store *store, MDB_txn *txn,
		     const struct store_anchor *anchor);

/** store_del_anchor() - 0; -ENOENT; -errno */
int store_del_anchor(const struct store *store, MDB_txn *txn, uint64_t id);

/**
 * store_above() - may @id have @below above it?
 *
 * Return: 0; EINVAL: @below is it, or in it; ENODEV: @below or what it is in
 * is gone; EIO: those go round in a circle, or cannot be read; -errno.
 */
int store_above(const struct store *store, MDB_txn *txn, uint64_t below,
		uint64_t id);

#endif
