// SPDX-License-Identifier: Apache-2.0
/*
 * file_all_status.c - transfer/status: the status of all zones, one by one
 *
 * There may be any number of zones, so the text is made in turns (turns.h): as
 * far as somebody reads, and of each zone as it is then. Who reads on goes on
 * behind the zone that he has come to; who reads elsewhere has all before that
 * made again. Its size takes a walk through all of it, too, which a stat(2)
 * waits for.
 *
 * Whoever waits for a change can poll it, as `stat` (poller.h).
 */
#include <assert.h>
#include <errno.h>

#include "anchors/transfer/status.h"
#include "fs/attr.h"
#include "fs/call.h"
#include "fs/pending.h"
#include "fs/poller.h"
#include "fs/text_view.h"
#include "fs/zone_look.h"

struct all_status_file {
	struct handle handle;
	struct poller *poller;
	struct turns_lane lane;
	struct transfer_walk walk;
	uint64_t from; /* where in all of the text does this part begin? */
	struct text_view view; /* it; of what was read only the rest is kept */
};

static struct all_status_file *file_of(struct handle *handle)
{
	return container_of(handle, struct all_status_file, handle);
}

/* One zone more at least. 0; -EAGAIN: time is up; -ENOENT: that was all. */
static int print_some(struct fs *fs, const struct node *node,
		      struct transfer_walk *walk, size_t until_len,
		      uint64_t until_ns, struct buffer *out)
{
	int r = 0;

	while (r == 0 && out->len < until_len) {
		r = transfer_status_next(fs->host, node->anchor, walk, out);
		if (r == 0 && out->len < until_len && uv_hrtime() >= until_ns)
			r = -EAGAIN;
	}
	return r;
}

/* ---- The size ---- */

struct count_call {
	struct turns_lane lane;
	struct turn turn;
	struct pending *pending;
	struct stat st;
	struct transfer_walk walk;
	struct buffer text; /* of a slice */
};

static void end_count(struct count_call *call, int result)
{
	struct pending *pending = call->pending;

	call->st.st_blocks = (call->st.st_size + 511) / 512;
	if (result < 0) {
		pending_reply(pending, result);
	} else {
		fuse_reply_attr(pending->req, &call->st,
				attr_timeout(pending->fs, pending->nodes[0]));
		pending_free(pending);
	}
	buffer_deinit(&call->text);
	free(call);
}

static enum turn_result count_on(struct turn *turn, uint64_t until_ns)
{
	struct count_call *call = container_of(turn, struct count_call, turn);
	int r = print_some(call->pending->fs, call->pending->nodes[0],
			   &call->walk, SIZE_MAX, until_ns, &call->text);

	call->st.st_size += (off_t)call->text.len;
	call->text.len = 0;
	if (r == -EAGAIN)
		return TURN_YIELD;
	end_count(call, r == -ENOENT ? 0 : r);
	return TURN_DONE;
}

static void all_status_getattr(fuse_req_t req, struct node *node,
			       const struct stat *st)
{
	struct pending *pending = pending_new(req);
	struct count_call *call;

	if (!pending)
		return;
	pending_keep(pending, node);
	call = calloc(1, sizeof(*call));
	if (!call) {
		pending_reply(pending, -ENOMEM);
		return;
	}
	call->turn.go = count_on;
	call->pending = pending;
	call->st = *st;
	turns_add(pending->fs, &call->lane, &call->turn);
}

/* ---- Reads ---- */

struct read_call {
	struct turn turn;
	struct all_status_file *file;
	fuse_req_t req;
	size_t size;
	uint64_t offset;
	bool begun;
};

static void rewind_text(struct all_status_file *file)
{
	text_view_drop(&file->view, &file->handle);
	file->walk = (struct transfer_walk){0};
	file->from = 0;
}

