/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounter.h - the process that may mount, and unmount again
 *
 * The daemon gives up its rights before it opens anything, and could then
 * neither mount nor unmount. So it forks a small process first, which keeps
 * CAP_SYS_ADMIN (or the right to run fusermount3), waits on a socket for one
 * of two words, and reads nothing else from anybody. It mounts once, as the
 * command line says, hands over the descriptor of /dev/fuse, and detaches the
 * mount when it is told to; any other word is EPERM. It cannot be traced, nor
 * its memory written, by others of its user; root's has a filter.h of its own.
 *
 * When the daemon dies without a word, it goes without detaching: the dead
 * mount tells everybody ENOTCONN, where the bare directory beneath it would
 * take what they write. The next start detaches it.
 *
 * How, from the first to the last message between the two:
 *
 *   daemon                            mounter
 *   mounter_start()  -- fork -------> enters the namespace, looks at the mount
 *                    <- 0, -errno --- point, keeps the rights to mount only
 *   mounter_mount()  -- 'm' --------> mounts; keeps the right to detach only
 *                    <- 0, and fd --- and closes its own copy of fd
 *   mounter_end()    -- 'd' --------> detaches the mount
 *                    <- 0, -errno --- ends, as it does when the socket ends
 *
 * Threading: the main loop's, before other threads are started, and after
 * they have ended. Every call blocks until the answer, or until it is too late
 * for one: what the mounter touches may hang.
 */
#ifndef FS_MOUNTER_H
#define FS_MOUNTER_H

#include "fs/daemon/options.h"

struct mounter {
	int fd;	   /* -1: there is none */
	pid_t pid; /* 0: there is none */
};

/**
 * mounter_start() - fork it; the mount point is checked
 * @close_fd: a descriptor that it shall not keep, or -1
 *
 * Return: 0; -errno, and the reason was logged.
 */
int mounter_start(struct mounter *out, const struct options *options,
		  int close_fd);

/**
 * mounter_mount() - mount
 * @fuse_fd: the session's descriptor; the caller closes it
 *
 * Return: 0; -errno, and the reason was logged.
 */
int mounter_mount(struct mounter *mounter, int *fuse_fd);

/**
 * mounter_end() - detach the mount if @mounted, and end it
 *
 * The descriptor of /dev/fuse is closed by then, so that nobody waits for an
 * answer. What goes wrong is logged.
 */
void mounter_end(struct mounter *mounter, bool mounted);

#endif
