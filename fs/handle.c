// SPDX-License-Identifier: Apache-2.0
/*
 * handle.c - open files: opening, closing, and what they mean for others
 *
 * What is the same for all of them. What an open file shows and takes is its
 * kind's (kind.h); what is done to it one after the other, handle_queue.c's.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <utlist.h>

#include "fs/attr.h"
#include "fs/editing.h"
#include "fs/scratch.h"

/* ---- Open ---- */

/*
 * Modes do not stop root. A read-only file that has a write() has it for those
 * who copy a whole anchor.
 */
static int check_writing(struct handle *handle)
{
	const struct node_kind *kind = handle->node->kind;

	if (!handle_writes(handle) || !kind_is_read_only(kind) ||
	    (kind->write && handle->copies))
		return 0;
	node_refuse(handle->fs, handle->node, "open",
		    "it is only read; write to records or addr");
	return -EACCES;
}

/* About 4 KiB each, without what it holds of a text. */
static int count_open(struct fs *fs, const struct node *node, uid_t uid)
{
	char label[NODE_LABEL_SIZE];

	node_label(node, label, sizeof(label));
	return share_take(fs, SHARE_OPEN_FILES, uid, 1, node->anchor, label);
}

static struct handle *handle_new(struct fs *fs, struct node *node, int flags,
				 const struct fuse_ctx *opener, bool copies)
{
	size_t size = node->kind->open_size;
	struct handle *handle = calloc(1, size ? size : sizeof(*handle));

	assert(!size || size >= sizeof(*handle));
	if (!handle)
		return NULL;
	handle->fs = fs;
	handle->node = node;
	handle->flags = flags;
	handle->opener = opener->pid;
	handle->uid = opener->uid;
	handle->copies = copies;
	return handle;
}

/* What it has of what all share, and its kind has for it. */
static void handle_free(struct handle *handle)
{
	if (handle->node->kind->close)
		handle->node->kind->close(handle);
	share_give(handle->fs, SHARE_OPEN_FILES, handle->uid, 1);
	free(handle);
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
	handle = handle_new(fs, node, flags, opener, copies);
	if (!handle) {
		share_give(fs, SHARE_OPEN_FILES, opener->uid, 1);
		return -ENOMEM;
	}
	r = check_writing(handle);
	if (r == 0 && node->kind->open)
		r = node->kind->open(handle);
	if (r < 0) {
		handle_free(handle);
		return r;
	}
	node->opens++;
	if (node->scratch)
		scratch_opened(node->scratch);
	DL_APPEND2(node->handles, handle, node_prev, node_next);
	DL_APPEND(fs->handles, handle);
	*out = handle;
	return 0;
}

static struct editing *editing_of(struct handle *handle)
{
	const struct node_kind *kind = handle->node->kind;

	return kind->editing ? kind->editing(handle) : NULL;
}

void handle_put_back(struct handle *handle, struct buffer *text)
{
	struct editing *editing = editing_of(handle);

	if (editing && editing->edit && text->len)
		edit_put_back(editing->edit, text);
}

void handle_to_info(struct handle *handle, struct fuse_file_info *fi)
{
	fi->fh = (uintptr_t)handle;
	/* Contents change without the kernel's knowing. */
	fi->direct_io = 1;
}

void handle_opened(struct handle *handle, fuse_req_t req,
		   const struct fuse_file_info *fi)
{
	/* Who asked is no more: nobody will close it. */
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_discard(handle);
}

void handle_reply_open(struct handle *handle, fuse_req_t req,
		       const struct fuse_file_info *fi)
{
	if (handle->node->kind->reply_open)
		handle->node->kind->reply_open(handle, req, fi);
	else
		handle_opened(handle, req, fi);
}

void handle_set_made(struct handle *handle)
{
	handle->made = true;
}

