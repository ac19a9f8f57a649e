// SPDX-License-Identifier: Apache-2.0
/*
 * setattr.c - attributes, told and set: rights, sizes, times
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/handle.h"
#include "fs/listed.h"
#include "fs/page.h"
#include "fs/pending.h"
#include "fs/recent.h"
#include "fs/scratch.h"
#include "fs/tree.h"

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

/* Without a page there is still the size of the one before. */
static void page_made(void *arg, struct page *page, int result)
{
	(void)page;
	(void)result;
	reply_attr(arg, 0);
}

static void await_page(fuse_req_t req, struct node *node)
{
	struct pending *pending = pending_new(req);

	if (!pending)
		return;
	pending_keep(pending, node);
	page_get(pending->fs, page_made, pending);
}

/* Nobody may believe it: it is not of one size for all. */
static void reply_size(struct pending *pending, pid_t pid)
{
	struct node *node = pending->nodes[0];
	struct stat attr;
	int r = attr_get(pending->fs, node, &attr);

	if (r < 0) {
		pending_reply(pending, r);
		return;
	}
	handle_size(node, pid, &attr.st_size);
	fuse_reply_attr(pending->req, &attr, 0);
	pending_free(pending);
}

static void know_asker(void *arg, const struct caller *caller)
{
	struct pending *pending = arg;

	reply_size(pending, caller->is_same ? pending->other : 0);
}

/* Another thread of the one that writes it? The kernel does not say. */
static void tell_size(fuse_req_t req, struct node *node)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller_about about = {
		.pid = ctx->pid,
		.other = handle_writer(node, ctx->uid),
	};
	struct pending *pending = pending_new(req);
	off_t size;

	if (!pending)
		return;
	pending_keep(pending, node);
	pending->other = about.other;
	if (!about.other || handle_size(node, ctx->pid, &size))
		reply_size(pending, ctx->pid);
	else
		caller_ask(pending->fs->aside, &about, know_asker, pending);
}

/* ESTALE: look it up again; ENODEV, ENOMEM, EIO. */
void tree_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *node = node_of(fs, ino);
	struct stat attr;
	int r;

	(void)fi;
	if (handle_is_replaced(node)) {
		tell_size(req, node);
		return;
	}
	r = attr_get(fs, node, &attr);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	/* What has another size at each look has that of its last page. */
	if (node->kind == NODE_METRICS && !page_is_recent(fs)) {
		await_page(req, node);
		return;
	}
	/*
	 * Not so with LOOKUP or SETATTR: there the kernel would believe an
	 * answer that what it is told to forget has overtaken.
	 */
	if (node->kind == NODE_RECORDS) {
		fuse_reply_attr(req, &attr,
				listed_add(fs, node) ? LISTED_SECONDS : 0);
		return;
	}
	fuse_reply_attr(req, &attr, attr_timeout(node));
}

static void attr_done(void *arg, int result, const struct refusal *refusal)
{
	(void)refusal;
	reply_attr(arg, result);
}

/* As other filesystems do: what is out of range is the nearest that is in. */
static int64_t time_ns(const struct timespec *time)
{
	int64_t ns;

	if (__builtin_mul_overflow(time->tv_sec, 1000000000, &ns) ||
	    __builtin_add_overflow(ns, time->tv_nsec, &ns))
		return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static int64_t mtime_to_set(const struct stat *attr, int to_set, int64_t was)
{
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		return host_now_ns();
	if (to_set & FUSE_SET_ATTR_MTIME)
		return time_ns(&attr->st_mtim);
	return was;
}

static void set_anchor(struct pending *pending, struct anchor *anchor,
		       const struct stat *attr, int to_set)
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
		.mtime_ns = mtime_to_set(attr, to_set, 0),
	};

	anchor_set_rights(anchor, &rights, attr_done, pending);
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
	scratch->dated |= !!(to_set & FUSE_SET_ATTR_MTIME);
	return 0;
}

/* A name without records is gone, but this call has made it so. */
static void cleared(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct node *node = pending->nodes[0];
	bool was_created = node->created;

	(void)refusal;
	node->created |= result == 0 && node->kind == NODE_NAME;
	reply_attr(pending, result);
	node->created = was_created;
}

