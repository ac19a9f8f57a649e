/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed.h - attributes that the kernel may believe for a moment
 *
 * A long listing asks for the attributes of each name right after its entry.
 * So entries of a listing come with their attributes, which the kernel may
 * believe for LISTED_SECONDS. The same holds for `records`, whose rights the
 * kernel looks at with every open. When an anchor changes in that time, it is
 * told to forget them before whoever made the change hears that it is done.
 *
 * A write() into a file needs no telling: the kernel forgets the file's size
 * itself when the last of the requests it made of that write is answered.
 */
#ifndef FS_LISTED_H
#define FS_LISTED_H

#include "fs/node.h"

#define LISTED_SECONDS 1
#define LISTED_MAX     12288 /* nodes at once; past it the oldest is forgotten */

/** listed_add() - @node's attributes were handed out */
void listed_add(struct fs *fs, struct node *node);

/** listed_drop() - @node goes */
void listed_drop(struct fs *fs, struct node *node);

/**
 * listed_changed() - forget what was handed out of an anchor
 * @origin: NULL, or the node whose writing was the change
 */
void listed_changed(void *fs, struct anchor *anchor, const void *origin);

#endif
