// SPDX-License-Identifier: Apache-2.0
/*
 * entries.c - making and removing what directories hold
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/bind.h"
#include "fs/drafts.h"
#include "fs/handle.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

/* ---- Make ---- */

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
	case -EPERM:
		return "nameservers are made in a host's directory, or in one "
		       "another; hosts come and go with their daemons";
	default:
		return strerror(-result);
	}
}

static void mkdir_failed(const struct pending *pending, const char *name,
			 const char *reason)
{
	node_fail(pending->fs, pending->nodes[0], "mkdir", name, reason);
}

/* What is no address is nameserver_make()'s to say. */
static bool may_bind(const struct fs *fs, uid_t uid, const char *name)
{
	struct address at = fs->host->listen;

	return anchor_parse_name(name, &at) < 0 || bind_allows(fs, uid, &at);
}

/* The anchor may be gone again. */
static void know_maker(void *arg, bool copies)
{
	struct pending *pending = arg;
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

static void made(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	if (result < 0) {
		mkdir_failed(pending, pending->text,
			     refusal ? refusal->reason : mkdir_reason(result));
		pending_reply(pending, result);
		return;
	}
	programs_ask_copies(pending->fs, fuse_req_ctx(pending->req), know_maker,
			    pending);
}

/*
 * EPERM: in the root; EEXIST; EINVAL: no address behind the "@"; EADDRINUSE,
 * EADDRNOTAVAIL, EACCES, EAFNOSUPPORT; EDQUOT; ENAMETOOLONG; ENODEV; EMFILE,
 * ENOSPC, ENOMEM, EIO.
 */
void tree_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent), *node;
	struct pending *pending = pending_new(req);
	gid_t gid = ctx->gid;
	int r = 0;

	if (!pending)
		return;
	pending_keep(pending, dir);
	if (dir->kind == NODE_ANCHOR && !strcmp(name, "names") &&
	    tree_find(fs, dir, name, &node) == 0) {
		/* Who was let believe that it is not there: cp -r. */
		programs_made_names(fs, dir, node, ctx);
		tree_reply_entry(req, fs, node);
		pending_free(pending);
		return;
	}
	pending->text = strdup(name);
	if (!pending->text)
		r = -ENOMEM;
	else if (dir->kind != NODE_ANCHOR)
		r = -EPERM;
	else if (node_name_is_taken(name) || drafts_find(fs, dir, name))
		r = -EEXIST;
	else if (!may_bind(fs, ctx->uid, name))
		r = -EACCES;
	if (r < 0) {
		mkdir_failed(pending, name,
			     r == -EACCES ? BIND_REASON : mkdir_reason(r));
		pending_reply(pending, r);
		return;
	}
	mode &= 07777;
	if (dir->anchor->mode & S_ISGID) {
		gid = dir->anchor->gid;
		mode |= S_ISGID;
	}
	nameserver_make(dir->anchor, name, ctx->uid, gid, mode, made, pending);
}

static int open_new_name(struct fs *fs, struct anchor *anchor, const char *name,
			 struct node **out)
{
	struct name owner;
	const char *why;

	if (name_from_file(name, &owner, &why) < 0) {
		anchor_fail(anchor, "names", 0, name, why);
		return -EINVAL;
	}
	*out = node_get(fs, NODE_NAME, anchor, &owner, 0);
	if (!*out)
		return -ENOMEM;
	(*out)->created = true;
	return 0;
}

int tree_open_new(struct fs *fs, struct node *parent, const char *name,
		  int flags, mode_t mode, const struct fuse_ctx *ctx,
		  struct node **out, bool *is_new)
{
	struct anchor *anchor = parent->anchor;

	if (anchor && anchor->gone)
		return -ENODEV;
	*is_new = tree_find(fs, parent, name, out) < 0;
	if (!*is_new) {
		/* Nobody has it but who makes it. */
		*is_new = (*out)->created;
		return 0;
	}
	if (parent->kind == NODE_NAMES)
		return programs_makes_draft(name, flags, mode)
			       ? drafts_new(out, fs, parent, name, ctx, mode)
			       : open_new_name(fs, anchor, name, out);
	if (parent->kind != NODE_ANCHOR || !anchor->parent) {
		node_fail(fs, parent, "create", name,
			  "no plain files here; mkdir makes a nameserver");
		return -EPERM;
	}
	if (node_name_is_taken(name)) {
		node_fail(fs, parent, "create", name,
			  "the name is kept for a file of the tree");
		return -EEXIST;
	}
	return drafts_new(out, fs, parent, name, ctx, mode);
}

static void no_special_file(fuse_req_t req, const struct node *dir,
			    const char *act, const char *name)
{
	/* Emacs tries to lock so, and does without. */
	if (!programs_is_draft_name(name))
		node_fail(fs_of(req), dir, act, name,
			  "no links and special files here; cp copies, and a "
			  "CNAME "
			  "is a record");
	fuse_reply_err(req, EPERM);
}

