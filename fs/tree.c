// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - finding what directories hold, and its attributes
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/handle.h"
#include "fs/pending.h"
#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/listed.h"
#include "fs/scratch.h"
#include "fs/tree.h"

int tree_entry(struct fs *fs, struct node *node, struct fuse_entry_param *out)
{
	struct fuse_entry_param entry = {
		.ino = node_ino(node),
		.attr_timeout = attr_timeout(node),
		.entry_timeout = attr_entry_timeout(node),
	};
	int r = attr_get(fs, node, &entry.attr);

	if (r == 0)
		*out = entry;
	return r;
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
	node = drafts_find(fs, anchor, name);
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

static int find_in_names(struct fs *fs, struct anchor *anchor, const char *name,
			 struct node **out)
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

void tree_reply_entry(fuse_req_t req, struct fs *fs, struct node *node)
{
	struct fuse_entry_param entry;
	int r = tree_entry(fs, node, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	/* A reply that does not reach the kernel is not counted there. */
	if (r < 0 || fuse_reply_entry(req, &entry) < 0)
		node_put(fs, node, 1);
}

bool tree_unlinked(const struct fs *fs, pid_t pid, const struct node *node)
{
	const struct unlinked *last = &fs->unlinked;

	return last->pid == pid && pid && node->anchor &&
	       last->anchor == node->anchor->id &&
	       last->kind == (int)node->kind &&
	       uv_now(fs->host->loop) < last->until_ms;
}

/* ENOENT, ENODEV, ENOMEM, EIO. */
void tree_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct node *node;
	int r = tree_find(fs, node_of(fs, parent), name, &node);

	if (r == 0 && tree_unlinked(fs, fuse_req_ctx(req)->pid, node)) {
		node_put(fs, node, 1);
		r = -ENOENT;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		tree_reply_entry(req, fs, node);
}

/* ---- Attributes ---- */

/* ESTALE: look it up again; ENODEV, EIO. */
void tree_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *node = node_of(fs, ino);
	struct stat attr;
	int r = attr_get(fs, node, &attr);

	(void)fi;
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	/*
	 * Not so with LOOKUP or SETATTR: there the kernel would believe an
	 * answer that what it is told to forget has overtaken.
	 */
	if (node->kind == NODE_RECORDS) {
		listed_add(fs, node);
		fuse_reply_attr(req, &attr, LISTED_SECONDS);
		return;
	}
	fuse_reply_attr(req, &attr, attr_timeout(node));
}

static void reply_attr(struct pending *pending, int result)
{
	struct stat attr;

	if (result == 0)
		result = attr_get(pending->fs, pending->nodes[0], &attr);
	if (result < 0) {
		pending_reply(pending, result);
		return;
	}
	fuse_reply_attr(pending->req, &attr, attr_timeout(pending->nodes[0]));
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
		reply_attr(pending,
			   handle_truncate((struct handle *)(uintptr_t)fi->fh));
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
 * ESTALE, ENODEV; EPERM: rights of a file that derives them; EINVAL: a size
 * that is neither 0 nor the present one; EACCES: a size of a read-only file;
 * ENOSPC, ENOMEM, EIO.
 */
void tree_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		  struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *node = node_of(fs, ino);
	struct pending *pending = pending_new(req);
	struct stat now;
	int r;

	if (!pending)
		return;
	pending_keep(pending, node);
	r = attr_get(fs, node, &now);
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
