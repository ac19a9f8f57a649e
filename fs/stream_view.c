// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "fs/stream_view.h"

/* ---- The moment ---- */

/* What is read goes on no more: see stream_call's step(). */
static bool give_up(struct moment *moment)
{
	struct stream_view *view =
		container_of(moment, struct stream_view, moment);

	view->stream = stream_close(view->stream);
	return true;
}

static int take_place(struct stream_view *view)
{
	struct handle *handle = view->handle;

	return moment_open(&view->moment, handle->fs, handle->uid, handle->node,
			   give_up);
}

int stream_view_init(struct stream_view *view, struct handle *handle,
		     const struct stream_view_kind *kind)
{
	int r;

	view->handle = handle;
	view->kind = kind;
	if (!kind->keeps_place)
		return 0;
	r = take_place(view);
	if (r < 0)
		return r;
	return snapshot_new(&view->snapshot, &handle->fs->host->store.tables);
}

void stream_view_deinit(struct stream_view *view)
{
	assert(!view->lane.turns);
	view->stream = stream_close(view->stream);
	moment_close(&view->moment);
	view->snapshot = snapshot_free(view->snapshot);
}

static int open_stream(struct stream_view *view)
{
	struct handle *handle = view->handle;
	struct snapshot *snapshot = steal(&view->snapshot);

	if (view->kind->open)
		return view->kind->open(&view->stream, handle, snapshot);
	return stream_open(&view->stream, handle->fs, handle->node, NULL,
			   snapshot);
}

int stream_view_begin(struct stream_view *view)
{
	int r = view->moment.fs ? 0 : take_place(view);

	assert(!view->stream);
	if (r == 0)
		r = open_stream(view);
	if (r == 0)
		moment_begin(&view->moment);
	return r;
}

void stream_view_end(struct stream_view *view)
{
	view->stream = stream_close(view->stream);
	if (view->kind->keeps_place)
		moment_end(&view->moment);
	else
		moment_close(&view->moment);
}

/* ---- Reads ---- */

/* A read(2) on its way. */
struct stream_call {
	struct turn turn;
	struct stream_view *view;
	fuse_req_t req;
	bool begun;
	struct dump_read read;
};

/* The moment is that of the first read, or a new one. */
static int begin(struct stream_call *call)
{
	struct stream_view *view = call->view;

	call->begun = true;
	if (view->is_fixed)
		return 0;
	if (call->read.offset == 0)
		stream_view_end(view);
	else if (view->moment.late)
		return -ESTALE;
	if (view->stream)
		return 0;
	view->kind->begins(view->handle, call->read.offset);
	return stream_view_begin(view);
}

static enum turn_result end(struct stream_call *call, int result)
{
	bool is_end = result < 0 || !call->read.len;

	if (result < 0)
		fuse_reply_err(call->req, -result);
	else
		fuse_reply_buf(call->req, (const char *)call->read.data,
			       call->read.len);
	call->read.text->len = 0;
	/* The end was seen: a snapshot that stays costs disk space. */
	if (is_end && !call->view->is_fixed)
		stream_view_end(call->view);
	free(call);
	return TURN_DONE;
}

static enum turn_result step(struct turn *turn, uint64_t until_ns)
{
	struct stream_call *call = container_of(turn, struct stream_call, turn);
	struct stream_view *view = call->view;
	int r = 0;

	if (view->handle->node->anchor->gone)
		r = -ENODEV;
	else if (!call->begun)
		r = begin(call);
	/* What it was about to read was given up between two turns. */
	if (r == 0 && !view->stream)
		r = -ESTALE;
	if (r == 0)
		r = stream_read(view->stream, &call->read, until_ns);
	if (r == -EAGAIN)
		return call->read.text->len ? TURN_KEEP : TURN_YIELD;
	return end(call, r);
}

/*
 * No FUSE_INTERRUPT is looked at: it comes with any signal, and programs do
 * not expect EINTR of a plain file.
 */
void stream_view_read(struct stream_view *view, fuse_req_t req, size_t size,
		      uint64_t offset)
{
	struct stream_call *call = calloc(1, sizeof(*call));
	struct fs *fs = view->handle->fs;

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	call->turn.go = step;
	call->view = view;
	call->req = req;
	call->read.offset = offset;
	call->read.size = size;
	call->read.text = &fs->commons->turns.text;
	turns_add(fs, &view->lane, &call->turn);
}