/*
 * EPERM: not a plain file, or in names/, where one without records is there
 * only while it is open; else as tree_open_new().
 */
void tree_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode, dev_t rdev)
{
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent), *node;
	bool is_new;
	int r;

	(void)rdev;
	if (!S_ISREG(mode) || dir->kind == NODE_NAMES) {
		no_special_file(req, dir, "mknod", name);
		return;
	}
	r = tree_open_new(fs, dir, name, 0, mode, fuse_req_ctx(req), &node,
			  &is_new);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		tree_reply_entry(req, fs, node);
}

/* EPERM. */
void tree_symlink(fuse_req_t req, const char *link, fuse_ino_t parent,
		  const char *name)
{
	(void)link;
	no_special_file(req, node_of(fs_of(req), parent), "symlink", name);
}

/* EPERM. */
void tree_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	       const char *name)
{
	(void)ino;
	no_special_file(req, node_of(fs_of(req), parent), "link", name);
}

/* ---- Remove ---- */

static void drop_name(struct pending *pending, struct node *node)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct name owner;
	int r;

	programs_unlinked(pending->fs, node, fuse_req_ctx(pending->req));
	handle_keep_content(node);
	node_owner(node, &owner);
	node->created = false;
	r = change_drop(&change, &owner);
	if (r < 0)
		pending_reply(pending, r);
	else
		nameserver_edit(node->anchor, &change, NULL, pending_done,
				pending);
}

/* The records are not what a refused one has made: they stay. */
static void know_remover(void *arg, bool cleans_up)
{
	struct pending *pending = arg;

	if (cleans_up)
		pending_reply(pending, 0);
	else
		drop_name(pending, pending->nodes[0]);
}

static void unlink_name(struct pending *pending, struct node *node)
{
	programs_ask_clean_up(pending->fs, fuse_req_ctx(pending->req), node,
			      know_remover, pending);
}

/* Find what is to be removed: pending->nodes[0]; NULL, and it was answered. */
static struct pending *begin_removal(fuse_req_t req, fuse_ino_t parent,
				     const char *name)
{
	struct pending *pending = pending_new(req);
	struct fs *fs = fs_of(req);
	struct node *node;
	int r;

	if (!pending)
		return NULL;
	r = tree_find(fs, node_of(fs, parent), name, &node);
	if (r < 0) {
		pending_reply(pending, r);
		return NULL;
	}
	pending_keep(pending, node);
	node_put(fs, node, 1);
	return pending;
}

/* ENOENT; EISDIR; ENODEV; ENOSPC, ENOMEM, EIO. */
void tree_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct pending *pending = begin_removal(req, parent, name);
	struct fs *fs;
	struct node *node;
	int r = 0;

	if (!pending)
		return;
	fs = pending->fs;
	node = pending->nodes[0];
	switch (node->kind) {
	case NODE_NAME:
		unlink_name(pending, node);
		return;
	case NODE_SCRATCH:
		drafts_unlink(fs, node);
		break;
	case NODE_ANCHOR:
	case NODE_NAMES:
		r = -EISDIR;
		break;
	default:
		/*
		 * A control file stays, so that rm -r gets to the rmdir; and
		 * so do the records, for mv unlinks what it copies over.
		 */
		programs_unlinked(fs, node, fuse_req_ctx(req));
		break;
	}
	pending_reply(pending, r);
}

static int names_are_empty(struct fs *fs, struct anchor *anchor)
{
	struct table_counts counts;
	uint32_t table;
	int r = node_table(fs, anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_counts(fs->host->snapshot, table, &counts);
	snapshot_end(fs->host->snapshot);
	return r == 0 && counts.names ? -ENOTEMPTY : r;
}

static void scrubbed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct anchor *anchor = pending->nodes[0]->anchor;

	(void)refusal;
	if (result == 0)
		drafts_unlink_all(pending->fs, anchor);
	if (result == -ENOTEMPTY)
		anchor_fail(
			anchor, "rmdir", 0, anchor->name,
			"it has child anchors; remove them first, or rm -r");
	pending_reply(pending, result);
}

/* ENOENT; ENOTDIR; EPERM: a host; ENOTEMPTY; ENODEV; ENOSPC, ENOMEM, EIO. */
void tree_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct pending *pending = begin_removal(req, parent, name);
	struct node *node;

	if (!pending)
		return;
	node = pending->nodes[0];
	if (node->kind == NODE_NAMES)
		pending_reply(pending,
			      names_are_empty(pending->fs, node->anchor));
	else if (node->kind != NODE_ANCHOR)
		pending_reply(pending, -ENOTDIR);
	else if (!node->anchor->parent)
		pending_reply(pending, -EPERM);
	else
		nameserver_scrub(node->anchor, scrubbed, pending);
}
