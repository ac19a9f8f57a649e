// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <utlist.h>

#include "fs/drafts.h"
#include "fs/scratch.h"

int drafts_new(struct node **out, struct fs *fs, struct anchor *anchor,
	       const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch;
	struct node *node;
	int r = scratch_new(&scratch, fs, anchor, name, owner, mode);

	if (r < 0)
		return r;
	node = node_get(fs, NODE_SCRATCH, anchor, NULL, ++fs->next_scratch);
	if (!node) {
		scratch_free(fs, scratch);
		return -ENOMEM;
	}
	node->scratch = scratch;
	DL_APPEND(fs->drafts, node);
	*out = node;
	return 0;
}

struct node *drafts_find(struct fs *fs, const struct anchor *anchor,
			 const char *name)
{
	struct node *node;

	DL_FOREACH (fs->drafts, node) {
		if (node->anchor == anchor &&
		    !strcmp(node->scratch->name, name))
			return node;
	}
	return NULL;
}

int drafts_rename(struct node *node, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(node->scratch->name);
	node->scratch->name = copy;
	return 0;
}

void drafts_let_go(struct fs *fs, struct node *node)
{
	if (!node->opens && !node->scratch->name)
		scratch_truncate(fs, node->scratch, 0);
}

void drafts_unlink(struct fs *fs, struct node *node)
{
	DL_DELETE(fs->drafts, node);
	free(node->scratch->name);
	node->scratch->name = NULL;
	drafts_let_go(fs, node);
	node_put(fs, node, 0);
}

void drafts_unlink_all(struct fs *fs, const struct anchor *anchor)
{
	struct node *node, *next;

	DL_FOREACH_SAFE(fs->drafts, node, next)
	{
		if (node->anchor == anchor)
			drafts_unlink(fs, node);
	}
}
