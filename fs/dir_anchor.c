// SPDX-License-Identifier: Apache-2.0
/*
 * dir_anchor.c - the directory of a host, or of a nameserver
 *
 * It has the control files of its anchor, a directory for each child anchor,
 * and the scratch files that clients make beside them.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/bind.h"
#include "fs/drafts.h"
#include "fs/listing.h"
#include "fs/programs/programs.h"
#include "fs/rename.h"
#include "fs/setattr.h"
#include "fs/tree.h"

/* ---- Attributes ---- */

/* Its links are the directories in it, "." and its own entry, too. */
static int anchor_attr(struct fs *fs, struct node *node, struct stat *st)
{
	const struct anchor *anchor = node->anchor;

	(void)fs;
	st->st_nlink = 2 + HASH_COUNT(anchor->children);
	for (size_t i = 0; control_files[i]; i++)
		if (kind_is_in(control_files[i], anchor) &&
		    kind_is_dir(control_files[i]))
			st->st_nlink++;
	return 0;
}

static void anchor_setattr(struct pending *pending, const struct stat *attr,
			   int to_set)
{
	const struct anchor_rights rights = {
		.set_uid = to_set & FUSE_SET_ATTR_UID,
		.set_gid = to_set & FUSE_SET_ATTR_GID,
		.set_mode = to_set & FUSE_SET_ATTR_MODE,
		.set_mtime = to_set &
			     (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW),
		.uid = attr->st_uid,
		.gid = attr->st_gid,
		.mode = attr->st_mode & 07777,
		.mtime_ns = setattr_mtime(attr, to_set, 0),
	};

	anchor_set_rights(pending->nodes[0]->anchor, &rights, setattr_done,
			  pending);
}

static void anchor_label(const struct node *node, char *out, size_t size)
{
	snprintf(out, size, "%s", node->anchor->name);
}

/* ---- What is in it ---- */

static int anchor_lookup(struct fs *fs, struct node *dir, const char *name,
			 struct node **out)
{
	struct anchor *anchor = dir->anchor;
	const struct node_kind *kind = kind_named(anchor, name);
	struct anchor *child;

	if (kind) {
		*out = node_get(fs, kind, anchor, NULL, NULL);
		return *out ? 0 : -ENOMEM;
	}
	child = anchor_child(anchor, name);
	if (child) {
		*out = node_get(fs, &dir_anchor, child, NULL, NULL);
		return *out ? 0 : -ENOMEM;
	}
	return tree_find_draft(fs, dir, name, out);
}

static int anchor_list(struct listing *listing)
{
	struct anchor *anchor = listing->node->anchor, *child, *next;
	int r = 0;

	for (size_t i = 0; r == 0 && control_files[i]; i++) {
		const struct node_kind *kind = control_files[i];

		if (kind_is_in(kind, anchor) && !kind->is_hidden)
			r = listing_add(listing,
					kind_is_dir(kind) ? S_IFDIR : S_IFREG,
					kind->name);
	}
	HASH_ITER (hh, anchor->children, child, next) {
		if (r == 0)
			r = listing_add(listing, S_IFDIR, child->name);
	}
	return r;
}

/* A scratch file: see scratch.h. A host's directory has none. */
static int anchor_create(struct fs *fs, struct node *dir, const char *name,
			 int flags, mode_t mode, const struct fuse_ctx *ctx,
			 struct node **out)
{
	(void)flags;
	if (!dir->anchor->parent)
		return tree_no_files(fs, dir, name);
	if (kind_name_is_taken(name)) {
		node_fail(fs, dir, "create", name,
			  "the name is kept for a file of the tree");
		return -EEXIST;
	}
	return drafts_new(out, fs, dir, name, ctx, mode);
}

/* ---- mkdir ---- */

static const char *mkdir_reason(int result)
{
	switch (result) {
	case -EEXIST:
		return "the name is taken, or kept for a file";
	case -EINVAL:
		return "behind the @ no address: IP:PORT, [IPv6]:PORT, :PORT "
		       "for every interface, or an IP alone for port 53; "
		       "before it a name";
	case -EADDRINUSE:
		return "some socket has that address, for UDP or for TCP; ss "
		       "-lntup tells whose it is";
	case -EADDRNOTAVAIL:
		return "no interface here has that address; ip address tells "
		       "which there are";
	case -EACCES:
		return "a port below 1024 takes CAP_NET_BIND_SERVICE: start "
		       "circuitfs as root, or take another port";
	default:
		return strerror(-result);
	}
}

/* What is no address is nameserver_make()'s to say. */
static bool may_bind(const struct fs *fs, uid_t uid, const char *name)
{
	struct address at = fs->host->listen;

	return anchor_parse_name(name, &at) < 0 || bind_allows(fs, uid, &at);
}

/* Who makes it is looked at while it is being made. */
struct making {
	struct pending *pending;
	int result;
	bool copies;
	unsigned left; /* of the two: that it is made, and known by whom */
};

/* The anchor may be gone again. */
static void reply_made(struct pending *pending, bool copies)
{
	struct node *node;
	int r = tree_find(pending->fs, pending->nodes[0], pending->text, &node);

	if (r < 0) {
		pending_reply(pending, r);
		return;
	}
	programs_made_dir(pending->fs, node, fuse_req_ctx(pending->req),
			  copies);
	tree_reply_entry(pending->req, pending->fs, node);
	pending_free(pending);
}

static void end_one(struct making *making)
{
	assert(making->left);
	if (--making->left)
		return;
	if (making->result < 0)
		pending_reply(making->pending, making->result);
	else
		reply_made(making->pending, making->copies);
	free(making);
}

