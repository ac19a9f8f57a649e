// SPDX-License-Identifier: Apache-2.0
/*
 * handle_read.c - open files: reading
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <utlist.h>

#include "fs/files.h"
#include "fs/handle_layout.h"
#include "fs/page.h"
#include "fs/poller.h"
#include "fs/scratch.h"
#include "fs/session.h"
#include "fs/watch.h"

/* ---- What is held of it ---- */

static void drop_text(struct handle *handle)
{
	buffer_deinit(&handle->content);
	handle->page = page_unref(handle->page);
	handle->has_content = false;
	share_give(handle->fs, SHARE_TEXT_SIZE, handle->uid, handle->held);
	handle->held = 0;
}

static void end_stream(struct handle *handle)
{
	handle->stream = stream_close(handle->stream);
	/* A name's file may go on without one. */
	if (handle_kind(handle) == NODE_NAME)
		moment_close(&handle->moment);
	else
		moment_end(&handle->moment);
}

void handle_drop_content(struct handle *handle)
{
	drop_text(handle);
	end_stream(handle);
}

bool handle_give_up(struct moment *moment)
{
	struct handle *handle = container_of(moment, struct handle, moment);

	handle->stream = stream_close(handle->stream);
	return true;
}

static int begin_stream(struct handle *handle)
{
	int r = 0;

	if (!handle->moment.fs)
		r = moment_open(&handle->moment, handle->fs, handle->uid,
				handle->node, handle_give_up);
	if (r == 0)
		r = stream_open(&handle->stream, handle->fs, handle->node,
				steal(&handle->snapshot));
	if (r == 0)
		moment_begin(&handle->moment);
	return r;
}

/* Count what it holds by now. If there is no room for that, it is to drop it.
 */
static int hold_text(struct handle *handle, bool tells)
{
	uint64_t octets =
		handle->page ? handle->page->text.len : handle->content.cap;
	char label[NAME_TEXT_SIZE + 8];
	int r;

	node_label(handle->node, label, sizeof(label));
	r = share_take(handle->fs, SHARE_TEXT_SIZE, handle->uid, octets,
		       tells ? handle->node->anchor : NULL, label);
	if (r == 0)
		handle->held = octets;
	return r;
}

uint64_t handle_content_size(const struct handle *handle)
{
	if (handle->page)
		return handle->page->text.len;
	return handle->stream ? stream_size(handle->stream)
			      : handle->content.len;
}

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

/* Nobody is refused for a lack of room: there is a place in the store, too. */
static int keep(struct handle *handle, struct page *page)
{
	if (page) {
		handle->page = page_ref(page);
		if (hold_text(handle, false) == 0)
			return 0;
		drop_text(handle);
	}
	return begin_stream(handle);
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
		if (handle->has_content || handle->stream)
			continue;
		/* One text for all that have read nothing yet. */
		if (!page)
			page = page_of(handle->fs, node);
		handle->kept_result = keep(handle, page);
	}
	page_unref(page);
}

/* ---- Streams ---- */

struct stream_call {
	struct turn turn;
	struct handle *handle;
	fuse_req_t req;
	bool begun;
	struct dump_read read;
};

/* The moment is that of the first read, or a new one. */
static int begin_read(struct stream_call *call)
{
	struct handle *handle = call->handle;

	call->begun = true;
	if (handle->is_kept)
		return 0;
	if (call->read.offset == 0) {
		handle_drop_content(handle);
		poller_read(handle->poller);
	} else if (handle->moment.late) {
		return -ESTALE;
	}
	if (handle->stream)
		return 0;
	handle_was_read(handle);
	return begin_stream(handle);
}

static enum turn_result end_read(struct stream_call *call, int result)
{
	struct handle *handle = call->handle;
	bool is_end = result < 0 || !call->read.len;

