// SPDX-License-Identifier: Apache-2.0
/*
 * operations.c - the table that libfuse calls through
 */
#include "fs/dir.h"
#include "fs/forgets.h"
#include "fs/handle.h"
#include "fs/space.h"
#include "fs/tree.h"

#define BACKGROUND_MAX 256

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable & FUSE_CAP_ATOMIC_O_TRUNC;
	/* Else a lookup that another host is to answer holds up all others in
	 * its directory, and who waits there cannot even be killed. */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	/* Requests are small, and are taken by one thread. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE);
	/* A write() ends when it is answered, and only then (listed.h). */
	conn->want &= ~(unsigned)FUSE_CAP_ASYNC_DIO;
	/* Forgets and closes, of which the kernel lets 12 wait; the next one
	 * would wait with all that comes behind it. */
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX / 4 * 3;
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

/* EACCES; ESTALE: look it up again; EMFILE, EDQUOT, ENODEV, ENOMEM, EIO. */
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
	handle_to_info(handle, fi);
	handle_reply_open(handle, req, fi);
}

/* As read() of its kind (kind.h); ENODEV. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)ino;
	handle_read(handle_of(fi), req, size, (uint64_t)offset,
		    !(fi->flags & O_NONBLOCK));
}

/* As write() of its kind (kind.h); ENODEV, ENOMEM. */
static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	handle_write(handle_of(fi), req, data, size, (uint64_t)offset,
		     fi->lock_owner);
}

/* As flush() of its kind (kind.h); ENOMEM. */
static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	handle_flush(handle_of(fi), req, fi->lock_owner);
}

/* 0: what was written is on disk already; ENOMEM. */
static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	handle_fsync(handle_of(fi), req);
}

/* 0; ENOMEM, which nobody sees. */
static void op_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino;
	handle_release(handle_of(fi), req);
}

/* 0. */
static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *poll)
{
	(void)ino;
	handle_poll(handle_of(fi), req, poll);
}

/* 0: directories hold nothing that is not on disk. */
static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* EIO, ENOMEM. */
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
	.create = tree_create,
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
