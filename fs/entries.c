// SPDX-License-Identifier: Apache-2.0
/*
 * entries.c - making and removing what directories hold
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/drafts.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/tree.h"

/* ---- Make ---- */

void tree_mkdir_failed(const struct pending *pending, const char *name,
		       const char *reason)
{
	node_fail(pending->fs, pending->nodes[0], "mkdir", name, reason);
}

/*
 * EPERM: in the root; EEXIST; EINVAL: no address behind the "@"; EADDRINUSE,
 * EADDRNOTAVAIL, EACCES, EAFNOSUPPORT; EDQUOT; ENAMETOOLONG; ENODEV; EMFILE,
 * ENOSPC, ENOMEM, EIO.
 */
void tree_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode)
{
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent);
	struct pending *pending = pending_new(req);

	if (!pending)
		return;
	pending_keep(pending, dir);
	if (dir->kind->make) {
		dir->kind->make(pending, name, mode);
		return;
	}
	tree_mkdir_failed(pending, name,
			  "nameservers are made in a host's directory, or in "
			  "one another; hosts come and go with their daemons");
	pending_reply(pending, -EPERM);
}

int tree_open_new(struct fs *fs, struct node *parent, const char *name,
		  int flags, mode_t mode, const struct fuse_ctx *ctx,
		  struct node **out, bool *is_new)
{
	if (parent->anchor && parent->anchor->gone)
		return -ENODEV;
	*is_new = tree_find(fs, parent, name, out) < 0;
	if (!*is_new) {
		/* Nobody has it but who makes it. */
		*is_new = (*out)->created;
		return 0;
	}
	return parent->kind->create(fs, parent, name, flags, mode, ctx, out);
}

int tree_no_files(struct fs *fs, struct node *dir, const char *name)
{
	node_fail(fs, dir, "create", name,
		  "no plain files here; mkdir makes a nameserver");
	return -EPERM;
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
	if (!S_ISREG(mode) || dir->kind->is_made_open) {
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
	const struct node *node;

	if (!pending)
		return;
	node = pending->nodes[0];
	if (node_is_dir(node)) {
		pending_reply(pending, -EISDIR);
	} else if (node->kind->unlink) {
		node->kind->unlink(pending);
	} else {
		/*
		 * A control file stays, so that rm -r gets to the rmdir; and
		 * so do the records, for mv unlinks what it copies over.
		 */
		programs_unlinked(pending->fs, node, fuse_req_ctx(req));
		pending_reply(pending, 0);
	}
}

/* ENOENT; ENOTDIR; EPERM: a host; ENOTEMPTY; ENODEV; ENOSPC, ENOMEM, EIO. */
void tree_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct pending *pending = begin_removal(req, parent, name);
	const struct node *node;

	if (!pending)
		return;
	node = pending->nodes[0];
	if (node->kind->remove)
		node->kind->remove(pending);
	else
		pending_reply(pending, -ENOTDIR);
}
