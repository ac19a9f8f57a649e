// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - finding, making and removing what directories hold
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/handle.h"
#include "fs/pending.h"
#include "fs/scratch.h"
#include "fs/tree.h"

/* What the kernel may believe without asking: nothing. */
int tree_entry(struct fs *fs, struct node *node, struct fuse_entry_param *out)
{
	struct fuse_entry_param entry = {.ino = node_ino(node)};
	int r = node_attr(fs, node, &entry.attr);

	if (r == 0)
		*out = entry;
	return r;
}

/* Why an operation on @anchor failed, where its errno alone says little. */
static void explain(struct anchor *anchor, const char *file, const char *text,
		    const char *reason)
{
	error_ring_add(&anchor->errors, host_now_ns() / 1000000000, file, 0,
		       text, reason);
}

/* ---- Lookup ---- */

static int find_in_root(struct fs *fs, const char *name, struct node **out)
{
	struct anchor *root = fs->host->root;

	if (strcmp(name, root->name))
		return -ENOENT;
	*out = node_get(fs, NODE_ANCHOR, root, NULL, 0);
	return *out ? 0 : -ENOMEM;
}

static int find_in_anchor(struct fs *fs, struct anchor *anchor,
			  const char *name, struct node **out)
{
	const struct node_file *file = node_file_named(anchor, name);
	struct anchor *child;
	struct node *node;

	if (file) {
		*out = node_get(fs, file->kind, anchor, NULL, 0);
		return *out ? 0 : -ENOMEM;
	}
	child = anchor_child(anchor, name);
	if (child) {
		*out = node_get(fs, NODE_ANCHOR, child, NULL, 0);
		return *out ? 0 : -ENOMEM;
	}
	node = scratch_find(fs, anchor, name);
	if (!node)
		return -ENOENT;
	node->lookups++;
	*out = node;
	return 0;
}

/* Does a name have records? 0, -ENOENT, -errno. */
static int name_exists(struct fs *fs, struct anchor *anchor,
		       const struct name *owner)
{
	struct rrsets rrsets;
	uint32_t table;
	int r = node_table(fs, anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_get(fs->host->snapshot, table, owner, &rrsets);
	snapshot_end(fs->host->snapshot);
	return r;
}

static int find_in_names(struct fs *fs, struct anchor *anchor,
			 const char *name, struct node **out)
{
	struct name owner;
	const char *why;
	struct node *node;
	int r;

	if (name_from_file(name, &owner, &why) < 0)
		return -ENOENT;
	r = name_exists(fs, anchor, &owner);
	node = node_find(fs, NODE_NAME, anchor->id, &owner);
	if (r == -ENOENT && node && node->created)
		r = 0;
	if (r < 0)
		return r;
	*out = node_get(fs, NODE_NAME, anchor, &owner, 0);
	return *out ? 0 : -ENOMEM;
}

int tree_find(struct fs *fs, struct node *parent, const char *name,
	      struct node **out)
{
	if (parent->anchor && parent->anchor->gone)
		return -ENODEV;
	switch (parent->kind) {
	case NODE_ROOT:
		return find_in_root(fs, name, out);
	case NODE_ANCHOR:
		return find_in_anchor(fs, parent->anchor, name, out);
	case NODE_NAMES:
		return find_in_names(fs, parent->anchor, name, out);
	default:
		return -ENOTDIR;
	}
}

static void reply_entry(fuse_req_t req, struct fs *fs, struct node *node)
{
	struct fuse_entry_param entry;
	int r = tree_entry(fs, node, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	/* A reply that does not reach the kernel is not counted there. */
	if (r < 0 || fuse_reply_entry(req, &entry) < 0)
		node_put(fs, node, 1);
}

/* ENOENT, ENODEV, ENOMEM, EIO. */
void tree_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct node *node;
	int r = tree_find(fs, node_of(fs, parent), name, &node);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(req, fs, node);
}

/* ---- Attributes ---- */

/* ENOENT, ENODEV, EIO. */
void tree_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct stat attr;
	int r = node_attr(fs, node_of(fs, ino), &attr);

	(void)fi;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &attr, 0);
}

static void reply_attr(struct pending *pending, int result)
{
	struct stat attr;

	if (result == 0)
		result = node_attr(pending->fs, pending->nodes[0], &attr);
	if (result < 0) {
		pending_reply(pending, result);
		return;
	}
	fuse_reply_attr(pending->req, &attr, 0);
	pending_free(pending);
}

static void attr_done(void *arg, int result, const struct refusal *refusal)
{
	(void)refusal;
	reply_attr(arg, result);
}