/* truncate(2) without a descriptor: `: > file` in one call. */
static void clear(struct pending *pending, struct node *node)
{
	struct name owner;

	if (node->kind == NODE_ERROR)
		error_ring_clear(&node->anchor->errors);
	if (node->kind != NODE_RECORDS && node->kind != NODE_NAME) {
		reply_attr(pending, 0);
		return;
	}
	if (node->kind == NODE_NAME)
		node_owner(node, &owner);
	staging_clear(node->anchor, node->kind == NODE_NAME ? &owner : NULL,
		      NULL, cleared, pending);
}

static void refuse_size(struct pending *pending, const struct node *node)
{
	char label[NAME_TEXT_SIZE + 8];

	node_label(node, label, sizeof(label));
	node_fail(pending->fs, node, "truncate", label,
		  "only to 0: its text is printed anew from the records; "
		  "write a whole file and rename it over, as rsync does "
		  "without --inplace");
	reply_attr(pending, -EINVAL);
}

static void refuse_rights(struct pending *pending, const struct node *node)
{
	char label[NAME_TEXT_SIZE + 8];

	node_label(node, label, sizeof(label));
	node_fail(pending->fs, node, "rights", label,
		  "owner, group and mode are the directory's: chown or chmod "
		  "that");
	reply_attr(pending, -EPERM);
}

/* Its size is what the descriptor has now, which it alone knows. */
static void truncated(void *arg, int result)
{
	struct pending *pending = arg;
	struct node *node = pending->nodes[0];
	struct stat attr;

	if (result == 0)
		result = attr_get(pending->fs, node, &attr);
	if (result < 0) {
		pending_reply(pending, result);
		return;
	}
	handle_size(node, fuse_req_ctx(pending->req)->pid, &attr.st_size);
	fuse_reply_attr(pending->req, &attr, 0);
	pending_free(pending);
}

static void truncate_file(struct pending *pending, struct node *node,
			  const struct stat *now, off_t size,
			  struct fuse_file_info *fi)
{
	if (node_is_read_only(node))
		reply_attr(pending, -EACCES);
	else if (fi)
		handle_truncate((struct handle *)(uintptr_t)fi->fh,
				fuse_req_ctx(pending->req), (uint64_t)size,
				truncated, pending);
	else if (size == now->st_size && size)
		reply_attr(pending, 0);
	else if (size)
		refuse_size(pending, node);
	else
		clear(pending, node);
}

/*
 * Does it ask for rights that a file of an anchor does not derive? Who makes a
 * file or copies a directory sets the rights of what is in it first: install,
 * cp -a. So does who copies over a file: cp -p, and what looks like it. They
 * would stop there, and nobody who asks for the rights of a copy's source
 * relies on them: those are taken and not set.
 */
static bool changes_rights(struct fs *fs, struct node *node,
			   const struct stat *now, const struct stat *attr,
			   int to_set, const struct fuse_ctx *caller)
{
	if (node_is_maker(fs, node, caller) ||
	    handle_replaces(node, caller->uid) ||
	    recent_has_replaced(fs, caller->pid, node))
		return false;
	return ((to_set & FUSE_SET_ATTR_MODE) &&
		(attr->st_mode & 07777) != (now->st_mode & 07777)) ||
	       ((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != now->st_uid) ||
	       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != now->st_gid);
}

/*
 * Does it set the time of the records? A name's file shows that time, but may
 * only bring it up to date: it is not the file's alone. The other files have
 * the times of what they tell of.
 */
static bool sets_time(const struct node *node, int to_set)
{
	return (node->kind == NODE_RECORDS &&
		(to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))) ||
	       (node->kind == NODE_NAME && (to_set & FUSE_SET_ATTR_MTIME_NOW));
}

static void set_time(struct pending *pending, struct node *node,
		     int64_t mtime_ns)
{
	handle_set_time(node, mtime_ns);
	nameserver_touch(node->anchor, mtime_ns, attr_done, pending);
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
	else if (changes_rights(fs, node, &now, attr, to_set,
				fuse_req_ctx(req)))
		refuse_rights(pending, node);
	else if (to_set & FUSE_SET_ATTR_SIZE)
		truncate_file(pending, node, &now, attr->st_size, fi);
	else if (sets_time(node, to_set))
		set_time(pending, node, mtime_to_set(attr, to_set, 0));
	else
		reply_attr(pending, 0);
}
