// SPDX-License-Identifier: Apache-2.0
/*
 * create.c - create(2): open a file, and make it if need be
 *
 * The kernel asks so only if it believes that there is none. It is wrong where
 * a name has come since, and where a program is let believe so (programs.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/drafts.h"
#include "fs/handle.h"
#include "fs/programs/programs.h"
#include "fs/session.h"
#include "fs/tree.h"

/* A create(2) on its way. */
struct create {
	struct fs *fs;
	fuse_req_t req;
	struct fuse_file_info fi;
	struct node *dir, *node; /* a reference to each */
	bool is_new;
	bool copies; /* a whole anchor: see handle_open() */
};

static void end_create(struct create *create)
{
	node_put(create->fs, create->dir, 1);
	session_end_pending(create->fs->session);
	free(create);
}

static void refuse_create(struct create *create, int result)
{
	/* Nobody is to find what nobody was told of. */
	if (create->is_new && create->node->scratch)
		drafts_unlink(create->node->scratch);
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
		programs_take_former(fs, ctx, node, &text);
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
	handle_to_info(handle, &create->fi);
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
	struct stat attr = {0};
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
		caller_ask(create->fs, &about, know_groups, create);
}

/* As tree_open_new() and handle_open(); EEXIST, EISDIR. */
void tree_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		 mode_t mode, struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fs_of(req);
	struct node *dir = node_of(fs, parent), *node;
	struct programs_making making;
	struct create *create;
	bool is_new;
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
	making = programs_making(fs, ctx, dir, node);
	*create = (struct create){
		.fs = fs,
		.req = req,
		.fi = *fi,
		.dir = dir,
		.node = node,
		.is_new = is_new,
		.copies = making.copies,
	};
	/* A key that it has removed is no more, and had nothing to keep. */
	if (making.anew && !(is_new && node->kind->setting))
		create->fi.flags |= O_TRUNC;
	dir->lookups++;
	session_add_pending(fs->session);
	/* Who copies a directory owns what is in it. */
	if (node_is_dir(node))
		refuse_create(create, -EISDIR);
	else if (!is_new && fi->flags & O_EXCL && !making.anew)
		refuse_create(create, -EEXIST);
	else if (is_new || (create->copies && ctx->uid == node->anchor->uid))
		open_created(create);
	else
		check_mode(create);
}