static int64_t mtime_to_set(const struct stat *attr, int to_set, int64_t was)
{
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		return host_now_ns();
	if (to_set & FUSE_SET_ATTR_MTIME)
		return (int64_t)attr->st_mtim.tv_sec * 1000000000 +
		       attr->st_mtim.tv_nsec;
	return was;
}

static void set_anchor(struct pending *pending, struct anchor *anchor,
		       const struct stat *attr, int to_set)
{
	anchor_set_rights(
		anchor, to_set & FUSE_SET_ATTR_UID ? attr->st_uid : anchor->uid,
		to_set & FUSE_SET_ATTR_GID ? attr->st_gid : anchor->gid,
		to_set & FUSE_SET_ATTR_MODE ? attr->st_mode & 07777
					    : anchor->mode,
		mtime_to_set(attr, to_set, anchor->mtime_ns), attr_done,
		pending);
}

static int set_scratch(struct fs *fs, struct scratch *scratch,
		       const struct stat *attr, int to_set)
{
	if (to_set & FUSE_SET_ATTR_MODE)
		scratch->mode = attr->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		scratch->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		scratch->gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_SIZE) {
		int r = scratch_truncate(fs, scratch, (uint64_t)attr->st_size);

		if (r < 0)
			return r;
	}
	scratch->mtime_ns = mtime_to_set(attr, to_set, scratch->mtime_ns);
	return 0;
}

/* truncate(2) without a descriptor: `: > file` in one call. */
static void clear(struct pending *pending, struct node *node)
{
	struct staging *staging;
	struct name owner;
	int r;

	if (node->kind == NODE_ERROR)
		error_ring_clear(&node->anchor->errors);
	if (node->kind != NODE_RECORDS && node->kind != NODE_NAME) {
		reply_attr(pending, 0);
		return;
	}
	r = staging_new(&staging, node->anchor);
	if (r < 0) {
		reply_attr(pending, r);
		return;
	}
	if (node->kind == NODE_NAME)
		node_owner(node, &owner);
	staging_publish(staging, node->kind == NODE_NAME ? &owner : NULL,
			attr_done, pending);
}

static void truncate_file(struct pending *pending, struct node *node,
			  const struct stat *now, off_t size,
			  struct fuse_file_info *fi)
{
	enum node_kind kind = node->kind;

	if (kind == NODE_HELP || kind == NODE_STAT)
		reply_attr(pending, -EACCES);
	else if (size == now->st_size && size)
		reply_attr(pending, 0);
	else if (size)
		reply_attr(pending, -EINVAL);
	else if (fi)
		reply_attr(pending, handle_truncate((struct handle *)(uintptr_t)
							    fi->fh));
	else
		clear(pending, node);
}

/* Does it ask for rights that a file of an anchor does not derive? */
static bool changes_rights(const struct stat *now, const struct stat *attr,
			   int to_set)
{
	return ((to_set & FUSE_SET_ATTR_MODE) &&
		(attr->st_mode & 07777) != (now->st_mode & 07777)) ||
	       ((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != now->st_uid) ||
	       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != now->st_gid);
}

/*
 * ENOENT, ENODEV; EPERM: rights of a file that derives them; EINVAL: a size
 * that is neither 0 nor the present one; EACCES: a size of a read-only file;
 * ENOSPC, ENOMEM, EIO.
 */
void tree_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		  int to_set, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *node = node_of(fs, ino);
	struct pending *pending = pending_new(req);
	struct stat now;
	int r;

	if (!pending)
		return;
	pending_keep(pending, node);
	r = node_attr(fs, node, &now);
	if (r < 0)
		reply_attr(pending, r);
	else if (node->kind == NODE_ANCHOR)
		set_anchor(pending, node->anchor, attr, to_set);
	else if (node->kind == NODE_SCRATCH)
		reply_attr(pending,
			   set_scratch(fs, node->scratch, attr, to_set));
	else if (changes_rights(&now, attr, to_set))
		reply_attr(pending, -EPERM);
	else if (to_set & FUSE_SET_ATTR_SIZE)
		truncate_file(pending, node, &now, attr->st_size, fi);
	else
		reply_attr(pending, 0);
}

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
		return "some socket has that address, for UDP or for TCP";
	case -EADDRNOTAVAIL:
		return "no interface here has that address";
	case -EPERM:
		return "hosts come and go with their daemons";
	default:
		return strerror(-result);
	}
}

static void mkdir_failed(const struct pending *pending, const char *name,
			 int result)
{
	struct anchor *parent = pending->nodes[0]->anchor;

	/* The root has no `error`; its host's is the nearest. */
	explain(parent ? parent : pending->fs->host->root, "mkdir", name,
		mkdir_reason(result));
}

