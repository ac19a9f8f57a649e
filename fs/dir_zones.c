// SPDX-License-Identifier: Apache-2.0
/*
 * dir_zones.c - zones/: a directory for each zone
 *
 * A zone is where an SOA stands, so these come and go with what is written to
 * any file of the nameserver; one that has settings stays without an SOA. The
 * store has both in DNS order, and a listing merges them as it walks.
 */
#include <errno.h>
#include <sys/stat.h>

#include "anchors/zones.h"
#include "fs/attr.h"
#include "fs/listing.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"
#include "fs/zone_look.h"

/* How many there are would take a walk: 1 says that it is not known. */
static int zones_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;

	st->st_nlink = 1;
	return attr_of_table(fs, node, st, &counts);
}

static int zones_lookup(struct fs *fs, struct node *dir, const char *name,
			struct node **out)
{
	struct zone_look look;
	struct name apex;
	int r = -ENOENT;

	if (name_from_file(name, &apex, NULL) == 0)
		r = zone_look(fs, dir->anchor, &apex, &look);
	if (r < 0)
		return r;
	*out = node_get(fs, &dir_zone, dir->anchor, &apex, NULL);
	return *out ? 0 : -ENOMEM;
}

/* ---- Listing ---- */

static bool is_before(const struct name *a, const struct name *b)
{
	uint8_t a_key[NAME_KEY_SIZE], b_key[NAME_KEY_SIZE];
	size_t a_len = name_to_key(a, a_key), b_len = name_to_key(b, b_key);
	int order = memcmp(a_key, b_key, a_len < b_len ? a_len : b_len);

	return order ? order < 0 : a_len < b_len;
}

static int next_zone(const struct listing *listing, const uint8_t *after,
		     size_t len, struct name *out)
{
	const struct served *served = &listing->served;
	struct zone_counts counts;
	struct zone_row row;
	struct name named;
	int r = snapshot_zone_next(listing->snapshot, served->table, after, len,
				   out, &counts);
	int s = -ENOENT;

	if (served->home)
		s = snapshot_zone_row_next(listing->snapshot, served->home,
					   after, len, &named, &row);
	if (s < 0)
		return s == -ENOENT ? r : s;
	if (r == -ENOENT || (r == 0 && is_before(&named, out)))
		*out = named;
	return r == -ENOENT ? 0 : r;
}

static int zones_list(struct listing *listing)
{
	static const struct listing_walk walk = {
		.kind = &dir_zone,
		.next = next_zone,
	};

	return listing_add_walk(listing, &walk);
}

/* ---- mkdir and rmdir ---- */

static int zones_create(struct fs *fs, struct node *dir, const char *name,
			int flags, mode_t mode, const struct fuse_ctx *ctx,
			struct node **out)
{
	(void)flags;
	(void)mode;
	(void)ctx;
	(void)out;
	node_fail(fs, dir, "create", name,
		  "no files here; mkdir makes a zone, and its text goes into "
		  "its records");
	return -EPERM;
}

static int find_made(struct pending *pending, struct node **out)
{
	return tree_find(pending->fs, pending->nodes[0], pending->text, out);
}

static void know_maker(void *arg, bool copies)
{
	struct pending *pending = arg;
	struct node *node;
	int r = find_made(pending, &node);

	if (r < 0) {
		pending_reply(pending, r);
		return;
	}
	programs_made_dir(pending->fs, node, fuse_req_ctx(pending->req),
			  copies);
	tree_reply_entry(pending->req, pending->fs, node);
	pending_free(pending);
}

static void made(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	/* Who made it meanwhile, with its SOA, is often who makes it: rsync. */
	if (result < 0 && result != -EEXIST)
		tree_mkdir_failed(pending, pending->text,
				  refusal ? refusal->reason
					  : strerror(-result));
	if (result < 0) {
		pending_reply(pending, result);
		return;
	}
	programs_ask_copies(pending->fs, fuse_req_ctx(pending->req), know_maker,
			    pending);
}

/* With the records of its nameserver it was there already: cp -r. */
static bool make_again(struct pending *pending)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(pending->req);
	struct node *dir = pending->nodes[0], *node;

	if (find_made(pending, &node) < 0)
		return false;
	if (!programs_is_hidden(pending->fs, ctx, dir, node)) {
		node_put(pending->fs, node, 1);
		return false;
	}
	programs_made_again(pending->fs, dir, node, ctx);
	tree_reply_entry(pending->req, pending->fs, node);
	pending_free(pending);
	return true;
}

/* EEXIST; EINVAL: no domain name; EDQUOT; EROFS: in a secondary; ... */
static void zones_make_dir(struct pending *pending, const char *name,
			   mode_t mode)
{
	struct refusal why;
	struct name apex;

	(void)mode;
	if (name_from_file(name, &apex, &why) < 0) {
		tree_mkdir_failed(pending, name, why.reason);
		pending_reply(pending, -EINVAL);
		return;
	}
	pending->text = strdup(name);
	if (!pending->text)
		pending_reply(pending, -ENOMEM);
	else if (!make_again(pending))
		zones_make(pending->nodes[0]->anchor, &apex, made, pending);
}

static int has_zones(struct fs *fs, const struct node *dir)
{
	struct listing listing = {.snapshot = fs->host->snapshot};
	struct name first;
	int r = node_served(fs, dir->anchor, &listing.served);

	if (r < 0)
		return r;
	r = next_zone(&listing, NULL, 0, &first);
	snapshot_end(fs->host->snapshot);
	return r == -ENOENT ? 0 : r < 0 ? r : -ENOTEMPTY;
}

/* It stays, so that rm -r gets to the rmdir of its anchor. */
static void zones_remove_dir(struct pending *pending)
{
	pending_reply(pending, has_zones(pending->fs, pending->nodes[0]));
}

const struct node_kind dir_zones = {
	.name = "zones",
	.number = 16,
	.in_server = true,
	.mask = 0777,
	.walks_store = true,
	.is_fleeting = true,
	.is_listed = true,
	.attr = zones_attr,
	.lookup = zones_lookup,
	.list = zones_list,
	.create = zones_create,
	.make = zones_make_dir,
	.remove = zones_remove_dir,
};