/* What stands before @offset is not asked for. */
static void pass_by(struct all_status_file *file, uint64_t offset)
{
	struct buffer *text = &file->view.content;
	size_t passed = text->len;

	assert(file->from <= offset);
	if (offset - file->from < passed)
		passed = (size_t)(offset - file->from);
	if (!passed)
		return;
	memmove(text->data, text->data + passed, text->len - passed);
	text->len -= passed;
	file->from += passed;
}

static int print_on(struct read_call *call, uint64_t until_ns)
{
	struct all_status_file *file = call->file;
	struct buffer *text = &file->view.content;
	int r = 0;

	pass_by(file, call->offset);
	while (r == 0 &&
	       (file->from < call->offset || text->len < call->size)) {
		r = print_some(file->handle.fs, file->handle.node, &file->walk,
			       call->size, until_ns, text);
		pass_by(file, call->offset);
	}
	return r == -ENOENT ? 0 : r;
}

/* The rest, of a zone that was read in part, is held, and that is counted. */
static int hold_rest(struct all_status_file *file, size_t size)
{
	struct text_view *view = &file->view;

	share_give(file->handle.fs, SHARE_TEXT_SIZE, file->handle.uid,
		   view->held);
	view->held = 0;
	return view->content.len > size
		       ? text_view_hold(view, &file->handle, view->content.cap,
					true)
		       : 0;
}

static void end_read(struct read_call *call)
{
	struct all_status_file *file = call->file;
	struct buffer *text = &file->view.content;
	int r = hold_rest(file, call->size);

	if (r < 0) {
		fuse_reply_err(call->req, -r);
		rewind_text(file);
		return;
	}
	text_reply_part(call->req, text, call->size, call->offset - file->from);
	pass_by(file, call->offset + call->size);
	if (!text->len)
		text_view_drop(&file->view, &file->handle);
}

static enum turn_result read_on(struct turn *turn, uint64_t until_ns)
{
	struct read_call *call = container_of(turn, struct read_call, turn);
	struct all_status_file *file = call->file;
	int r;

	if (!call->begun && (!call->offset || call->offset < file->from))
		rewind_text(file);
	if (!call->begun && !call->offset)
		poller_read(file->poller);
	call->begun = true;
	r = print_on(call, until_ns);
	if (r == -EAGAIN)
		return TURN_YIELD;
	if (r < 0)
		fuse_reply_err(call->req, -r);
	else
		end_read(call);
	free(call);
	return TURN_DONE;
}

static void all_status_read(struct handle *handle, fuse_req_t req, size_t size,
			    uint64_t offset, bool waits)
{
	struct read_call *call = calloc(1, sizeof(*call));

	(void)waits;
	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct read_call){
		.turn.go = read_on,
		.file = file_of(handle),
		.req = req,
		.size = size,
		.offset = offset,
	};
	turns_add(handle->fs, &call->file->lane, &call->turn);
}

/* ---- Open files ---- */

static int all_status_open(struct handle *handle)
{
	return handle_reads(handle) ? poller_new(&file_of(handle)->poller,
						 handle->fs, handle->node,
						 true)
				    : 0;
}

static void all_status_close(struct handle *handle)
{
	poller_free(file_of(handle)->poller);
	text_view_drop(&file_of(handle)->view, handle);
}

static void all_status_poll(struct handle *handle, fuse_req_t req,
			    struct fuse_pollhandle *poll)
{
	struct poller *poller = file_of(handle)->poller;

	if (poller)
		poller_reply(poller, req, poll);
	else
		handle_is_ready(req, poll);
}

/* Only for who copies a whole anchor: it tells of the copy what it is. */
static void all_status_write(struct call *call)
{
	call_finish(call, 0);
}

const struct node_kind file_all_status = {
	.name = "status",
	.number = 29,
	.in_transfer = true,
	.mask = 0444,
	.is_fleeting = true,
	.is_sized_late = true,
	.getattr = all_status_getattr,
	.label = zone_label,
	.open_size = sizeof(struct all_status_file),
	.open = all_status_open,
	.close = all_status_close,
	.read = all_status_read,
	.poll = all_status_poll,
	.write = all_status_write,
};
