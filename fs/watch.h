/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - open logs: a line for each query, from the moment of opening
 *
 * All who read one log share its last QUERY_LINES_MAX octets, so that a query
 * is put into text once. Who has not read what was before them has lost it, and
 * a line tells how much. A read waits until there is something; it ends when
 * the nameserver does.
 *
 * A log says that it has more octets than any buffer of a program, and grows
 * with each line, so that `tail -f` goes to the end and looks there again and
 * again. A reader that begins there, and not at 0, is never made to wait.
 *
 * Threading: the main loop.
 */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include "dns/serve/tap.h"
#include "fs/node.h"

struct watch;

/**
 * watch_new() - of a log that @uid opens
 * Return: 0; -EMFILE: too many, with a line in `error`; -ENOMEM.
 */
int watch_new(struct watch **out, struct fs *fs, struct anchor *anchor,
	      uid_t uid);

/** watch_free() - no read of it waits any more; NULL is fine */
void watch_free(struct watch *watch);

/** watch_read() - reply with lines, when there are some: EAGAIN, EINTR, ENOMEM
 */
void watch_read(struct watch *watch, fuse_req_t req, size_t size,
		uint64_t offset, bool waits);

/** watch_poll() - reply, and tell @poll later; it may be NULL */
void watch_poll(struct watch *watch, fuse_req_t req,
		struct fuse_pollhandle *poll);

/** watch_size() - what a log says that it has, in octets */
uint64_t watch_size(const struct commons *commons, const struct anchor *anchor);

/** watch_seen() - as server_options wants it; @commons is the argument */
void watch_seen(void *commons, const struct tap_query *query);

/** watch_changed() - an anchor may be gone, and its log at its end */
void watch_changed(struct commons *commons, const struct anchor *anchor);

/** watch_end_all() - the view is closed: all its logs are at their ends */
void watch_end_all(struct fs *fs);

#endif
