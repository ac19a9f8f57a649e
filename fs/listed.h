/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed.h - what the kernel may believe of names that it has just listed
 *
 * A long listing asks for the attributes of each name right after its entry.
 * So entries of a listing come with their attributes, which the kernel may
 * believe for LISTED_SECONDS; when an anchor changes in that time, it is told
 * to forget them before whoever made the change hears that it is done.
 */
#ifndef FS_LISTED_H
#define FS_LISTED_H

#include "fs/node.h"

#define LISTED_SECONDS 1

/** listed_add() - @node's attributes were handed out with a listing */
void listed_add(struct fs *fs, struct node *node);

/** listed_drop() - @node goes */
void listed_drop(struct fs *fs, struct node *node);

/** listed_changed() - forget what was handed out of an anchor's names */
void listed_changed(void *fs, struct anchor *anchor);

#endif
