/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - a view of the host's tree by one kernel
 *
 * There is one host, and what its users have of it: commons.h. Each kernel that
 * looks at it has a view (struct fs): this machine's, and one for each other
 * host that has something of it in use. Nodes, open files and directories,
 * polls, logs and what is remembered of programs belong to a view, since their
 * numbers and processes are that kernel's. A change reaches all views.
 *
 * Threading: the main loop.
 */
#ifndef FS_VIEW_H
#define FS_VIEW_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fs/caller.h"

struct commons;
struct fs;
struct fuse_args;

/*
 * A kernel that is on another host, and how it is reached. In its view the root
 * is the host's anchor, whose number is FUSE_ROOT_ID; it has its own shares,
 * and nobody there is without a share of his own.
 */
struct view_peer {
	const char *name; /* of the host; lives as long as the view */
	/*
	 * A response or a notification, as it would be written to /dev/fuse.
	 * Return: octets, or -errno: -ENOENT: whoever asked is no more, and
	 * what was opened or found for him is given back (but for what a
	 * READDIRPLUS has found). Of a notification it is not looked at.
	 */
	ssize_t (*write)(void *arg, const struct iovec *iov, int count);
	/* As caller_ask(): processes are looked at where they are. */
	void (*ask)(void *arg, const struct caller_about *about,
		    caller_done *done, void *done_arg);
	void *arg;
};

/* Far more than hosts are in one tree. */
#define VIEWS_MAX 20000

/**
 * view_open_own() - the view of this machine's kernel, whose root is /
 * @args: libfuse's
 *
 * What follows is fuse_session_mount() of fs->session->fuse, and
 * session_start(). Return: 0; -ENOMEM; -EIO, and libfuse has said why.
 */
int view_open_own(struct fs **out, struct commons *commons,
		  struct fuse_args *args);

/**
 * view_open() - a view for another host's kernel
 * @peer: borrowed until the view is closed
 *
 * FUSE's INIT is done. Requests go to session_process(fs->session, ...). They
 * have to be such as a kernel makes, which is trusted: lengths, numbers of
 * nodes and handles that it was given, no release and no forgetting of what
 * another request is about that was not answered yet.
 *
 * Return: 0; -ENOMEM; -EMFILE: too many views; -EIO.
 */
int view_open(struct fs **out, struct commons *commons,
	      const struct view_peer *peer);

/**
 * view_close() - close what it has open, publish and clear nothing, free it
 * @closed: called once, later, when all that was on its way has ended; its
 *          responses until then are not handed to peer->write(); may be NULL
 *
 * No request is taken any more. What is asked by peer->ask() is to be answered
 * soon, for it is waited for.
 */
void view_close(struct fs *fs, void (*closed)(void *arg), void *arg);

/**
 * view_discard() - close one open file or directory, and publish nothing
 * @handle: libfuse's number of it; no read of it is unanswered
 *
 * Calls that wait for their turn on it are done first.
 */
void view_discard(struct fs *fs, uint64_t handle, bool is_dir);

#endif
