// SPDX-License-Identifier: Apache-2.0
/*
 * rename.c - rename(2): over a control file, of a name, of an anchor
 */
#include <errno.h>
#include <stdio.h>

#include "fs/drafts.h"
#include "fs/handle.h"
#include "fs/pending.h"
#include "fs/programs/programs.h"
#include "fs/replace.h"
#include "fs/scratch.h"
#include "fs/tree.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

/* What is renamed (nodes[0]), and what has the new name (nodes[1], or NULL). */
struct rename {
	struct pending *pending;
	struct fs *fs;
	struct node *from;
	struct node *dir; /* the new parent; borrowed */
	const char *name; /* the new name; borrowed */
	unsigned flags;
	struct node *over;
};

static void replaced(void *arg, int result)
{
	struct pending *pending = arg;

	/* Its content is in the records now. */
	if (result == 0 && pending->nodes[0]->scratch->name)
		drafts_unlink(pending->fs, pending->nodes[0]);
	pending_reply(pending, result);
}

static void rename_scratch(struct rename *rename)
{
	struct node *from = rename->from, *over = rename->over;
	uid_t uid = fuse_req_ctx(rename->pending->req)->uid;
	struct node *target;
	bool is_new;
	int r;

	if (rename->dir->anchor != from->anchor) {
		pending_reply(rename->pending, -EXDEV);
		return;
	}
	if (over && over->kind != NODE_SCRATCH) {
		replace_run(rename->fs, from->scratch, over, NULL, uid,
			    replaced, rename->pending);
		return;
	}
	if (!over && rename->dir->kind == NODE_NAMES &&
	    !programs_is_draft_name(rename->name)) {
		/* A name that has no records yet. */
		r = tree_open_new(rename->fs, rename->dir, rename->name, 0, 0,
				  fuse_req_ctx(rename->pending->req), &target,
				  &is_new);
		if (r < 0) {
			pending_reply(rename->pending, r);
			return;
		}
		target->created = target->opens > 0;
		pending_keep(rename->pending, target);
		node_put(rename->fs, target, 1);
		replace_run(rename->fs, from->scratch, target, NULL, uid,
			    replaced, rename->pending);
		return;
	}
	r = node_name_is_taken(rename->name) ? -EEXIST : 0;
	if (r == 0)
		r = drafts_rename(rename->fs, from, rename->dir, rename->name);
	if (r == 0 && over && over != from)
		drafts_unlink(rename->fs, over);
	pending_reply(rename->pending, r);
}

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

static char *what_is_renamed(const struct rename *rename)
{
	char from[NAME_TEXT_SIZE + 8], *text;

	node_label(rename->from, from, sizeof(from));
	return asprintf(&text, "%s to %s", from, rename->name) < 0 ? NULL
								   : text;
}

/* Not for EXDEV: mv copies then. */
static void refuse_for(struct rename *rename, int result, const char *reason)
{
	CLEANUP(freep) char *text = what_is_renamed(rename);

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
	pending_reply(pending, node->kind == NODE_NAME ? -EXDEV : -EPERM);
}

/* A line, unless who asks is an editor: it copies then, nothing is wrong. */
static void refuse_backup(struct rename *rename)
{
	struct pending *pending = rename->pending;

	pending->text = what_is_renamed(rename);
	if (pending->text)
		programs_ask_backup(pending->fs, fuse_req_ctx(pending->req),
				    know_who_backs_up, pending);
	else
		pending_reply(pending, -ENOMEM);
}

static void refuse(struct rename *rename, int result)
{
	refuse_for(rename, result, rename_reason(result));
}

/* A file that shows what the nameserver is, and no scratch file. */
static bool is_control(const struct node *node)
{
	return node && node->kind != NODE_SCRATCH && node->kind != NODE_NAME;
}

static void rename_owner(struct rename *rename)
{
	bool is_beside = rename->dir->kind == NODE_NAMES &&
			 rename->dir->anchor == rename->from->anchor;
	bool is_draft = programs_is_draft_name(rename->name);
	struct name from, to;
	const char *why;

	node_owner(rename->from, &from);
	/* After EXDEV mv would copy over the records, then remove the name. */
	if (rename->dir->anchor == rename->from->anchor &&
	    is_control(rename->over)) {
		refuse_for(rename, -EPERM,
			   "the name's records are among those already; cp "
			   "would leave only them");
		return;
	}
	/* mv of the name itself asks with NOREPLACE first, and then copies. */
	if (is_beside && is_draft && !(rename->flags & RENAME_NOREPLACE)) {
		refuse_backup(rename);
		return;
	}
	if (!is_beside || is_draft ||
	    (rename->over && rename->over->kind == NODE_SCRATCH)) {
		pending_reply(rename->pending, -EXDEV);
		return;
	}
	if (name_from_file(rename->name, &to, &why) < 0) {
		anchor_fail(rename->from->anchor, "names", 0, rename->name,
			    why);
		pending_reply(rename->pending, -EINVAL);
		return;
	}
	if (name_equal(&from, &to)) {
		pending_reply(rename->pending, 0);
		return;
	}
	handle_keep_content(rename->from);
	rename->pending->anchor = anchor_ref(rename->from->anchor);
	nameserver_move(rename->from->anchor, &from, &to, pending_done,
			rename->pending);
}

static void anchor_renamed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	if (refusal)
		node_fail(pending->fs, pending->nodes[0], "rename",
			  pending->text, refusal->reason);
	pending_reply(pending, result);
}

static void rename_anchor(struct rename *rename)
{
	struct anchor *anchor = rename->from->anchor, *up;
	int r = 0;

	if (!anchor->parent || rename->dir->kind != NODE_ANCHOR)
		r = -EPERM;
	else if (rename->over && rename->over == rename->from)
		r = 0;
	else if (rename->over)
		r = rename->over->kind == NODE_ANCHOR ||
				    rename->over->kind == NODE_NAMES
			    ? -ENOTEMPTY
			    : -ENOTDIR;
	else if (node_name_is_taken(rename->name))
		r = -EEXIST;
	for (up = rename->dir->anchor; r == 0 && up; up = up->parent)
		if (up == anchor)
			r = -EINVAL; /* into itself */
	if (r == 0 && !rename->over) {
		rename->pending->text = what_is_renamed(rename);
		r = rename->pending->text ? 0 : -ENOMEM;
	}
	if (r < 0)
		refuse(rename, r);
	else if (rename->over)
		pending_reply(rename->pending, 0);
	else
		anchor_rename(anchor, rename->dir->anchor, rename->name,
			      anchor_renamed, rename->pending);
}

static void run(struct rename *rename)
{
	switch (rename->from->kind) {
	case NODE_SCRATCH:
		rename_scratch(rename);
		return;
	case NODE_NAME:
		rename_owner(rename);
		return;
	case NODE_ANCHOR:
		rename_anchor(rename);
		return;
	default:
		if (programs_is_draft_name(rename->name))
			refuse_backup(rename);
		else
			refuse(rename, -EPERM);
	}
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