void handle_discard(struct handle *handle)
{
	struct node *node = handle->node;
	struct fs *fs = handle->fs;

	assert(!handle->busy && !handle->calls);
	DL_DELETE(fs->handles, handle);
	DL_DELETE2(node->handles, handle, node_prev, node_next);
	handle_free(handle);
	/* The kernel forgets the node only after its last release. */
	assert(node->opens > 0);
	if (--node->opens == 0)
		node->created = false;
	assert(!node->opens == !node->handles);
	if (node->scratch)
		scratch_closed(node->scratch);
}

void handle_free_all(struct fs *fs)
{
	while (fs->handles)
		handle_discard(fs->handles);
}

/* ---- Read and poll ---- */

void handle_read(struct handle *handle, fuse_req_t req, size_t size,
		 uint64_t offset, bool waits)
{
	const struct node_kind *kind = handle->node->kind;

	if (handle->node->anchor->gone && !kind->has_end)
		fuse_reply_err(req, ENODEV);
	else
		kind->read(handle, req, size, offset, waits);
}

void handle_is_ready(fuse_req_t req, struct fuse_pollhandle *poll)
{
	if (poll)
		fuse_pollhandle_destroy(poll);
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

void handle_poll(struct handle *handle, fuse_req_t req,
		 struct fuse_pollhandle *poll)
{
	if (handle->node->kind->poll)
		handle->node->kind->poll(handle, req, poll);
	else
		handle_is_ready(req, poll);
}

/* ---- What open files mean for their node ---- */

bool handle_is_pending(struct handle *handle)
{
	const struct node_kind *kind = handle->node->kind;

	return kind->is_pending && kind->is_pending(handle);
}

bool handle_is_blank(struct handle *handle)
{
	const struct editing *editing = editing_of(handle);

	return editing && editing->edit && !editing->rewrite &&
	       edit_clears(editing->edit);
}

static bool is_replacing(struct handle *handle)
{
	struct editing *editing = editing_of(handle);

	if (handle->node->kind->replaces)
		return handle->node->kind->replaces(handle);
	return editing && editing_replaces(editing);
}

/* Return: whether the descriptor has another size than all others. */
static bool own_size(struct handle *handle, uint64_t *out)
{
	const struct node_kind *kind = handle->node->kind;
	struct editing *editing = editing_of(handle);
	bool replaces = editing && editing_replaces(editing);

	/* What is changed in place shows more than what it was. */
	if (replaces && editing->rewrite)
		*out = editing_size(editing);
	else if (kind->kept_size && kind->kept_size(handle, out))
		return true;
	else if (replaces)
		*out = editing_size(editing);
	return replaces;
}

bool handle_replaces(const struct node *node, uid_t uid)
{
	struct handle *handle;

	DL_FOREACH2 (node->handles, handle, node_next) {
		if (handle->uid == uid &&
		    (is_replacing(handle) || handle->made))
			return true;
	}
	return false;
}

bool handle_is_replaced(const struct node *node)
{
	struct handle *handle;
	uint64_t size;

	DL_FOREACH2 (node->handles, handle, node_next) {
		if (own_size(handle, &size))
			return true;
	}
	return false;
}

pid_t handle_writer(const struct node *node, uid_t uid)
{
	struct handle *handle;
	uint64_t size;
	pid_t last = 0;

	DL_FOREACH2 (node->handles, handle, node_next) {
		if (handle->uid == uid && own_size(handle, &size))
			last = handle->writers.last ? handle->writers.last
						    : handle->opener;
	}
	return last;
}

bool handle_size(const struct node *node, pid_t pid, off_t *out)
{
	struct handle *handle;
	bool found = false;
	uint64_t size;

	if (!pid)
		return false;
	DL_FOREACH2 (node->handles, handle, node_next) {
		if ((handle->opener != pid && handle->writers.last != pid) ||
		    !own_size(handle, &size))
			continue;
		*out = (off_t)size;
		found = true;
	}
	return found;
}

void handle_set_time(const struct node *node, int64_t mtime_ns)
{
	struct editing *editing;
	struct handle *handle;

	DL_FOREACH2 (node->handles, handle, node_next) {
		editing = editing_of(handle);
		if (editing)
			editing_set_time(editing, mtime_ns);
	}
}
