// SPDX-License-Identifier: Apache-2.0
/*
 * handle.c - open files: opening, reading, closing
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <utlist.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/files.h"
#include "fs/handle_layout.h"
#include "fs/page.h"
#include "fs/poller.h"
#include "fs/scratch.h"
#include "fs/session.h"
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

/* What it read may be no more by the next read. */
static bool give_up_stream(struct moment *moment)
{
	struct handle *handle = container_of(moment, struct handle, moment);

	handle->stream = stream_close(handle->stream);
	return true;
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
				handle->node, give_up_stream);
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
		buffer_deinit(&handle->content);
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
	moment_close(&handle->moment);
	stream_close(handle->stream);
	snapshot_free(handle->snapshot);
	buffer_deinit(&handle->content);
	page_unref(handle->page);
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
		*out = (off_t)(found->page ? found->page->text.len
					   : found->content.len);
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

void handle_keep_content(struct node *node)
{
	struct handle *handle;
	struct page *page = NULL;

	DL_FOREACH2(node->handles, handle, node_next)
	{
		if ((handle->flags & O_ACCMODE) == O_WRONLY || handle->is_kept)
			continue;
		handle->is_kept = true;
		if (handle->has_content)
			continue;
		/* One text for all that have read nothing yet. */
		if (!page)
			page = page_of(handle->fs, node);
		handle->page = page ? page_ref(page) : NULL;
	}
	page_unref(page);
}

/* ---- Read ---- */

/* What it shows from here on is of now, or later. */
static void handle_was_read(struct handle *handle)
{
	struct name owner;
	bool is_name = handle_kind(handle) == NODE_NAME;

	if (!handle->edit)
		return;
	if (is_name)
		node_owner(handle->node, &owner);
	handle->was_read = staging_mark(&handle->seen, handle->node->anchor,
					is_name ? &owner : NULL) == 0;
}

static void end_stream(struct handle *handle)
{
	moment_end(&handle->moment);
	handle->stream = stream_close(handle->stream);
}

static int begin_stream(struct handle *handle)
{
	int r;

	handle_was_read(handle);
	r = stream_open(&handle->stream, handle->fs, handle->node,
			steal(&handle->snapshot));
	if (r == 0)
		moment_begin(&handle->moment);
	return r;
}

static void read_stream(struct handle *handle, fuse_req_t req, size_t size,
			uint64_t offset)
{
	const uint8_t *data = NULL;
	ssize_t len;
	int r = 0;

	if (offset == 0) {
		end_stream(handle);
		poller_read(handle->poller);
	} else if (handle->moment.late) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (!handle->stream)
		r = begin_stream(handle);
	len = r < 0 ? r : stream_read(handle->stream, offset, size, &data);
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, (const char *)data, (size_t)len);
	/* The end was seen: a snapshot that stays costs disk space. */
	if (len <= 0)
		end_stream(handle);
}

/* Return: whether there was something at @offset. */
static bool reply_part(fuse_req_t req, const struct buffer *text, size_t size,
		       uint64_t offset)
{
	size_t left = offset < text->len ? text->len - offset : 0;

	fuse_reply_buf(req, (const char *)text->data + (left ? offset : 0),
		       left < size ? left : size);
	return left > 0;
}