static void made(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct node *node = NULL;

	(void)refusal;
	if (result == 0)
		result = tree_find(pending->fs, pending->nodes[0], pending->text,
			      &node);
	if (result < 0) {
		mkdir_failed(pending, pending->text, result);
		pending_reply(pending, result);
		return;
	}
	reply_entry(pending->req, pending->fs, node);
	pending_free(pending);
}

/*
 * EPERM: in the root; EEXIST; EINVAL: no address behind the "@"; EADDRINUSE,
 * EADDRNOTAVAIL, EACCES, EAFNOSUPPORT; ENAMETOOLONG; ENODEV; EMFILE, ENOSPC,
 * ENOMEM, EIO.
 */
void tree_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent);
	struct pending *pending = pending_new(req);
	gid_t gid = ctx->gid;
	int r = 0;

	if (!pending)
		return;
	pending_keep(pending, dir);
	pending->text = strdup(name);
	if (!pending->text)
		r = -ENOMEM;
	else if (dir->kind != NODE_ANCHOR)
		r = -EPERM;
	else if (node_name_is_taken(name) ||
		 scratch_find(fs, dir->anchor, name))
		r = -EEXIST;
	if (r < 0) {
		mkdir_failed(pending, name, r);
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

static int open_new_name(struct fs *fs, struct anchor *anchor,
			 const char *name, struct node **out)
{
	struct name owner;
	const char *why;

	if (name_from_file(name, &owner, &why) < 0) {
		explain(anchor, "names", name, why);
		return -EINVAL;
	}
	*out = node_get(fs, NODE_NAME, anchor, &owner, 0);
	if (!*out)
		return -ENOMEM;
	(*out)->created = true;
	return 0;
}

int tree_open_new(struct fs *fs, struct node *parent, const char *name,
		  mode_t mode, const struct fuse_ctx *ctx, struct node **out)
{
	struct anchor *anchor = parent->anchor;

	if (anchor && anchor->gone)
		return -ENODEV;
	if (tree_find(fs, parent, name, out) == 0)
		return 0;
	if (parent->kind == NODE_NAMES)
		return open_new_name(fs, anchor, name, out);
	if (parent->kind != NODE_ANCHOR || !anchor->parent)
		return -EPERM;
	if (node_name_is_taken(name))
		return -EEXIST;
	return scratch_new(out, fs, anchor, name, ctx, mode);
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
	int r = -EPERM;

	(void)rdev;
	if (S_ISREG(mode) && dir->kind != NODE_NAMES)
		r = tree_open_new(fs, dir, name, mode, fuse_req_ctx(req),
				  &node);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(req, fs, node);
}

/* EPERM. */
void tree_symlink(fuse_req_t req, const char *link, fuse_ino_t parent,
		  const char *name)
{
	(void)link;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

/* EPERM. */
void tree_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	       const char *name)
{
	(void)ino;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

/* ---- Remove ---- */

static void drop_name(struct pending *pending, struct node *node)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct name owner;
	int r;

	node_owner(node, &owner);
	node->created = false;
	r = change_drop(&change, &owner);
	if (r < 0)
		pending_reply(pending, r);
	else
		nameserver_edit(node->anchor, &change, pending_done, pending);
}

/* ENOENT; EISDIR; ENODEV; ENOSPC, ENOMEM, EIO. */
void tree_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct pending *pending = pending_new(req);
	struct node *node;
	int r;

	if (!pending)
		return;
	r = tree_find(fs, node_of(fs, parent), name, &node);
	if (r < 0) {
		pending_reply(pending, r);
		return;
	}
	pending_keep(pending, node);
	node_put(fs, node, 1);
	switch (node->kind) {
	case NODE_NAME:
		drop_name(pending, node);
		return;
	case NODE_SCRATCH:
		scratch_unlink(fs, node);
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
		scratch_unlink_all(pending->fs, anchor);
	if (result == -ENOTEMPTY)
		explain(anchor, "rmdir", anchor->name,
			"it has child anchors; remove them first, or rm -r");
	pending_reply(pending, result);
}

/* ENOENT; ENOTDIR; EPERM: a host; ENOTEMPTY; ENODEV; ENOSPC, ENOMEM, EIO. */
void tree_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct pending *pending = pending_new(req);
	struct node *node;
	int r;

	if (!pending)
		return;
	r = tree_find(fs, node_of(fs, parent), name, &node);
	if (r < 0) {
		pending_reply(pending, r);
		return;
	}
	pending_keep(pending, node);
	node_put(fs, node, 1);
	if (node->kind == NODE_NAMES)
		pending_reply(pending, names_are_empty(fs, node->anchor));
	else if (node->kind != NODE_ANCHOR)
		pending_reply(pending, -ENOTDIR);
	else if (!node->anchor->parent)
		pending_reply(pending, -EPERM);
	else
		nameserver_scrub(node->anchor, scrubbed, pending);
}
