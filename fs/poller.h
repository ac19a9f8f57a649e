/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poller.h - open `stat` and `status` files, and who waits with poll(2) for a change
 *
 * As in sysfs: a file is readable at any time, and POLLPRI says that the
 * nameserver has changed since the file was opened, or was last read from its
 * beginning. So who polls, and then reads, misses no state that lasts; he sees
 * one twice only if it came while he was reading. POLLERR says that the
 * nameserver is gone.
 *
 * Threading: the main loop.
 */
#ifndef FS_POLLER_H
#define FS_POLLER_H

#include "fs/node.h"

struct poller;

/**
 * poller_new() - of a file that is opened; 0, -ENOMEM
 * @is_of_status: poller_status_changed() counts, too
 */
int poller_new(struct poller **out, struct fs *fs, const struct node *node,
	       bool is_of_status);

/** poller_free() - NULL is fine */
void poller_free(struct poller *poller);

/** poller_read() - from the beginning, just now; NULL is fine */
void poller_read(struct poller *poller);

/** poller_reply() - to a poll, and tell @poll later; it may be NULL */
void poller_reply(struct poller *poller, fuse_req_t req,
		  struct fuse_pollhandle *poll);

/** poller_changed() - @anchor did, or is gone */
void poller_changed(struct commons *commons, const struct anchor *anchor);

/** poller_status_changed() - what is known of its zones' peers did */
void poller_status_changed(struct commons *commons,
			   const struct anchor *anchor);

/** poll_keep() - to wake @poll, if there is one, and no earlier one */
void poll_keep(struct fuse_pollhandle **kept, struct fuse_pollhandle *poll);

/** poll_wake() - who polls asks again; once, and then is not kept */
void poll_wake(struct fs *fs, struct fuse_pollhandle **kept);

#endif
