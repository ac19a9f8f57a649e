// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/stat.h>

#include "fs/drafts.h"
#include "fs/listing.h"
#include "fs/setting_files.h"
#include "fs/tree.h"

/* A file of a zone has the zone's apex for its owner. */
static bool is_in(const struct node_kind *kind, const struct node *dir)
{
	return node_has_owner(dir) ? kind->in_zone : kind->in_transfer;
}

static const struct node_kind *find(const struct node *dir, const char *name)
{
	for (size_t i = 0; setting_files[i]; i++)
		if (is_in(setting_files[i], dir) &&
		    !strcmp(setting_files[i]->name, name))
			return setting_files[i];
	return NULL;
}

int setting_files_lookup(struct fs *fs, struct node *dir, const char *name,
			 struct node **out)
{
	const struct node_kind *kind = find(dir, name);
	struct name apex;

	if (!kind)
		return tree_find_draft(fs, dir, name, out);
	*out = node_get(fs, kind, dir->anchor, node_owner(dir, &apex), NULL);
	return *out ? 0 : -ENOMEM;
}

int setting_files_list(struct listing *listing)
{
	int r = 0;

	for (size_t i = 0; r == 0 && setting_files[i]; i++)
		if (is_in(setting_files[i], listing->node))
			r = listing_add(listing, S_IFREG,
					setting_files[i]->name);
	return r;
}

int setting_files_create(struct fs *fs, struct node *dir, const char *name,
			 int flags, mode_t mode, const struct fuse_ctx *ctx,
			 struct node **out)
{
	(void)flags;
	return drafts_new(out, fs, dir, name, ctx, mode);
}
