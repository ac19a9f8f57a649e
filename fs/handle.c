// SPDX-License-Identifier: Apache-2.0
/*
 * handle.c - open files: opening, closing, and what they mean for others
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/handle_layout.h"
#include "fs/poller.h"
#include "fs/scratch.h"
#include "fs/watch.h"

static bool takes_records(enum node_kind kind)
{
	return kind == NODE_RECORDS || kind == NODE_NAME;
}

/* ---- Open ---- */

static int truncate_small(struct handle *handle)
{
	if (handle_kind(handle) == NODE_ERROR)
		error_ring_clear(&handle->node->anchor->errors);
	if (handle_kind(handle) == NODE_SCRATCH)
		return scratch_truncate(handle->fs, handle->node->scratch, 0);
	return 0;
}

static int open_to_write(struct handle *handle)
{
	enum node_kind kind = handle_kind(handle);
	bool truncate = handle->flags & O_TRUNC;
	char label[NAME_TEXT_SIZE + 8];

	/* Modes do not stop root. */
	if (kind == NODE_STAT && handle->copies)
		return 0;
	if (node_is_read_only(handle->node)) {
		node_label(handle->node, label, sizeof(label));
		node_fail(handle->fs, handle->node, "open", label,
			  "it is only read; write to records or addr");
		return -EACCES;
	}
	if (takes_records(kind))
		return edit_new(&handle->edit, handle->fs, handle->node,
				handle->uid, truncate);
	return truncate ? truncate_small(handle) : 0;
}

/* A reader's place in the store is taken now: a read should not lack one. */
static int open_to_read(struct handle *handle)
{
	int r = 0;

	switch (handle_kind(handle)) {
	case NODE_STAT:
		r = poller_new(&handle->poller, handle->fs, handle->node);
		if (r < 0)
			return r;
		/* fall through */
	case NODE_RECORDS:
		r = moment_open(&handle->moment, handle->fs, handle->uid,
				handle->node, handle_give_up);
		if (r < 0)
			return r;
		return snapshot_new(&handle->snapshot,
				    &handle->fs->host->store.tables);
	case NODE_LOG:
		return watch_new(&handle->watch, handle->fs, handle->node,
				 handle->uid);
	default:
		return 0;
	}
}

/* About 4 KiB each, without what it holds of a text. */
static int count_open(struct fs *fs, const struct node *node, uid_t uid)
{
	char label[NAME_TEXT_SIZE + 8];

	node_label(node, label, sizeof(label));
	return share_take(fs, SHARE_OPEN_FILES, uid, 1, node->anchor, label);
}

int handle_open(struct handle **out, struct fs *fs, struct node *node,
		int flags, const struct fuse_ctx *opener, bool copies)
{
	struct handle *handle;
	struct stat attr;
	int r = attr_get(fs, node, &attr);

	/* An entry that the kernel believes in may be gone by now. */
	if (r < 0 && !node->created)
		return r;
	r = count_open(fs, node, opener->uid);
	if (r < 0)
		return r;
	handle = calloc(1, sizeof(*handle));
	if (!handle) {
		share_give(fs, SHARE_OPEN_FILES, opener->uid, 1);
		return -ENOMEM;
	}
	handle->fs = fs;
	handle->node = node;
	handle->flags = flags;
	handle->opener = opener->pid;
	handle->uid = opener->uid;
	handle->line.by = (struct addr_by){fs, opener->uid};
	handle->copies = copies;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		r = open_to_write(handle);
	if (r == 0 && (flags & O_ACCMODE) != O_WRONLY)
		r = open_to_read(handle);
	if (r < 0) {
		share_give(fs, SHARE_OPEN_FILES, handle->uid, 1);
		edit_free(handle->edit);
		poller_free(handle->poller);
		moment_close(&handle->moment);
		free(handle);
		return r;
	}
	node->opens++;
	DL_APPEND2(node->handles, handle, node_prev, node_next);
	DL_APPEND(fs->handles, handle);
	*out = handle;
	return 0;
}

void handle_put_back(struct handle *handle, struct buffer *text)
{
	if (handle->edit && text->len)
		edit_put_back(handle->edit, text);
}

void handle_set_made(struct handle *handle)
{
	handle->made = true;
}

void handle_discard(struct handle *handle)
{
	struct node *node = handle->node;
	struct fs *fs = handle->fs;

	DL_DELETE(fs->handles, handle);
	DL_DELETE2(node->handles, handle, node_prev, node_next);
	assert(!handle->lane.turns);
	handle_drop_content(handle);
	moment_close(&handle->moment);
	snapshot_free(handle->snapshot);
	buffer_deinit(&handle->line.text);
	edit_free(handle->edit);
	rewrite_free(handle->rewrite);
	watch_free(handle->watch);
	poller_free(handle->poller);
	/* The kernel forgets the node only after its last release. */
	if (--node->opens == 0) {
		node->created = false;
	}
	if (node->scratch)
		drafts_let_go(fs, node);
	share_give(fs, SHARE_OPEN_FILES, handle->uid, 1);
	free(handle);
}

void handle_free_all(struct fs *fs)
{
	while (fs->handles)
		handle_discard(fs->handles);
}

/* ---- What open files mean for their node ---- */

static bool is_replacing(const struct handle *handle)
{
	return handle->rewrite ||
	       (handle->edit && edit_is_replacing(handle->edit));
}

bool handle_replaces(const struct node *node, uid_t uid)
{
	const struct handle *handle;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if (handle->uid == uid &&
		    (is_replacing(handle) || handle->made))
			return true;
	}
	return false;
}

bool handle_is_replaced(const struct node *node)
{
	const struct handle *handle;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if (is_replacing(handle) || handle->is_kept)
			return true;
	}
	return false;
}

pid_t handle_writer(const struct node *node, uid_t uid)
{
	const struct handle *handle;
	pid_t last = 0;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if (handle->uid == uid &&
		    (is_replacing(handle) || handle->is_kept))
			last = handle->writer ? handle->writer : handle->opener;
	}
	return last;
}

bool handle_size(const struct node *node, pid_t pid, off_t *out)
{
	const struct handle *handle, *found = NULL;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if (pid && (handle->opener == pid || handle->writer == pid) &&
		    (is_replacing(handle) || handle->is_kept))
			found = handle;
	}
	if (!found)
		return false;
	if (found->rewrite)
		*out = (off_t)rewrite_size(found->rewrite);
	else if (found->is_kept)
		*out = (off_t)handle_content_size(found);
	else
		*out = (off_t)edit_at(found->edit);
	return true;
}

void handle_set_time(const struct node *node, int64_t mtime_ns)
{
	struct handle *handle;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if (handle->rewrite)
			rewrite_set_time(handle->rewrite, mtime_ns);
		else if (handle->edit)
			edit_set_time(handle->edit, mtime_ns);
	}
}
