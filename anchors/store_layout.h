/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_layout.h - what the files that make up the store share
 *
 * @dir is the directory's path as the user gave it, for what is told; the files
 * themselves are found through store->dir_fd. Each that fails puts a sentence
 * into @why, as store_open() does.
 */
#ifndef ANCHORS_STORE_LAYOUT_H
#define ANCHORS_STORE_LAYOUT_H

#include "anchors/store.h"

/* What clients may have, and as much again for workers and what is short. */
#define STORE_READERS (STORE_CLIENTS + 1024)
#define STORE_DBS     (TABLES_DBS + 3) /* databases that are open */

/** store_fail() - tell of @dir; @what: NULL: strerror(). Return: @r */
int store_fail(struct buffer *why, int r, const char *dir, const char *what);

/**
 * store_open_file() - one of the four files, which are ours alone
 *
 * A link would lead out of the directory, to what somebody else keeps or what
 * a former user has put there; a pipe or a device might never answer.
 *
 * Return: a descriptor; -ENOENT, without a reason, if it is not to be made;
 * -errno.
 */
int store_open_file(const struct store *store, const char *dir,
		    const char *name, int flags, struct buffer *why);

/** store_lock() - only one daemon per directory; -EBUSY tells who has it */
int store_lock(struct store *store, const char *dir, struct buffer *why);

/** store_check_data() - is all of data.mdb there? 0; -ENODATA; -errno */
int store_check_data(const struct store *store, const char *dir,
		     struct buffer *why);

/** store_make_lock_file() - lock.mdb, before LMDB opens it: 0, -errno */
int store_make_lock_file(struct store *store, const char *dir,
			 struct buffer *why);

#endif
