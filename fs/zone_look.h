/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_look.h - what the store has of a zone, for its directory and its files
 *
 * Threading: the main loop.
 */
#ifndef FS_ZONE_LOOK_H
#define FS_ZONE_LOOK_H

#include <sys/stat.h>

#include "dns/store/zone.h"
#include "fs/node.h"

struct zone_look {
	struct served served;
	bool has_soa;
	struct zone_counts counts; /* all zero without an SOA */
	bool has_row;
	struct zone_row row; /* all zero without settings */
};

/**
 * zone_look() - find a zone: by its SOA, or by its settings
 *
 * Return: 0; -ENOENT: there is none; -ENODEV, -EIO.
 */
int zone_look(struct fs *fs, const struct anchor *anchor,
	      const struct name *apex, struct zone_look *out);

/** zone_look_node() - of the zone that a node is of, or -ESTALE */
int zone_look_node(struct fs *fs, const struct node *node,
		   struct zone_look *out);

/**
 * zone_may_edit() - may a name's records be others by a file?
 *
 * Not in a zone that is a secondary, nor in the catalog. What stands at an apex
 * that is nested is not the zone's alone: the DS is of the one above.
 *
 * Return: 0; -EROFS; -ENODEV, -EIO.
 */
int zone_may_edit(struct fs *fs, const struct anchor *anchor,
		  const struct name *owner);

/** zone_attr() - of a directory or file of a zone: its time; -ESTALE */
int zone_attr(struct fs *fs, const struct node *node, struct stat *st,
	      struct zone_look *out);

/**
 * zone_label() - what `error` calls a file of a zone, or one for all zones
 *
 * "zones/example.org./updates", "transfer/updates".
 */
void zone_label(const struct node *node, char *out, size_t size);

#endif
