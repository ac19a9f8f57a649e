// SPDX-License-Identifier: Apache-2.0
/*
 * dir_names.c - names/: a file for each name that has records
 *
 * Names come and go with what is written to any file of the nameserver. One
 * without records is there only while somebody makes it (node->created).
 * Beside them are scratch files, by their names or how they are made
 * (programs.h).
 */
#include <errno.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/listing.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

static int names_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;

	st->st_nlink = 2;
	return attr_of_table(fs, node, st, &counts);
}

/* Does a name have records? 0, -ENOENT, -errno. */
static int name_exists(struct fs *fs, struct anchor *anchor,
		       const struct name *owner)
{
	struct rrsets rrsets;
	uint32_t table;
	int r = node_table(fs, anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_get(fs->host->snapshot, table, owner, &rrsets);
	snapshot_end(fs->host->snapshot);
	return r;
}

static bool is_being_made(struct fs *fs, const struct anchor *anchor,
			  const struct name *owner)
{
	const struct node *node = node_find(fs, &file_name, anchor->id, owner);

	return node && node->created;
}

static int names_lookup(struct fs *fs, struct node *dir, const char *name,
			struct node **out)
{
	struct anchor *anchor = dir->anchor;
	struct name owner;
	int r = tree_find_draft(fs, dir, name, out);

	if (r == 0)
		return 0;
	if (name_from_file(name, &owner, NULL) < 0)
		return -ENOENT;
	r = name_exists(fs, anchor, &owner);
	if (r == -ENOENT && is_being_made(fs, anchor, &owner))
		r = 0;
	if (r < 0)
		return r;
	*out = node_get(fs, &file_name, anchor, &owner, NULL);
	return *out ? 0 : -ENOMEM;
}

static int names_list(struct listing *listing)
{
	static const struct listing_walk walk = {.kind = &file_name};

	return listing_add_walk(listing, &walk);
}

static int new_name(struct fs *fs, struct anchor *anchor, const char *name,
		    struct node **out)
{
	struct name owner;
	struct refusal why;

	if (name_from_file(name, &owner, &why) < 0) {
		anchor_fail(anchor, "names", 0, name, why.reason);
		return -EINVAL;
	}
	*out = node_get(fs, &file_name, anchor, &owner, NULL);
	if (!*out)
		return -ENOMEM;
	(*out)->created = true;
	return 0;
}

static int names_create(struct fs *fs, struct node *dir, const char *name,
			int flags, mode_t mode, const struct fuse_ctx *ctx,
			struct node **out)
{
	if (programs_makes_draft(name, flags, mode))
		return drafts_new(out, fs, dir, name, ctx, mode);
	return new_name(fs, dir->anchor, name, out);
}

/* Renamed to a name, a scratch file becomes that name's records. */
static int names_target(struct fs *fs, struct node *dir, const char *name,
			struct node **out)
{
	int r = programs_is_draft_name(name)
			? -ENOENT
			: new_name(fs, dir->anchor, name, out);

	if (r == 0)
		(*out)->created = (*out)->opens > 0;
	return r;
}

/* It stays, so that rm -r gets to the rmdir of its anchor. */
static void names_remove(struct pending *pending)
{
	struct table_counts counts;
	struct stat st;
	int r = attr_of_table(pending->fs, pending->nodes[0], &st, &counts);

	pending_reply(pending, r == 0 && counts.names ? -ENOTEMPTY : r);
}

const struct node_kind dir_names = {
	.name = "names",
	.number = 9,
	.in_server = true,
	.mask = 0777,
	.walks_store = true,
	.is_made_open = true,
	.attr = names_attr,
	.lookup = names_lookup,
	.list = names_list,
	.create = names_create,
	.target = names_target,
	.remove = names_remove,
};
