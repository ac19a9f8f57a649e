// SPDX-License-Identifier: Apache-2.0
/*
 * rename.c - rename(2): what is common to all kinds, and what is refused
 */
#include <errno.h>
#include <stdio.h>

#include "fs/programs/programs.h"
#include "fs/rename.h"
#include "fs/tree.h"

static const char *rename_reason(int result)
{
	switch (result) {
	case -EPERM:
		return "a control file and a host stay where they are; cp "
		       "copies what a file holds";
	case -EEXIST:
		return "the name is kept for a file";
	case -ENOTEMPTY:
	case -ENOTDIR:
		return "there is something of that name; remove it first, or "
		       "take another name";
	case -EINVAL:
		return "a nameserver cannot move into itself";
	default:
		return strerror(-result);
	}
}

char *rename_text(const struct rename *rename)
{
	char from[NODE_LABEL_SIZE], *text;

	node_label(rename->from, from, sizeof(from));
	return asprintf(&text, "%s to %s", from, rename->name) < 0 ? NULL
								   : text;
}

/* Not for EXDEV: mv copies then. */
void rename_refuse_for(struct rename *rename, int result, const char *reason)
{
	CLEANUP(freep) char *text = rename_text(rename);

	if (text)
		node_fail(rename->fs, rename->from, "rename", text, reason);
	pending_reply(rename->pending, result);
}

static void know_who_backs_up(void *arg, bool ends)
{
	struct pending *pending = arg;
	struct node *node = pending->nodes[0];

	if (ends)
		node_fail(pending->fs, node, "rename", pending->text,
			  "a backup by renaming would leave nothing here until "
			  "the new text is; copy the file first, and replace "
			  "it without a backup");
	/* A name's file is copied, where a control file stays. */
	pending_reply(pending,
		      node->kind->scope == SCOPE_OWNER ? -EXDEV : -EPERM);
}

/* A line, unless who asks is an editor: it copies then, nothing is wrong. */
void rename_refuse_backup(struct rename *rename)
{
	struct pending *pending = rename->pending;

	pending->text = rename_text(rename);
	if (pending->text)
		programs_ask_backup(pending->fs, fuse_req_ctx(pending->req),
				    know_who_backs_up, pending);
	else
		pending_reply(pending, -ENOMEM);
}

void rename_refuse(struct rename *rename, int result)
{
	rename_refuse_for(rename, result, rename_reason(result));
}

static void run(struct rename *rename)
{
	if (rename->from->kind->rename)
		rename->from->kind->rename(rename);
	else if (programs_is_draft_name(rename->name))
		rename_refuse_backup(rename);
	else
		rename_refuse(rename, -EPERM);
}

/*
 * ENOENT, ENODEV; EINVAL: records or a name that are none, with a line in
 * `error`, or an anchor into itself; EPERM: a control file, a name over one of
 * its own nameserver, or over one that takes no content; EXDEV: between
 * anchors, where mv copies instead; EEXIST, ENOTEMPTY, ENOTDIR; EDQUOT,
 * ENAMETOOLONG: too deep; ENOSPC, ENOMEM, EIO.
 */
void tree_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		 fuse_ino_t new_parent, const char *new_name,
		 unsigned int flags)
{
	struct fs *fs = fs_of(req);
	struct rename rename = {
		.pending = pending_new(req),
		.fs = fs,
		.dir = node_of(fs, new_parent),
		.name = new_name,
		.flags = flags,
	};
	int r;

	if (!rename.pending)
		return;
	r = flags & ~(unsigned)RENAME_NOREPLACE ? -EINVAL : 0;
	if (r == 0)
		r = tree_find(fs, node_of(fs, parent), name, &rename.from);
	if (r < 0) {
		pending_reply(rename.pending, r);
		return;
	}
	pending_keep(rename.pending, rename.from);
	node_put(fs, rename.from, 1);
	r = tree_find(fs, rename.dir, new_name, &rename.over);
	if (r == 0) {
		pending_keep(rename.pending, rename.over);
		node_put(fs, rename.over, 1);
	}
	if (r == 0 && flags & RENAME_NOREPLACE)
		pending_reply(rename.pending, -EEXIST);
	else if (r < 0 && r != -ENOENT)
		pending_reply(rename.pending, r);
	else
		run(&rename);
}
