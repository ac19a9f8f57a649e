// SPDX-License-Identifier: Apache-2.0
/*
 * dir_root.c - the root of the mount: a directory for each host
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/fleet/fleet.h"
#include "fs/listing.h"
#include "fs/tree.h"

static int root_attr(struct fs *fs, struct node *node, struct stat *st)
{
	(void)fs;
	(void)node;
	st->st_nlink = 3;
	return 0;
}

static void root_label(const struct node *node, char *out, size_t size)
{
	(void)node;
	snprintf(out, size, "/");
}

static int root_lookup(struct fs *fs, struct node *dir, const char *name,
		       struct node **out)
{
	struct anchor *host = fs->host->root;

	(void)dir;
	if (strcmp(name, host->name))
		return -ENOENT;
	*out = node_get(fs, &dir_anchor, host, NULL, NULL);
	return *out ? 0 : -ENOMEM;
}

/* Whose name another host has, is alone. */
static struct live_host *first_other(const struct fleet *fleet)
{
	uint64_t since_ms;

	return fleet && hosts_state(fleet->hosts, &since_ms) != HOSTS_YIELDS
		       ? hosts_first(fleet->hosts)
		       : NULL;
}

/* Others are looked up by remote_root.c, and have no node of ours here. */
static int root_list(struct listing *listing)
{
	struct live_host *host = first_other(listing->fs->commons->fleet);
	int r = listing_add(listing, S_IFDIR, listing->fs->host->root->name);

	for (; r == 0 && host; host = hosts_next(host))
		r = listing_add(listing, S_IFDIR, host->name);
	return r;
}

static int root_create(struct fs *fs, struct node *dir, const char *name,
		       int flags, mode_t mode, const struct fuse_ctx *ctx,
		       struct node **out)
{
	(void)flags;
	(void)mode;
	(void)ctx;
	(void)out;
	return tree_no_files(fs, dir, name);
}

const struct node_kind dir_root = {
	.number = 0,
	.attr = root_attr,
	.label = root_label,
	.lookup = root_lookup,
	.list = root_list,
	.create = root_create,
};
