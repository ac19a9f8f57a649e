// SPDX-License-Identifier: Apache-2.0
/*
 * dir_keys.c - keys/: a file for each key of TSIG, for the owner alone
 *
 * A key is there when it was written; one that is being made, while it is open
 * (node->created). Beside them are scratch files, as in names/.
 */
#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

#include "fs/drafts.h"
#include "fs/listing.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

static int keys_attr(struct fs *fs, struct node *node, struct stat *st)
{
	(void)fs;
	(void)node;
	st->st_nlink = 2;
	return 0;
}

static int key_exists(struct fs *fs, struct anchor *anchor,
		      const struct name *name)
{
	const struct node *node = node_find(fs, &file_key, anchor->id, name);
	struct tsig_key key;
	struct served served;
	int r;

	if (node && node->created)
		return 0;
	r = node_served(fs, anchor, &served);
	if (r < 0)
		return r;
	r = served.home
		    ? snapshot_key(fs->host->snapshot, served.home, name, &key)
		    : -ENOENT;
	sodium_memzero(&key, sizeof(key));
	snapshot_end(fs->host->snapshot);
	return r;
}

static int keys_lookup(struct fs *fs, struct node *dir, const char *name,
		       struct node **out)
{
	struct name key;
	int r = tree_find_draft(fs, dir, name, out);

	if (r == 0)
		return 0;
	r = name_from_file(name, &key, NULL) < 0
		    ? -ENOENT
		    : key_exists(fs, dir->anchor, &key);
	if (r < 0)
		return r;
	*out = node_get(fs, &file_key, dir->anchor, &key, NULL);
	return *out ? 0 : -ENOMEM;
}

static int next_key(const struct listing *listing, const uint8_t *after,
		    size_t len, struct name *out)
{
	struct tsig_key key;
	int r = -ENOENT;

	if (listing->served.home)
		r = snapshot_key_next(listing->snapshot, listing->served.home,
				      after, len, &key);
	if (r == 0)
		*out = key.name;
	sodium_memzero(&key, sizeof(key));
	return r;
}

static int keys_list(struct listing *listing)
{
	static const struct listing_walk walk = {
		.kind = &file_key,
		.next = next_key,
	};

	return listing_add_walk(listing, &walk);
}

static int new_key(struct fs *fs, struct node *dir, const char *name,
		   struct node **out)
{
	struct refusal why;
	struct name key;

	if (name_from_file(name, &key, &why) < 0) {
		anchor_fail(dir->anchor, "keys", 0, name, why.reason);
		return -EINVAL;
	}
	*out = node_get(fs, &file_key, dir->anchor, &key, NULL);
	if (!*out)
		return -ENOMEM;
	(*out)->created = true;
	return 0;
}

static int keys_create(struct fs *fs, struct node *dir, const char *name,
		       int flags, mode_t mode, const struct fuse_ctx *ctx,
		       struct node **out)
{
	if (programs_makes_draft(name, flags, mode))
		return drafts_new(out, fs, dir, name, ctx, mode);
	return new_key(fs, dir, name, out);
}

/* Renamed to a key's name, a scratch file becomes that key. */
static int keys_target(struct fs *fs, struct node *dir, const char *name,
		       struct node **out)
{
	int r = programs_is_draft_name(name) ? -ENOENT
					     : new_key(fs, dir, name, out);

	if (r == 0)
		(*out)->created = (*out)->opens > 0;
	return r;
}

static bool has_keys(struct fs *fs, const struct node *dir)
{
	struct listing listing = {.snapshot = fs->host->snapshot};
	struct name first;
	int r = node_served(fs, dir->anchor, &listing.served);

	if (r < 0)
		return false;
	r = next_key(&listing, NULL, 0, &first);
	snapshot_end(fs->host->snapshot);
	return r == 0;
}

/*
 * It stays, so that rm -r gets to the rmdir of its anchor: also with keys, for
 * rm has come by those that lists name, and they stayed.
 */
static void keys_remove(struct pending *pending)
{
	const struct node *dir = pending->nodes[0];

	if (has_keys(pending->fs, dir))
		node_fail(pending->fs, dir, "rmdir", dir->kind->name,
			  "it stays, and so do its keys; rm them, or rmdir the "
			  "nameserver");
	pending_reply(pending, 0);
}

const struct node_kind dir_keys = {
	.name = "keys",
	.number = 24,
	.in_server = true,
	.mask = 0700,
	.walks_store = true,
	.is_made_open = true,
	.is_fleeting = true,
	.is_secret = true,
	.attr = keys_attr,
	.lookup = keys_lookup,
	.list = keys_list,
	.create = keys_create,
	.target = keys_target,
	.remove = keys_remove,
};
