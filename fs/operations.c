// SPDX-License-Identifier: Apache-2.0
/*
 * operations.c - the table that libfuse calls through
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/dir.h"
#include "fs/drafts.h"
#include "fs/forgets.h"
#include "fs/handle.h"
#include "fs/recent.h"
#include "fs/session.h"
#include "fs/space.h"
#include "fs/tree.h"

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable & FUSE_CAP_ATOMIC_O_TRUNC;
	/* Requests are small, and are taken by one thread. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE);
	/* A write() ends when it is answered, and only then (listed.h). */
	conn->want &= ~(unsigned)FUSE_CAP_ASYNC_DIO;
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	struct fs *fs = fs_of(req);

	if (ino != FUSE_ROOT_ID)
		node_put(fs, node_of(fs, ino), lookups);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	forgets_take(fs_of(req), forgets, count);
	fuse_reply_none(req);
}

static void set_handle(struct fuse_file_info *fi, struct handle *handle)
{
	fi->fh = (uintptr_t)handle;
	/* Contents change without the kernel's knowing. */
	fi->direct_io = 1;
}

/* EACCES, ENODEV, ENOMEM, EIO. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *handle;
	int r = handle_open(&handle, fs, node_of(fs, ino), fi->flags,
			    fuse_req_ctx(req), false);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	set_handle(fi, handle);
	handle_reply_open(handle, req, fi);
}

/* ---- Create ---- */

/* A create(2) on its way. */
struct create {
	struct fs *fs;
	fuse_req_t req;
	struct fuse_file_info fi;
	struct node *dir, *node; /* a reference to each */
	bool is_new;
	bool hidden;
	bool copies; /* a whole anchor: see handle_open() */
};

static void end_create(struct create *create)
{
	node_put(create->fs, create->dir, 1);
	create->fs->session->pending--;
	free(create);
}

static void refuse_create(struct create *create, int result)
{
	/* Nobody is to find what nobody was told of. */
	if (create->is_new && create->node->kind == NODE_SCRATCH)
		drafts_unlink(create->fs, create->node);
	node_put(create->fs, create->node, 1);
	fuse_reply_err(create->req, -result);
	end_create(create);
}

static void open_created(struct create *create)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(create->req);
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct fs *fs = create->fs;
	struct node *node = create->node;
	struct fuse_entry_param entry;
	struct handle *handle;
	int r = handle_open(&handle, fs, node, create->fi.flags, ctx,
			    create->copies);

	if (r == 0) {
		recent_take(fs, ctx->pid, node, &text);
		handle_put_back(handle, &text);
		r = tree_entry(fs, node, &entry);
		if (r < 0)
			handle_discard(handle);
	}
	if (r < 0) {
		refuse_create(create, r);
		return;
	}
	handle_set_made(handle);
	set_handle(&create->fi, handle);
	/* Who asked is no more: nobody will close it. */
	if (fuse_reply_create(create->req, &entry, &create->fi) == -ENOENT) {
		handle_discard(handle);
		node_put(fs, node, 1);
	}
	end_create(create);
}

static mode_t wanted(int flags)
{
	mode_t mode = flags & O_TRUNC ? 2 : 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return mode | 4;
	case O_WRONLY:
		return 2;
	default:
		return 6;
	}
}

static void know_groups(void *arg, const struct caller *caller)
{
	struct create *create = arg;
	mode_t want = wanted(create->fi.flags), allowed;
	struct stat attr;
	int r = attr_get(create->fs, create->node, &attr);

	/* Not known, it is whichever gives less. */
	allowed = caller->is_member ? attr.st_mode >> 3 : attr.st_mode;
	if (!caller->process)
		allowed &= attr.st_mode >> 3;
	if (r == 0 && want & ~allowed)
		r = -EACCES;
	if (r < 0)
		refuse_create(create, r);
	else
		open_created(create);
}

/*
 * The kernel believes that the file is new, and that who makes it may do with
 * it what he likes. What is there already has its mode.
 */
static void check_mode(struct create *create)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(create->req);
	mode_t want = wanted(create->fi.flags), group, other;
	struct caller_about about;
	struct stat attr;
	int r = attr_get(create->fs, create->node, &attr);

	group = attr.st_mode >> 3;
	other = attr.st_mode;
	about = (struct caller_about){.pid = ctx->pid, .group = attr.st_gid};
	if (r < 0)
		refuse_create(create, r);
	else if (ctx->uid == 0 ||
		 (ctx->uid == attr.st_uid && !(want & ~(attr.st_mode >> 6))) ||
		 (ctx->uid != attr.st_uid && !(want & ~(group & other))))
		open_created(create);
	else if (ctx->uid == attr.st_uid || want & ~(group | other) & 7)
		refuse_create(create, -EACCES);
	else if (ctx->gid == attr.st_gid)
		know_groups(create, &(struct caller){.is_member = true,
						     .process = ctx->pid});
	else
		caller_ask(create->fs->aside, &about, know_groups, create);
}

/* As tree_open_new() and op_open(). */
static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent), *node;
	bool is_new, unlinked;
	struct create *create;
	int r = tree_open_new(fs, dir, name, fi->flags, mode, ctx, &node,
			      &is_new);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	create = malloc(sizeof(*create));
	if (!create) {
		node_put(fs, node, 1);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	/* Who thinks that the file is new replaces what it has, or had. */
	unlinked = recent_was_unlinked(fs, ctx->pid, node);
	*create = (struct create){
		.fs = fs,
		.req = req,
		.fi = *fi,
		.dir = dir,
		.node = node,
		.is_new = is_new,
		.hidden = tree_is_hidden(fs, ctx, dir, node),
	};
	create->copies = create->hidden && node_is_maker(fs, dir, ctx);
	if (unlinked || create->hidden)
		create->fi.flags |= O_TRUNC;
	dir->lookups++;
	fs->session->pending++;
	/* Who copies a directory owns what is in it. */
	if (node->kind == NODE_NAMES || node->kind == NODE_ANCHOR)
		refuse_create(create, -EISDIR);
	else if (!is_new && fi->flags & O_EXCL && !unlinked && !create->hidden)
		refuse_create(create, -EEXIST);
	else if (is_new || (create->copies && ctx->uid == node->anchor->uid))
		open_created(create);
	else
		check_mode(create);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)ino;
	handle_read(handle_of(fi), req, size, (uint64_t)offset,
		    !(fi->flags & O_NONBLOCK));
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	handle_write(handle_of(fi), req, data, size, (uint64_t)offset,
		     fi->lock_owner);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	handle_flush(handle_of(fi), req, fi->lock_owner);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	handle_fsync(handle_of(fi), req);
}

static void op_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino;
	handle_release(handle_of(fi), req);
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *poll)
{
	(void)ino;
	handle_poll(handle_of(fi), req, poll);
}

/* Directories hold nothing that is not on disk. */
static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	space_reply(req);
}

const struct fuse_lowlevel_ops fs_operations = {
	.init = op_init,
	.lookup = tree_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = tree_getattr,
	.setattr = tree_setattr,
	.mkdir = tree_mkdir,
	.mknod = tree_mknod,
	.symlink = tree_symlink,
	.link = tree_link,
	.unlink = tree_unlink,
	.rmdir = tree_rmdir,
	.rename = tree_rename,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.release = op_release,
	.poll = op_poll,
	.opendir = dir_open,
	.readdir = dir_read,
	.readdirplus = dir_read_plus,
	.releasedir = dir_release,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
};
