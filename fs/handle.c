// SPDX-License-Identifier: Apache-2.0
/*
 * handle.c - open files: reading, and the queue of what changes things
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <utlist.h>

#include "fs/addr.h"
#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/drafts.h"
#include "fs/edit.h"
#include "fs/files.h"
#include "fs/handle.h"
#include "fs/page.h"
#include "fs/poller.h"
#include "fs/scratch.h"
#include "fs/session.h"
#include "fs/watch.h"

enum call_kind {
	CALL_WRITE,
	CALL_FLUSH,
	CALL_FSYNC,
	CALL_RELEASE,
};

/* A request that waits for its turn, or has it. */
struct call {
	struct call *next;
	fuse_req_t req;
	enum call_kind kind;
	struct handle *handle;
	pid_t pid; /* whose it is */
	uint64_t offset;
	size_t len;
	char data[];
};

struct handle {
	struct fs *fs;
	struct handle *prev, *next; /* in fs->handles */
	struct node *node;
	int flags;
	bool copies; /* a whole anchor: see handle_open() */

	struct call *calls; /* utlist: the first one has its turn */
	bool busy;

	struct snapshot
		*snapshot;     /* for the first stream: see open_to_read() */
	struct stream *stream; /* of records and stat, between reads */
	struct buffer content; /* of small files, the same */
	bool has_content;
	struct page *page; /* of metrics, the same; a reference */
	bool is_fresh;	   /* it is of the open, and nobody read it yet */

	struct watch *watch;   /* of a log */
	struct poller *poller; /* of a stat */
	struct edit *edit;     /* of records and names */
	struct addr_line line; /* of addr */
};

static enum node_kind kind_of(const struct handle *handle)
{
	return handle->node->kind;
}

static bool takes_records(enum node_kind kind)
{
	return kind == NODE_RECORDS || kind == NODE_NAME;
}

/* ---- Open ---- */

static int truncate_small(struct handle *handle)
{
	if (kind_of(handle) == NODE_ERROR)
		error_ring_clear(&handle->node->anchor->errors);
	if (kind_of(handle) == NODE_SCRATCH)
		return scratch_truncate(handle->fs, handle->node->scratch, 0);
	return 0;
}

int handle_truncate(struct handle *handle)
{
	if (handle->edit)
		return edit_truncate(handle->edit);
	return truncate_small(handle);
}

void handle_set_time(struct fs *fs, const struct node *node, int64_t mtime_ns)
{
	struct handle *handle;

	DL_FOREACH (fs->handles, handle) {
		if (handle->node == node && handle->edit)
			edit_set_time(handle->edit, mtime_ns);
	}
}

static int open_to_write(struct handle *handle)
{
	enum node_kind kind = kind_of(handle);
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
				truncate);
	return truncate ? truncate_small(handle) : 0;
}

/* A reader's place in the store is taken now: a read should not lack one. */
static int open_to_read(struct handle *handle)
{
	int r = 0;

	switch (kind_of(handle)) {
	case NODE_STAT:
		r = poller_new(&handle->poller, handle->fs, handle->node);
		if (r < 0)
			return r;
		/* fall through */
	case NODE_RECORDS:
		return snapshot_new(&handle->snapshot,
				    &handle->fs->host->store.tables);
	case NODE_LOG:
		return watch_new(&handle->watch, handle->fs, handle->node);
	default:
		return 0;
	}
}

int handle_open(struct handle **out, struct fs *fs, struct node *node,
		int flags, bool copies)
{
	struct handle *handle;
	struct stat attr;
	int r = attr_get(fs, node, &attr);

	/* An entry that the kernel believes in may be gone by now. */
	if (r < 0 && !node->created)
		return r;
	r = 0;
	handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	handle->fs = fs;
	handle->node = node;
	handle->flags = flags;
	handle->copies = copies;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		r = open_to_write(handle);
	if (r == 0 && (flags & O_ACCMODE) != O_WRONLY)
		r = open_to_read(handle);
	if (r < 0) {
		edit_free(handle->edit);
		poller_free(handle->poller);
		buffer_deinit(&handle->content);
		free(handle);
		return r;
	}
	node->opens++;
	DL_APPEND(fs->handles, handle);
	*out = handle;
	return 0;
}

void handle_put_back(struct handle *handle, struct buffer *text)
{
	if (handle->edit && text->len)
		edit_put_back(handle->edit, text);
}

void handle_discard(struct handle *handle)
{
	struct node *node = handle->node;
	struct fs *fs = handle->fs;

	DL_DELETE(fs->handles, handle);
	stream_close(handle->stream);
	snapshot_free(handle->snapshot);
	buffer_deinit(&handle->content);
	page_unref(handle->page);
	buffer_deinit(&handle->line.text);
	edit_free(handle->edit);
	watch_free(handle->watch);
	poller_free(handle->poller);
	/* The kernel forgets the node only after its last release. */
	if (--node->opens == 0) {
		node->created = false;
		node->made = false;
	}
	if (node->scratch)
		drafts_let_go(fs, node);
	free(handle);
}

void handle_free_all(struct fs *fs)
{
	while (fs->handles)
		handle_discard(fs->handles);
}

/* ---- Read ---- */

