// SPDX-License-Identifier: Apache-2.0
/*
 * dir_zone.c - zones/ZONE/: a zone, by its records and its settings
 *
 * It is there while it has an SOA, or settings. Only rmdir forgets both.
 */
#include <errno.h>

#include "anchors/zones.h"
#include "fs/drafts.h"
#include "fs/rename.h"
#include "fs/setting_files.h"
#include "fs/zone_look.h"

static int dir_zone_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct zone_look look;

	st->st_nlink = 2;
	return zone_attr(fs, node, st, &look);
}

/* Its records would need other owners. */
static void dir_zone_rename(struct rename *rename)
{
	if (rename->dir->anchor != rename->from->anchor)
		pending_reply(rename->pending, -EXDEV);
	else
		rename_refuse_for(rename, -EPERM,
				  "the owners of its records would be others; "
				  "mkdir the new one, and write its records");
}

static void removed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct node *node = pending->nodes[0];

	if (refusal)
		node_refuse(pending->fs, node, "rmdir", refusal->reason);
	if (result == 0)
		drafts_unlink_in(pending->fs->commons, node);
	pending_reply(pending, result);
}

static void dir_zone_remove(struct pending *pending)
{
	const struct node *node = pending->nodes[0];
	struct name apex;

	zones_remove(node->anchor, node_owner(node, &apex), removed, pending);
}

const struct node_kind dir_zone = {
	.number = 17,
	.mask = 0777,
	.is_fleeting = true,
	.is_listed = true,
	.attr = dir_zone_attr,
	.label = zone_label,
	.rename = dir_zone_rename,
	.lookup = setting_files_lookup,
	.list = setting_files_list,
	.create = setting_files_create,
	.remove = dir_zone_remove,
};
