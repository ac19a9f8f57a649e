/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging.h - a replacement on its way: staged in pieces, published as one
 *
 * Callbacks and their results are as in nameserver.h.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_STAGING_H
#define ANCHORS_STAGING_H

#include "anchors/nameserver.h"

/* New content, in a table that nobody answers from yet. */
struct staging;

/** staging_new() - nothing is staged: 0, -ENOMEM; holds a reference */
int staging_new(struct staging **out, struct anchor *anchor);

/** staging_discard() - forget it; frees it when the writer is through */
void staging_discard(struct staging *staging);

/**
 * staging_add() - stage more; takes what is in @change
 *
 * Calls back when it was judged, before it is on disk; -EINVAL, -EDQUOT,
 * -ENOSPC and the like leave the staging good for nothing but
 * staging_discard().
 */
void staging_add(struct staging *staging, struct change *change,
		 nameserver_done *done, void *arg);

/**
 * staging_publish() - make it what the nameserver answers, as one change
 * @owner: NULL: everything; else only this owner's records are replaced
 *
 * The staging is used up, also on failure: -EDQUOT.
 */
void staging_publish(struct staging *staging, const struct name *owner,
		     nameserver_done *done, void *arg);

#endif
