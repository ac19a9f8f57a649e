// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - finding what directories hold
 */
#include <errno.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

#define MOMENT_S 0.001

int tree_entry(struct fs *fs, struct node *node, struct fuse_entry_param *out)
{
	struct fuse_entry_param entry = {
		.ino = node_ino(fs, node),
		.attr_timeout = attr_timeout(fs, node),
		.entry_timeout = attr_entry_timeout(fs, node),
	};
	int r = attr_get(fs, node, &entry.attr);

	if (r < 0)
		return r;
	if (node_has_owner(node))
		known_given(fs, node);
	if (listed_given(fs, node))
		entry.attr_timeout = LISTED_SECONDS;
	*out = entry;
	return 0;
}

int tree_find_draft(struct fs *fs, const struct node *dir, const char *name,
		    struct node **out)
{
	struct scratch *scratch = drafts_find(fs->commons, dir, name);

	if (!scratch)
		return -ENOENT;
	*out = node_get(fs, &file_scratch, dir->anchor, NULL, scratch);
	return *out ? 0 : -ENOMEM;
}

int tree_find(struct fs *fs, struct node *parent, const char *name,
	      struct node **out)
{
	if (parent->anchor && parent->anchor->gone)
		return -ENODEV;
	return node_is_dir(parent) ? parent->kind->lookup(fs, parent, name, out)
				   : -ENOTDIR;
}

/*
 * A kernel asks for them at once: of another host's it is told with the name
 * that they are what it would be told then (fleet/remote_looked.c).
 */
static void set_moment(const struct fs *fs, const struct node *node,
		       struct fuse_entry_param *entry)
{
	if (fs->peer && entry->attr_timeout == 0 && !node->kind->is_sized_late)
		entry->attr_timeout = MOMENT_S;
}

void tree_reply_entry(fuse_req_t req, struct fs *fs, struct node *node)
{
	struct fuse_entry_param entry;
	int r = tree_entry(fs, node, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		set_moment(fs, node, &entry);
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
