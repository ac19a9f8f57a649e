/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor_change.h - an anchor's rights, name and place, changed as one
 *
 * Of any anchor, the host's and those of nameservers: in the store first, and
 * then in the tree. Callbacks, their results and what may overlap are as in
 * nameserver.h.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_ANCHOR_CHANGE_H
#define ANCHORS_ANCHOR_CHANGE_H

#include "anchors/anchor.h"

/** anchor_set_rights() - owner, group, mode and time: those that are set */
void anchor_set_rights(struct anchor *anchor,
		       const struct anchor_rights *rights, anchor_done *done,
		       void *arg);

/**
 * anchor_rename() - give it another name, in @parent
 *
 * -EEXIST: the name is another's, or shall be; -EINVAL: @parent is in it;
 * -EDQUOT, -ENAMETOOLONG: too deep, as anchor_fits().
 */
void anchor_rename(struct anchor *anchor, struct anchor *parent,
		   const char *name, anchor_done *done, void *arg);

#endif
