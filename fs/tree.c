// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - finding what directories hold
 */
#include <errno.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

int tree_entry(struct fs *fs, struct node *node, struct fuse_entry_param *out)
{
	struct fuse_entry_param entry = {
		.ino = node_ino(node),
		.attr_timeout = attr_timeout(node),
		.entry_timeout = attr_entry_timeout(node),
	};
	int r = attr_get(fs, node, &entry.attr);

	if (r < 0)
		return r;
	if (node->kind == NODE_NAME)
		known_given(fs, node);
	*out = entry;
	return 0;
}

static int find_in_root(struct fs *fs, const char *name, struct node **out)
{
	struct anchor *root = fs->host->root;

	if (strcmp(name, root->name))
		return -ENOENT;
	*out = node_get(fs, NODE_ANCHOR, root, NULL, 0);
	return *out ? 0 : -ENOMEM;
}

static int find_draft(struct fs *fs, const struct node *dir, const char *name,
		      struct node **out)
{
	struct node *node = drafts_find(fs, dir, name);

	if (!node)
		return -ENOENT;
	node->lookups++;
	*out = node;
	return 0;
}

static int find_in_anchor(struct fs *fs, const struct node *dir,
			  const char *name, struct node **out)
{
	struct anchor *anchor = dir->anchor, *child;
	const struct node_file *file = node_file_named(anchor, name);

	if (file) {
		*out = node_get(fs, file->kind, anchor, NULL, 0);
		return *out ? 0 : -ENOMEM;
	}
	child = anchor_child(anchor, name);
	if (child) {
		*out = node_get(fs, NODE_ANCHOR, child, NULL, 0);
		return *out ? 0 : -ENOMEM;
	}
	return find_draft(fs, dir, name, out);
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

static int find_in_names(struct fs *fs, const struct node *dir,
			 const char *name, struct node **out)
{
	struct anchor *anchor = dir->anchor;
	struct name owner;
	const char *why;
	struct node *node;
	int r = find_draft(fs, dir, name, out);

	if (r == 0)
		return 0;
	if (name_from_file(name, &owner, &why) < 0)
		return -ENOENT;
	r = name_exists(fs, anchor, &owner);
	node = node_find(fs, NODE_NAME, anchor->id, &owner);
	if (r == -ENOENT && node && node->created)
		r = 0;
	if (r < 0)
		return r;
	*out = node_get(fs, NODE_NAME, anchor, &owner, 0);
	return *out ? 0 : -ENOMEM;
}

int tree_find(struct fs *fs, struct node *parent, const char *name,
	      struct node **out)
{
	if (parent->anchor && parent->anchor->gone)
		return -ENODEV;
	switch (parent->kind) {
	case NODE_ROOT:
		return find_in_root(fs, name, out);
	case NODE_ANCHOR:
		return find_in_anchor(fs, parent, name, out);
	case NODE_NAMES:
		return find_in_names(fs, parent, name, out);
	default:
		return -ENOTDIR;
	}
}

void tree_reply_entry(fuse_req_t req, struct fs *fs, struct node *node)
{
	struct fuse_entry_param entry;
	int r = tree_entry(fs, node, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	/* A reply that does not reach the kernel is not counted there. */
	if (r < 0 || fuse_reply_entry(req, &entry) < 0)
		node_put(fs, node, 1);
}

/* ENOENT, ENODEV, ENOMEM, EIO. */
void tree_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent), *node;
	int r = tree_find(fs, dir, name, &node);

	if (r == 0 && programs_is_hidden(fs, fuse_req_ctx(req), dir, node)) {
		node_put(fs, node, 1);
		r = -ENOENT;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		tree_reply_entry(req, fs, node);
}