static void know_maker(void *arg, bool copies)
{
	struct making *making = arg;

	making->copies = copies;
	end_one(making);
}

static void made(void *arg, int result, const struct refusal *refusal)
{
	struct making *making = arg;
	struct pending *pending = making->pending;

	if (result < 0)
		tree_mkdir_failed(pending, pending->text,
				  refusal ? refusal->reason
					  : mkdir_reason(result));
	making->result = result;
	end_one(making);
}

static void make(struct pending *pending, gid_t gid, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(pending->req);
	struct making *making = malloc(sizeof(*making));

	if (!making) {
		pending_reply(pending, -ENOMEM);
		return;
	}
	*making = (struct making){.pending = pending, .left = 2};
	nameserver_make(pending->nodes[0]->anchor, pending->text, ctx->uid, gid,
			mode, made, making);
	/* What fails before it is on its way is made by nobody. */
	if (making->result < 0)
		know_maker(making, false);
	else
		programs_ask_copies(pending->fs, ctx, know_maker, making);
}

/* Who was let believe that names/ is not there makes it: cp -r. */
static void make_again(struct pending *pending, struct node *node)
{
	programs_made_again(pending->fs, pending->nodes[0], node,
			    fuse_req_ctx(pending->req));
	tree_reply_entry(pending->req, pending->fs, node);
	pending_free(pending);
}

static int check_name(struct fs *fs, const struct node *dir, uid_t uid,
		      const char *name)
{
	if (kind_name_is_taken(name) || drafts_find(fs->commons, dir, name))
		return -EEXIST;
	return may_bind(fs, uid, name) ? 0 : -EACCES;
}

static void anchor_make(struct pending *pending, const char *name, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(pending->req);
	struct fs *fs = pending->fs;
	struct node *dir = pending->nodes[0], *node;
	const struct node_kind *kind = kind_named(dir->anchor, name);
	gid_t gid = ctx->gid;
	int r;

	if (kind && kind_is_dir(kind) && tree_find(fs, dir, name, &node) == 0) {
		make_again(pending, node);
		return;
	}
	pending->text = strdup(name);
	r = pending->text ? check_name(fs, dir, ctx->uid, name) : -ENOMEM;
	if (r < 0) {
		tree_mkdir_failed(pending, name,
				  r == -EACCES ? BIND_REASON : mkdir_reason(r));
		pending_reply(pending, r);
		return;
	}
	mode &= 07777;
	if (dir->anchor->mode & S_ISGID) {
		gid = dir->anchor->gid;
		mode |= S_ISGID;
	}
	make(pending, gid, mode);
}

/* ---- rmdir and rename ---- */

static void scrubbed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct anchor *anchor = pending->nodes[0]->anchor;

	(void)refusal;
	if (result == 0)
		drafts_unlink_all(pending->fs->commons, anchor);
	if (result == -ENOTEMPTY)
		anchor_fail(
			anchor, "rmdir", 0, anchor->name,
			"it has child anchors; remove them first, or rm -r");
	pending_reply(pending, result);
}

/* EPERM: a host; ENOTEMPTY; ENODEV; ENOSPC, ENOMEM, EIO. */
static void anchor_remove(struct pending *pending)
{
	struct anchor *anchor = pending->nodes[0]->anchor;

	if (!anchor->parent)
		pending_reply(pending, -EPERM);
	else
		nameserver_scrub(anchor, scrubbed, pending);
}

static void renamed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	if (refusal)
		node_fail(pending->fs, pending->nodes[0], "rename",
			  pending->text, refusal->reason);
	/* The one that it has left is told here; the other by the change. */
	if (result == 0)
		commons_dir_changed(pending->fs->commons, pending->anchor);
	pending_reply(pending, result);
}

/* May it be called so, and be there? 0, -errno. */
static int check_place(const struct rename *rename, const struct anchor *anchor)
{
	const struct anchor *up;

	if (!anchor->parent || !rename->dir->kind->make)
		return -EPERM;
	if (rename->over && rename->over != rename->from)
		return node_is_dir(rename->over) ? -ENOTEMPTY : -ENOTDIR;
	if (!rename->over && kind_name_is_taken(rename->name))
		return -EEXIST;
	for (up = rename->dir->anchor; up; up = up->parent)
		if (up == anchor)
			return -EINVAL; /* into itself */
	return 0;
}

static void rename_to(struct rename *rename, struct anchor *anchor)
{
	rename->pending->anchor = anchor_ref(anchor->parent);
	anchor_rename(anchor, rename->dir->anchor, rename->name, renamed,
		      rename->pending);
}

static void anchor_renamed_to(struct rename *rename)
{
	struct anchor *anchor = rename->from->anchor;
	int r = check_place(rename, anchor);

	if (r == 0 && !rename->over) {
		rename->pending->text = rename_text(rename);
		r = rename->pending->text ? 0 : -ENOMEM;
	}
	if (r < 0)
		rename_refuse(rename, r);
	else if (rename->over)
		pending_reply(rename->pending, 0);
	else
		rename_to(rename, anchor);
}

const struct node_kind dir_anchor = {
	.number = 1,
	.mask = 07777,
	.attr = anchor_attr,
	.setattr = anchor_setattr,
	.label = anchor_label,
	.rename = anchor_renamed_to,
	.lookup = anchor_lookup,
	.list = anchor_list,
	.create = anchor_create,
	.make = anchor_make,
	.remove = anchor_remove,
};
