/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nameserver.h - the element on an anchor: make, set, unset, scrub
 *
 * Every call here ends in its callback, exactly once, on the main loop:
 * when what it did is on disk and in the answers, or when it failed and
 * nothing has changed. It may run before the call returns. The result is 0
 * or a negative errno; beyond the ones named, -ENOSPC, -EIO and -ENOMEM come
 * from the store, and -ENODEV says that the anchor is gone, or the one that it
 * should be in.
 *
 * They may overlap as they like, and end in the order in which they came; what
 * each of them does not change stays as the others leave it.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_NAMESERVER_H
#define ANCHORS_NAMESERVER_H

#include "anchors/anchor.h"
#include "dns/text/change.h"
#include "dns/text/scope.h"

/**
 * nameserver_make() - MakeNameserver: a child anchor with a nameserver
 * @name: of the anchor; behind an "@", the address
 *
 * -EDQUOT, -EEXIST, -EINVAL, -ENAMETOOLONG, -EADDRINUSE, -EADDRNOTAVAIL,
 * -EACCES, -EAFNOSUPPORT, -EMFILE. The new anchor is anchor_child().
 */
void nameserver_make(struct anchor *parent, const char *name, uid_t uid,
		     gid_t gid, mode_t mode, anchor_done *done, void *arg);

/** nameserver_scrub() - stop it and remove the anchor; -ENOTEMPTY */
void nameserver_scrub(struct anchor *anchor, anchor_done *done, void *arg);

/**
 * nameserver_rebind() - another address, or off
 *
 * Errors as nameserver_make(), with the old address serving on; -EBUSY: an
 * earlier rebind has not ended.
 */
void nameserver_rebind(struct anchor *anchor, const struct address *at,
		       anchor_done *done, void *arg);

/**
 * nameserver_edit() - Set and Unset; takes what is in @change
 * @scope:  whose records it may change; NULL: all. Of a zone: zone_filter()
 * @origin: NULL, or what it came through; host->changed() is told
 *
 * -EINVAL, -EDQUOT; -EROFS: a zone is a secondary.
 */
void nameserver_edit(struct anchor *anchor, struct change *change,
		     const struct scope *scope, const void *origin,
		     anchor_done *done, void *arg);

/** nameserver_move() - all of @from's records to @to; -ENOENT, -EINVAL */
void nameserver_move(struct anchor *anchor, const struct name *from,
		     const struct name *to, anchor_done *done, void *arg);

/** nameserver_touch() - set the time of the records' last change */
void nameserver_touch(struct anchor *anchor, int64_t mtime_ns,
		      anchor_done *done, void *arg);

#endif
