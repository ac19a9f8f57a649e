/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the LMDB environment: all that a host knows, in one directory
 *
 *   DIR/data.mdb, DIR/lock.mdb   LMDB's
 *   DIR/pid                      who holds the directory; locked while it runs
 *   DIR/reserve                  space that only what frees space may use; made
 *                                last, so where it is there was all of a store
 *
 * Databases: `meta` (the format, and by what types the text of all records was
 * measured), `anchors` (store_anchors.h), `receipts` (receipt.h), and the three
 * of dns/store/table.h.
 * An environment does not survive fork(): open it in the process that uses it.
 *
 * Nothing of it is kept in memory: who wants to read takes a transaction, which
 * sees one moment and waits for nobody; who wants to write is the writer, and
 * has the only one there is. So the workers need no lock, and a restart has
 * nothing to load. store.c opens it, store_dir.c looks after the files, and
 * store_disk.c knows what to do when the disk is full, or fails.
 *
 * Threading: open and close with no other thread about; store_failed() on any;
 * all else on the writer's thread.
 */
#ifndef ANCHORS_STORE_H
#define ANCHORS_STORE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "dns/store/table.h"

#define STORE_FORMAT 2

/* Readers of the store that clients may have open. */
#define STORE_CLIENTS 4096

struct store {
	MDB_env *env;
	MDB_dbi meta;
	MDB_dbi anchors;
	MDB_dbi receipts; /* receipt.h's */
	struct tables tables;
	int dir_fd;	/* the state directory */
	int lock_fd;	/* DIR/pid */
	int reserve_fd; /* DIR/reserve */
	bool reserve_used;

	/* When LMDB has given up: the same file, to be read only. */
	MDB_env *fallback_env;
	struct tables fallback;
	atomic_bool failed; /* set once, read by any thread */
};

/**
 * store_open() - open or create the state under @dir, and lock it
 * @why: on failure, a sentence that says what is wrong, directory included
 *
 * The directory is made with mode 0700, parents included. Return: 0; -EBUSY:
 * another process holds it; -EPROTO: a format that this program does not
 * know; -ENODATA: data.mdb is cut short, empty or gone; -errno.
 */
int store_open(struct store *out, const char *dir, struct buffer *why);
void store_close(struct store *store);

/**
 * store_make() - the directory alone, parents included, if it is not there
 *
 * As store_open() does, for who must name it before. Return: 0; -errno.
 */
int store_make(const char *dir, struct buffer *why);

/**
 * store_give() - make the directory @uid's, before root becomes that user
 * @user: a name for @uid, or NULL
 * @why: as store_open()
 *
 * A directory that is made here or found empty is given away. One with
 * something in it must belong to @uid already: whose it is, root decides.
 *
 * Return: 0; -EPERM: it belongs to somebody else; -errno.
 */
int store_give(const char *dir, uid_t uid, gid_t gid, const char *user,
	       struct buffer *why);

/**
 * store_errno() - what an error of the store's is to a client
 *
 * LMDB says EIO when the disk takes only part of a write. When there is no
 * space left on it, that is -ENOSPC.
 */
int store_errno(const struct store *store, int r);

/**
 * store_commit_failed() - look at what a failed commit has left
 * @id: the transaction's mdb_txn_id()
 *
 * Where the page that says which state is the newest could not be written,
 * LMDB takes neither writes nor reads any more: nobody knows what the disk
 * holds of that page until it is opened anew. Then what was committed before
 * is read through a second environment, so that answers go on, and all that
 * would change something fails with -EIO until the next start. Who reads in the
 * moment before that is open gets -EIO too.
 */
void store_commit_failed(struct store *store, size_t id);

/** store_failed() - has it come to that? */
bool store_failed(const struct store *store);

/**
 * store_use_reserve(), store_keep_reserve() - room for what makes room
 *
 * LMDB copies what it changes, so on a full disk nothing could be removed. The
 * reserve is given back to the disk for one transaction that frees space, and
 * taken again after it, or whenever there is room for it once more.
 */
void store_use_reserve(struct store *store);
void store_keep_reserve(struct store *store);

/**
 * store_has_room() - may a change that adds something go on?
 *
 * Without a reserve, and where none can be taken, LMDB's own free pages are
 * one, and must not be used up.
 */
bool store_has_room(struct store *store);

#endif
