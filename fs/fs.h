/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h - what all of the filesystem's parts share
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
#include "fs/daemon/log.h"
#include "fs/known.h"
#include "fs/listed.h"
#include "fs/moment.h"
#include "fs/shares.h"
#include "fs/turns.h"

struct aside;
struct bind;
struct dir;
struct drafts;
struct feed;
struct handle;
struct memory;
struct node;
struct pages;
struct poller;
struct session;
struct space;

struct fs {
	struct host *host;
	struct session *session;
	struct aside *aside;
	struct node *nodes;	/* uthash by key: every inode the kernel has */
	struct drafts *drafts;	/* drafts.h's: scratch files that have a name */
	struct handle *handles; /* utlist: open files */
	struct dir *dirs;	/* utlist: open directories */
	struct feed *feeds;	/* uthash: watch.h's, of open logs */
	struct poller *pollers; /* utlist: open `stat` files */
	struct listings listings; /* what the kernel may believe */
	struct known known;	  /* names that the kernel has */
	struct memory *memory;	  /* uthash: of programs/, oldest first */
	uint64_t next_scratch;	  /* serial number */
	struct space *space;	  /* space.h's; NULL before it was asked for */
	struct moments moments;	  /* who keeps what is no more */
	struct shares shares;	  /* what users have of what all share */
	struct turns turns;	  /* long work of reads */
	struct pages *pages; /* file_metrics.c's; NULL before the first one */
	int64_t started_ns;
	const struct bind *bind; /* borrowed */
	uid_t uid;
	gid_t gid;
};

/** fs_of() - the filesystem that a request is for */
static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* The operations, as libfuse wants them; each replies exactly once. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