static void read_small(struct handle *handle, fuse_req_t req, size_t size,
		       uint64_t offset)
{
	struct buffer *content = &handle->content;
	int r = 0;

	if (handle->is_kept && handle->page) {
		reply_part(req, &handle->page->text, size, offset);
		return;
	}
	if (!handle->is_kept && (offset == 0 || !handle->has_content)) {
		handle_was_read(handle);
		content->len = 0;
		r = small_file_render(handle->fs, handle->node, content);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	handle->has_content = reply_part(req, content, size, offset);
}

/* ---- Metrics, whose page may have to be made first ---- */

struct page_call {
	struct handle *handle;
	fuse_req_t req;
	struct fuse_file_info fi; /* of an open */
	size_t size;		  /* of a read */
	uint64_t offset;
};

static void read_page(struct handle *handle, fuse_req_t req, size_t size,
		      uint64_t offset)
{
	handle->is_fresh = false;
	if (!reply_part(req, &handle->page->text, size, offset))
		handle->page = page_unref(handle->page);
}

static void have_page(struct handle *handle, struct page *page)
{
	page_unref(handle->page);
	handle->page = page_ref(page);
}

static void page_to_read(void *arg, struct page *page, int result)
{
	CLEANUP(freep) struct page_call *call = arg;

	call->handle->fs->session->pending--;
	if (result < 0) {
		fuse_reply_err(call->req, -result);
		return;
	}
	have_page(call->handle, page);
	read_page(call->handle, call->req, call->size, call->offset);
}

static void reply_open(struct handle *handle, fuse_req_t req,
		       const struct fuse_file_info *fi)
{
	/* Who asked is no more: nobody will close it. */
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_discard(handle);
}

static void page_to_open(void *arg, struct page *page, int result)
{
	CLEANUP(freep) struct page_call *call = arg;
	struct handle *handle = call->handle;

	handle->fs->session->pending--;
	if (result < 0) {
		handle_discard(handle);
		fuse_reply_err(call->req, -result);
		return;
	}
	have_page(handle, page);
	handle->is_fresh = true;
	reply_open(handle, call->req, &call->fi);
}

static struct page_call *new_call(struct handle *handle, fuse_req_t req)
{
	struct page_call *call = calloc(1, sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	call->handle = handle;
	call->req = req;
	handle->fs->session->pending++;
	return call;
}

static void read_metrics(struct handle *handle, fuse_req_t req, size_t size,
			 uint64_t offset)
{
	struct page_call *call;

	if (handle->page && (offset > 0 || handle->is_fresh)) {
		read_page(handle, req, size, offset);
		return;
	}
	call = new_call(handle, req);
	if (!call)
		return;
	call->size = size;
	call->offset = offset;
	page_get(handle->fs, page_to_read, call);
}

/* Programs read as much as the size says: it is that of what they will read. */
void handle_reply_open(struct handle *handle, fuse_req_t req,
		       const struct fuse_file_info *fi)
{
	struct page_call *call;

	if (handle_kind(handle) != NODE_METRICS) {
		reply_open(handle, req, fi);
		return;
	}
	call = new_call(handle, req);
	if (!call) {
		handle_discard(handle);
		return;
	}
	call->fi = *fi;
	page_get(handle->fs, page_to_open, call);
}

static void read_scratch(struct handle *handle, fuse_req_t req, size_t size,
			 uint64_t offset)
{
	CLEANUP(freep) char *data = malloc(size);
	ssize_t len =
		data ? scratch_read(handle->node->scratch, data, size, offset)
		     : -ENOMEM;

	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, data, (size_t)len);
}

void handle_read(struct handle *handle, fuse_req_t req, size_t size,
		 uint64_t offset, bool waits)
{
	if (handle->watch)
		watch_read(handle->watch, req, size, offset, waits);
	else if (handle->node->anchor->gone)
		fuse_reply_err(req, ENODEV);
	else if (handle_kind(handle) == NODE_SCRATCH)
		read_scratch(handle, req, size, offset);
	else if (handle_kind(handle) == NODE_RECORDS ||
		 handle_kind(handle) == NODE_STAT)
		read_stream(handle, req, size, offset);
	else if (handle_kind(handle) == NODE_METRICS)
		read_metrics(handle, req, size, offset);
	else
		read_small(handle, req, size, offset);
}

void handle_poll(struct handle *handle, fuse_req_t req,
		 struct fuse_pollhandle *poll)
{
	if (handle->watch) {
		watch_poll(handle->watch, req, poll);
	} else if (handle->poller) {
		poller_reply(handle->poller, req, poll);
	} else {
		if (poll)
			fuse_pollhandle_destroy(poll);
		fuse_reply_poll(req,
				POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	}
}
