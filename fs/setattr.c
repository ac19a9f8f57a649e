// SPDX-License-Identifier: Apache-2.0
/*
 * setattr.c - attributes, told and set: rights, sizes, times
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/handle.h"
#include "fs/programs/programs.h"
#include "fs/setattr.h"
#include "fs/tree.h"

void setattr_reply(struct pending *pending, int result)
{
	struct stat attr;

	if (result == 0)
		result = attr_get(pending->fs, pending->nodes[0], &attr);
	if (result < 0) {
		pending_reply(pending, result);
		return;
	}
	fuse_reply_attr(pending->req, &attr,
			attr_timeout(pending->fs, pending->nodes[0]));
	pending_free(pending);
}

void setattr_done(void *arg, int result, const struct refusal *refusal)
{
	(void)refusal;
	setattr_reply(arg, result);
}

/* ---- Told ---- */

/*
 * The answer is for the thread @pid alone: the file is not of one size for
 * all, so the kernel must not keep it.
 */
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

/*
 * Who writes the file is told what he has written so far, all others what it
 * has. The kernel tells the thread that asks, and not its process: if it is not
 * the one that writes, /proc is asked whether both are of one process.
 */
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
		caller_ask(pending->fs, &about, know_asker, pending);
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
	if (node->kind->getattr)
		node->kind->getattr(req, node, &attr);
	else
		fuse_reply_attr(req, &attr,
				listed_given(fs, node)
					? LISTED_SECONDS
					: attr_timeout(fs, node));
}

/* ---- Set ---- */

/* As other filesystems do: what is out of range is the nearest that is in. */
static int64_t time_ns(const struct timespec *time)
{
	int64_t ns;

	if (__builtin_mul_overflow(time->tv_sec, 1000000000, &ns) ||
	    __builtin_add_overflow(ns, time->tv_nsec, &ns))
		return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

int64_t setattr_mtime(const struct stat *attr, int to_set, int64_t was)
{
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		return host_now_ns();
	if (to_set & FUSE_SET_ATTR_MTIME)
		return time_ns(&attr->st_mtim);
	return was;
}

static void refuse_size(struct pending *pending, const struct node *node)
{
	node_refuse(pending->fs, node, "truncate",
		    "only to 0: its text is printed anew from the records; "
		    "write a whole file and rename it over, as rsync does "
		    "without --inplace");
	setattr_reply(pending, -EINVAL);
}

static void refuse_rights(struct pending *pending, const struct node *node)
{
	node_refuse(pending->fs, node, "rights",
		    "owner, group and mode are the directory's: chown or chmod "
		    "that");
	setattr_reply(pending, -EPERM);
}

/* Its size is what the descriptor has now, which it alone knows. */
static void truncated(void *arg, int result)
{
	struct pending *pending = arg;

	if (result < 0)
		pending_reply(pending, result);
	else
		reply_size(pending, fuse_req_ctx(pending->req)->pid);
}

static void truncate_file(struct pending *pending, struct node *node,
			  const struct stat *now, off_t size,
			  struct fuse_file_info *fi)
{
	if (kind_is_read_only(node->kind))
		setattr_reply(pending, -EACCES);
	else if (fi)
		handle_truncate(handle_of(fi), fuse_req_ctx(pending->req),
				(uint64_t)size, truncated, pending);
	else if (size == now->st_size && size)
		setattr_reply(pending, 0);
	else if (size)
		refuse_size(pending, node);
	else if (node->kind->clear)
		node->kind->clear(pending);
	else
		setattr_reply(pending, 0);
}

/*
 * Does it ask for rights that a file of an anchor does not derive? Those of a
 * copy's source are taken and not set.
 */
static bool changes_rights(struct fs *fs, struct node *node,
			   const struct stat *now, const struct stat *attr,
			   int to_set, const struct fuse_ctx *caller)
{
	if (programs_rights_are_copied(fs, caller, node))
		return false;
	return ((to_set & FUSE_SET_ATTR_MODE) &&
		(attr->st_mode & 07777) != (now->st_mode & 07777)) ||
	       ((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != now->st_uid) ||
	       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != now->st_gid);
}

static void set_time(struct pending *pending, struct node *node,
		     int64_t mtime_ns)
{
	handle_set_time(node, mtime_ns);
	nameserver_touch(node->anchor, mtime_ns, setattr_done, pending);
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
		setattr_reply(pending, r);
	else if (node->kind->setattr)
		node->kind->setattr(pending, attr, to_set);
	else if (changes_rights(fs, node, &now, attr, to_set,
				fuse_req_ctx(req)))
		refuse_rights(pending, node);
	else if (to_set & FUSE_SET_ATTR_SIZE)
		truncate_file(pending, node, &now, attr->st_size, fi);
	else if (to_set & node->kind->sets_time)
		set_time(pending, node, setattr_mtime(attr, to_set, 0));
	else
		setattr_reply(pending, 0);
}
