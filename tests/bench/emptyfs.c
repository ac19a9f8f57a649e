// SPDX-License-Identifier: Apache-2.0
/*
 * emptyfs.c - the least that a FUSE server can do with an edit
 *
 * One file, h1/ns/records, that takes every write and forgets it. What a real
 * server takes beyond this is its own.
 *
 * The kernel may remember names and attributes for a second, as libfuse's own
 * programs let it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

/* Inode n + 1 is in inode n by this name; the last one is the file. */
static const char *const names[] = {"h1", "ns", "records"};

#define INODE_FILE 4
#define TIMEOUT_S  1.0

static void fill(fuse_ino_t ino, struct stat *out)
{
	memset(out, 0, sizeof(*out));
	out->st_ino = ino;
	out->st_nlink = 1;
	out->st_mode = ino == INODE_FILE ? S_IFREG | 0644 : S_IFDIR | 0755;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {
		.ino = parent + 1,
		.attr_timeout = TIMEOUT_S,
		.entry_timeout = TIMEOUT_S,
	};

	if (parent >= INODE_FILE || strcmp(name, names[parent - 1]) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill(entry.ino, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct stat attr;

	(void)fi;
	fill(ino, &attr);
	fuse_reply_attr(req, &attr, TIMEOUT_S);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t len, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	(void)data;
	(void)offset;
	(void)fi;
	fuse_reply_write(req, len);
}

static void on_close(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.write = on_write,
	.flush = on_close,
	.release = on_close,
};

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], "-o", "default_permissions", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
	struct fuse_session *session;
	int r = 1;

	if (argc != 2) {
		fputs("usage: emptyfs MOUNTPOINT\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	session =
		fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) == 0 &&
	    fuse_session_mount(session, argv[1]) == 0) {
		fuse_session_loop(session);
		fuse_session_unmount(session);
		r = 0;
	}
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return r;
}
