// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "fs/drafts.h"
#include "fs/scratch.h"

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && !strcmp(name + len - end_len, end);
}

/* "x.example." and something behind it: a label is empty, so it is no name. */
static bool is_beside(const char *name)
{
	for (const char *at = name; *at && at[1]; at++) {
		if (*at == '\\')
			at++;
		else if (at > name && *at == '.' && at[1] == '.')
			return !ends_in(name, ".");
	}
	return false;
}

bool drafts_shaped(const char *name)
{
	return ends_in(name, "~") || (*name == '#' && ends_in(name, "#")) ||
	       !strncmp(name, ".#", 2) || is_beside(name) ||
	       ends_in(name, "___jb_tmp___") || ends_in(name, "___jb_old___");
}

bool drafts_made(const char *name, int flags, mode_t mode)
{
	if (!(flags & O_EXCL))
		return false;
	return ends_in(name, ".tmp") ||
	       ((*name == '.' || !ends_in(name, ".")) &&
		(flags & O_ACCMODE) == O_RDWR && !(mode & 077));
}

/* The kernel lets longer ones through. */
static int drafts_check(const char *name)
{
	return strlen(name) > STORE_NAME_SIZE ? -ENAMETOOLONG : 0;
}

int drafts_new(struct node **out, struct fs *fs, const struct node *dir,
	       const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch;
	struct node *node;
	int r = drafts_check(name);

	if (r == 0)
		r = scratch_new(&scratch, fs, dir->anchor, name, owner, mode);
	if (r < 0)
		return r;
	scratch->in_names = dir->kind == NODE_NAMES;
	node = node_get(fs, NODE_SCRATCH, dir->anchor, NULL,
			++fs->next_scratch);
	if (!node) {
		scratch_free(fs, scratch);
		return -ENOMEM;
	}
	node->scratch = scratch;
	DL_APPEND(fs->drafts, node);
	*out = node;
	return 0;
}

bool drafts_in(const struct node *node, const struct node *dir)
{
	return node->anchor == dir->anchor &&
	       node->scratch->in_names == (dir->kind == NODE_NAMES);
}

struct node *drafts_find(struct fs *fs, const struct node *dir,
			 const char *name)
{
	struct node *node;

	DL_FOREACH (fs->drafts, node) {
		if (drafts_in(node, dir) && !strcmp(node->scratch->name, name))
			return node;
	}
	return NULL;
}

int drafts_rename(struct node *node, const struct node *dir, const char *name)
{
	int r = drafts_check(name);
	char *copy = r == 0 ? strdup(name) : NULL;

	if (!copy)
		return r < 0 ? r : -ENOMEM;
	free(node->scratch->name);
	node->scratch->name = copy;
	node->scratch->in_names = dir->kind == NODE_NAMES;
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