	if (result < 0)
		fuse_reply_err(call->req, -result);
	else
		fuse_reply_buf(call->req, (const char *)call->read.data,
			       call->read.len);
	call->read.text->len = 0;
	/* The end was seen: a snapshot that stays costs disk space. */
	if (is_end && !handle->is_kept)
		handle_drop_content(handle);
	free(call);
	return TURN_DONE;
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct stream_call *call = container_of(turn, struct stream_call, turn);
	struct handle *handle = call->handle;
	int r = 0;

	if (handle->node->anchor->gone)
		r = -ENODEV;
	else if (!call->begun)
		r = begin_read(call);
	/* What it was about to read is no more. */
	if (r == 0 && !handle->stream)
		r = -ESTALE;
	if (r == 0)
		r = stream_read(handle->stream, &call->read, until_ns);
	if (r == -EAGAIN)
		return call->read.text->len ? TURN_KEEP : TURN_YIELD;
	return end_read(call, r);
}

/*
 * No FUSE_INTERRUPT is looked at: it comes with any signal, and programs do
 * not expect EINTR of a plain file.
 */
static void read_stream(struct handle *handle, fuse_req_t req, size_t size,
			uint64_t offset)
{
	struct stream_call *call = calloc(1, sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	call->turn.go = go_on;
	call->handle = handle;
	call->req = req;
	call->read.offset = offset;
	call->read.size = size;
	call->read.text = &handle->fs->turns.text;
	turns_add(handle->fs, &handle->lane, &call->turn);
}

/* ---- Small files ---- */

/* Return: whether there was something at @offset. */
static bool reply_part(fuse_req_t req, const struct buffer *text, size_t size,
		       uint64_t offset)
{
	size_t left = offset < text->len ? text->len - offset : 0;

	fuse_reply_buf(req, (const char *)text->data + (left ? offset : 0),
		       left < size ? left : size);
	return left > 0;
}

static int take_content(struct handle *handle)
{
	drop_text(handle);
	handle_was_read(handle);
	return small_file_render(handle->fs, handle->node, SMALL_NAME_MAX,
				 &handle->content);
}

static void reply_content(struct handle *handle, fuse_req_t req, size_t size,
			  uint64_t offset)
{
	handle->has_content = reply_part(req, &handle->content, size, offset);
	if (!handle->has_content && !handle->is_kept)
		drop_text(handle);
}

static void read_small(struct handle *handle, fuse_req_t req, size_t size,
		       uint64_t offset)
{
	bool is_all = false;
	int r = 0;

	if (offset == 0 || !handle->has_content) {
		r = take_content(handle);
		/* Who is given all of it at once, and then its end, is never
		 * refused. */
		is_all = r == 0 &&
			 handle->content.len <= (offset ? offset : size);
		if (r == 0)
			r = hold_text(handle, !is_all);
	}
	if (r == 0 || is_all)
		reply_content(handle, req, size, offset);
	else
		fuse_reply_err(req, -r);
	if (r < 0)
		drop_text(handle);
}

/* A small one's text is held; of any other, a moment, as of records. */
static void read_name(struct handle *handle, fuse_req_t req, size_t size,
		      uint64_t offset)
{
	bool streams = handle->stream || handle->lane.turns ||
		       (handle->moment.late && offset);
	int r = 0;

	if (handle->is_kept && handle->kept_result < 0) {
		fuse_reply_err(req, -handle->kept_result);
		return;
	}
	if (handle->is_kept && handle->page) {
		reply_part(req, &handle->page->text, size, offset);
		return;
	}
	if (!handle->is_kept && !handle->lane.turns &&
	    (offset == 0 || (!handle->has_content && !streams))) {
		handle_drop_content(handle);
		handle->moment.late = false;
		r = take_content(handle);
		if (r == 0)
			r = hold_text(handle, false);
		streams = r == -EFBIG || r == -EMFILE;
		if (r < 0)
			drop_text(handle);
	}
	if (streams)
		read_stream(handle, req, size, offset);
	else if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_content(handle, req, size, offset);
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
		drop_text(handle);
}

/* It is not counted: who looks after the host sees it whatever others hold. */
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

/* ---- All of them ---- */

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
	else if (handle_kind(handle) == NODE_NAME)
		read_name(handle, req, size, offset);
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
