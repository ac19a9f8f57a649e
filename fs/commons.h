/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commons.h - what all views of the host's tree share
 *
 * There is one host, and one of this beside it. Each kernel that looks at the
 * tree has a view (fs.h, view.h); what users have of it all, and what has to be
 * fair between all of them, is here.
 *
 * Threading: the main loop.
 */
#ifndef FS_COMMONS_H
#define FS_COMMONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/moment.h"
#include "fs/shares.h"
#include "fs/turns.h"

struct anchor;
struct aside;
struct bind;
struct drafts;
struct feed;
struct fleet;
struct fs;
struct host;
struct pages;
struct poller;
struct pool;
struct relay;
struct space;

struct commons {
	struct host *host;
	struct aside *aside;
	struct pool *pool;
	struct fleet *fleet; /* NULL: this host is alone */
	/*
	 * Kernels of other hosts may change what is here, so that this
	 * machine's believes little; set before the first view.
	 */
	bool others_change;
	struct fs *views; /* utlist: all that are open, or closing */
	unsigned view_count;
	struct relay *relay;	/* relay.h's; NULL before another host came */
	struct drafts *drafts;	/* drafts.h's: scratch files with a name */
	struct feed *feeds;	/* uthash: watch.h's, of open logs */
	struct poller *pollers; /* utlist: open `stat` files */
	uint64_t next_scratch;	/* serial number */
	struct space *space;	/* space.h's; NULL before it was asked for */
	struct moments moments; /* who keeps what is no more */
	struct shares shares;	/* what users have of what all share */
	struct turns turns;	/* long work of reads */
	struct pages *pages; /* file_metrics.c's; NULL before the first one */
	int64_t started_ns;
	const struct bind *bind; /* borrowed */
	uid_t uid;
	gid_t gid;
};

/**
 * commons_start() - with a host that is open, before the first view
 * @reader_age, @reader_spare: as for moments_start()
 *
 * Return: 0, -errno.
 */
int commons_start(struct commons *commons, uint64_t reader_age,
		  uint64_t reader_spare);

/** commons_status_changed() - wake who waits for `status`; @commons as below
 */
void commons_status_changed(void *commons, struct anchor *anchor);

/**
 * commons_changed() - tell all views of a change; @commons is the argument
 *
 * As host_options.changed: with one view, it costs what that costs.
 */
bool commons_changed(void *commons, struct anchor *anchor, const void *origin,
		     void (*told)(void *told_arg), void *told_arg);

/**
 * commons_dir_changed() - attributes of an anchor's directory have
 *
 * Each kernel knows what it has done itself; with several views all are told.
 */
void commons_dir_changed(struct commons *commons, const struct anchor *anchor);

/** commons_end() - when no view is left; the host is still open */
void commons_end(struct commons *commons);

#endif
