/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h - what all of the filesystem's parts share: a view of the tree
 *
 * All of fs/ runs on the main loop's thread, but for what says that it does
 * not: what is asked aside, done in the pool, or written to the log.
 */
#ifndef FS_FS_H
#define FS_FS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "anchors/anchor_change.h"
#include "anchors/host.h"
#include "anchors/nameserver.h"
#include "anchors/staging.h"
#include "fs/commons.h"
#include "fs/daemon/log.h"
#include "fs/known.h"
#include "fs/listed.h"

struct dir;
struct handle;
struct memory;
struct node;
struct session;
struct view_peer;

/* What one kernel has of the tree: see view.h. */
struct fs {
	struct fs *self; /* see fs_of() */
	struct commons *commons;
	struct host *host;	      /* the commons' */
	struct fs *prev, *next;	      /* in commons->views */
	const struct view_peer *peer; /* NULL: it is this machine's kernel */
	struct session *session;
	struct node *top;	/* what FUSE_ROOT_ID is */
	struct node *nodes;	/* uthash by key: every inode the kernel has */
	struct handle *handles; /* utlist: open files */
	struct dir *dirs;	/* utlist: open directories */
	struct listings listings; /* what the kernel may believe */
	struct known known;	  /* names that the kernel has */
	struct memory *memory;	  /* uthash: of programs/, oldest first */
};

/**
 * fs_of() - the view that a request is for, in its operation: not later
 *
 * Views that share a session of libfuse take turns in what it points at.
 */
static inline struct fs *fs_of(fuse_req_t req)
{
	return *(struct fs **)fuse_req_userdata(req);
}

/* The operations, as libfuse wants them; each replies exactly once. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
