/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr.h - what stat(2) says of a node
 *
 * Sizes are true, rights are the anchor's, and times are those of the last
 * change; all of it is looked up each time.
 */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include "fs/node.h"

/**
 * attr_set_times() - all of them are the one of the last change
 * @ns: since 1970; may be before
 */
void attr_set_times(struct stat *st, int64_t ns);

/**
 * attr_of_table() - times as the records of @node's nameserver have them
 * @counts: the table's, for a size
 *
 * Return: 0; -ENODEV; -EIO.
 */
int attr_of_table(struct fs *fs, const struct node *node, struct stat *st,
		  struct table_counts *counts);

/**
 * attr_get() - read them
 *
 * Return: 0; -ESTALE: a name without records, which makes the kernel look it
 * up again; -ENODEV; -EIO.
 */
int attr_get(struct fs *fs, struct node *node, struct stat *out);

/**
 * attr_timeout(), attr_entry_timeout() - how long the kernel may believe them
 *
 * Seconds. What only requests through the kernel change, it knows itself: the
 * names of anchors and their files, and what an anchor's directory is. Of
 * names/ it is told when something changes (listed.h). All else it has to ask
 * for. Where kernels of other hosts may change an anchor's directory, too, it
 * is told of that, and asks for the anchor's name.
 */
double attr_timeout(const struct fs *fs, const struct node *node);
double attr_entry_timeout(const struct fs *fs, const struct node *node);

#endif