static void read_stream(struct handle *handle, fuse_req_t req, size_t size,
			uint64_t offset)
{
	const uint8_t *data = NULL;
	ssize_t len;
	int r = 0;

	if (offset == 0) {
		handle->stream = stream_close(handle->stream);
		poller_read(handle->poller);
	}
	if (!handle->stream)
		r = stream_open(&handle->stream, handle->fs, handle->node,
				steal(&handle->snapshot));
	len = r < 0 ? r : stream_read(handle->stream, offset, size, &data);
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, (const char *)data, (size_t)len);
	/* The end was seen: a snapshot that stays costs disk space. */
	if (len <= 0)
		handle->stream = stream_close(handle->stream);
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

	if (offset == 0 || !handle->has_content) {
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

	if (kind_of(handle) != NODE_METRICS) {
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
	else if (kind_of(handle) == NODE_SCRATCH)
		read_scratch(handle, req, size, offset);
	else if (kind_of(handle) == NODE_RECORDS ||
		 kind_of(handle) == NODE_STAT)
		read_stream(handle, req, size, offset);
	else if (kind_of(handle) == NODE_METRICS)
		read_metrics(handle, req, size, offset);
	else
		read_small(handle, req, size, offset);
}

/* ---- The queue ---- */

static void run_next(struct handle *handle);

/* The call that had its turn is done, and its request answered here. */
static void finish(void *arg, int result)
{
	struct call *call = arg;
	struct handle *handle = call->handle;
	bool last = call->kind == CALL_RELEASE;

	if (call->kind == CALL_WRITE && result == 0)
		fuse_reply_write(call->req, call->len);
	else /* Nobody sees the error of a release. */
		fuse_reply_err(call->req, last ? 0 : -result);
	handle->fs->session->pending--;
	LL_DELETE(handle->calls, call);
	free(call);
	handle->busy = false;
	if (last)
		handle_discard(handle);
	else
		run_next(handle);
}

/* A copy has its own address, where the one that it is of has the other. */
static void addr_written(void *arg, int result)
{
	struct call *call = arg;

	if (result == -EADDRINUSE && call->handle->copies)
		result = 0;
	finish(call, result);
}

static void write_call(struct call *call)
{
	struct handle *handle = call->handle;
	ssize_t done;

	switch (kind_of(handle)) {
	case NODE_RECORDS:
	case NODE_NAME:
		edit_write(handle->edit, call->data, call->len, finish, call);
		return;
	case NODE_ADDR:
		addr_line_write(&handle->line, handle->node->anchor, call->data,
				call->len, addr_written, call);
		return;
	case NODE_ERROR:
		error_ring_clear(&handle->node->anchor->errors);
		finish(call, 0);
		return;
	case NODE_SCRATCH:
		done = scratch_write(handle->fs, handle->node->scratch,
				     call->data, call->len, call->offset);
		if (done >= 0)
			call->len = (size_t)done;
		finish(call, done < 0 ? (int)done : 0);
		return;
	default:
		/* stat tells of the copy what it is. */
		finish(call, handle->copies ? 0 : -EACCES);
	}
}

static void flush_call(struct call *call)
{
	struct handle *handle = call->handle;

	/* A process that waits for its close can still be looked at. */
	if (handle->edit)
		edit_flush(handle->edit,
			   edit_is_open(handle->edit) &&
				   caller_is_killed(call->pid),
			   finish, call);
	else if (kind_of(handle) == NODE_ADDR)
		addr_line_flush(&handle->line, handle->node->anchor,
				handle->line.text.len &&
					caller_is_killed(call->pid),
				addr_written, call);
	else
		finish(call, 0);
}

static void cleared(void *arg, int result)
{
	struct call *call = arg;

	session_release(call->handle->fs->session);
	finish(call, result);
}

static void release_call(struct call *call)
{
	struct handle *handle = call->handle;

	if (handle->edit && edit_clears(handle->edit)) {
		/* close() has returned: who looks next must find it empty. */
		session_hold(handle->fs->session);
		edit_finish(handle->edit, false, cleared, call);
	} else {
		finish(call, 0);
	}
}

static void run_next(struct handle *handle)
{
	struct call *call = handle->calls;

	if (handle->busy || !call)
		return;
	handle->busy = true;
	if (call->kind == CALL_WRITE && handle->node->anchor->gone)
		finish(call, -ENODEV);
	else if (call->kind == CALL_WRITE)
		write_call(call);
	else if (call->kind == CALL_FLUSH)
		flush_call(call);
	else if (call->kind == CALL_RELEASE)
		release_call(call);
	else
		finish(call, 0); /* What was written is on disk already. */
}

static void submit(struct handle *handle, fuse_req_t req, enum call_kind kind,
		   const char *data, size_t len, uint64_t offset)
{
	struct call *call = malloc(sizeof(*call) + len);

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct call){
		.req = req,
		.kind = kind,
		.handle = handle,
		.pid = fuse_req_ctx(req)->pid,
		.offset = offset,
		.len = len,
	};
	if (len)
		memcpy(call->data, data, len);
	handle->fs->session->pending++;
	LL_APPEND(handle->calls, call);
	run_next(handle);
}

void handle_write(struct handle *handle, fuse_req_t req, const char *data,
		  size_t len, uint64_t offset)
{
	submit(handle, req, CALL_WRITE, data, len, offset);
}

void handle_flush(struct handle *handle, fuse_req_t req)
{
	submit(handle, req, CALL_FLUSH, NULL, 0, 0);
}

void handle_fsync(struct handle *handle, fuse_req_t req)
{
	submit(handle, req, CALL_FSYNC, NULL, 0, 0);
}

void handle_release(struct handle *handle, fuse_req_t req)
{
	submit(handle, req, CALL_RELEASE, NULL, 0, 0);
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
