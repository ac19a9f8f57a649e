// SPDX-License-Identifier: Apache-2.0
/*
 * handle_queue.c - open files: what changes things, one call after the other
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "fs/attr.h"
#include "fs/caller.h"
#include "fs/handle_layout.h"
#include "fs/programs/programs.h"
#include "fs/scratch.h"
#include "fs/session.h"

/* So much text is read and published within a millisecond or two. */
#define HOLD_OCTETS 65536

enum call_kind {
	CALL_WRITE,
	CALL_FLUSH,
	CALL_FSYNC,
	CALL_TRUNCATE,
	CALL_RELEASE,
};

/* A request that waits for its turn, or has it. */
struct call {
	struct call *next;
	fuse_req_t req; /* NULL: done is called instead */
	handle_done *done;
	void *arg;
	enum call_kind kind;
	struct handle *handle;
	struct fuse_ctx caller;
	uint64_t owner;	 /* of a write or a flush: the kernel's lock_owner */
	uint64_t offset; /* of a truncation: the size */
	size_t len;
	uint64_t turn; /* of the request */
	bool publishes;
	bool holds; /* requests about its anchor: */
	struct hold hold;
	bool is_ending; /* who closes */
	int result;
	char data[];
};

/* ---- Who writes ---- */

/*
 * A child has another table of files than its parent, and closes what it
 * inherits without a word about the text. Threads have the same one.
 */
static void note_writer(struct handle *handle, const struct call *call)
{
	handle->writer = call->caller.pid;
	handle->unflushed = true;
	for (unsigned i = 0; i < handle->writer_count; i++)
		if (i < HANDLE_WRITERS && handle->writers[i] == call->owner)
			return;
	if (handle->writer_count < HANDLE_WRITERS)
		handle->writers[handle->writer_count] = call->owner;
	if (handle->writer_count <= HANDLE_WRITERS)
		handle->writer_count++;
}

/* Another table may have the same number, once this one is gone. */
static void forget_writer(struct handle *handle, const struct call *call)
{
	unsigned *count = &handle->writer_count;

	for (unsigned i = 0; *count <= HANDLE_WRITERS && i < *count; i++)
		if (handle->writers[i] == call->owner)
			handle->writers[i] = handle->writers[--*count];
}

static bool has_written(const struct handle *handle, const struct call *call)
{
	if (handle->writer_count > HANDLE_WRITERS ||
	    (handle->cutter && handle->cutter == call->caller.pid))
		return true;
	for (unsigned i = 0; i < handle->writer_count; i++)
		if (handle->writers[i] == call->owner)
			return true;
	return false;
}

/* ---- The end of a call ---- */

static void run_next(struct handle *handle);

static void reply(struct call *call, int result)
{
	struct handle *handle = call->handle;
	struct session *session = handle->fs->session;
	bool last = call->kind == CALL_RELEASE;

	/* Who was refused hears of it at each close, as long as it lives. */
	if (call->kind == CALL_FLUSH && (result == 0 || call->is_ending))
		forget_writer(handle, call);
	if (result == 0 && call->kind == CALL_FLUSH &&
	    (call->publishes ||
	     (handle->made && handle->writer == call->caller.pid)))
		programs_replaced(handle->fs, handle->node, &call->caller);
	if (call->kind == CALL_TRUNCATE)
		call->done(call->arg, result);
	else if (call->kind == CALL_WRITE && result == 0)
		fuse_reply_write(call->req, call->len);
	else /* Nobody sees the error of a release. */
		fuse_reply_err(call->req, last ? 0 : -result);
	LL_DELETE(handle->calls, call);
	handle->busy = false;
	if (last)
		handle_discard(handle);
	else
		run_next(handle);
	if (call->holds)
		session_release(session, &call->hold);
	session->pending--;
	free(call);
}

static void refusal_noted(void *arg, bool noted)
{
	struct call *call = arg;

	(void)noted;
	reply(call, call->result);
}

/* The call that had its turn is done, and its request answered here. */
static void finish(void *arg, int result)
{
	struct call *call = arg;

	call->result = result;
	if (result < 0 && call->kind != CALL_RELEASE)
		programs_refused(call->handle->fs, call->handle->node,
				 &call->caller, refusal_noted, call);
	else
		reply(call, result);
}

static void refuse(struct call *call, int result, const char *act,
		   const char *reason)
{
	struct handle *handle = call->handle;
	char label[NAME_TEXT_SIZE + 8];

	node_label(handle->node, label, sizeof(label));
	node_fail(handle->fs, handle->node, act, label, reason);
	if (handle->rewrite)
		rewrite_refuse(handle->rewrite, result);
	if (handle->edit)
		edit_refuse(handle->edit, result, finish, call);
	else
		finish(call, result);
}

/* ---- Records: append, replace, or change in place ---- */

static void refuse_hole(struct call *call)
{
	refuse(call, -EINVAL, "write",
	       "behind the end of the text: a file with a hole is no zone "
	       "file");
}

static void rewritten(struct call *call)
{
	struct rewrite *rewrite = call->handle->rewrite;
	int r = rewrite_write(rewrite, call->data, call->len, call->offset);

	if (r == -EINVAL) {
		refuse_hole(call);
		return;
	}
	if (r < 0)
		rewrite_refuse(rewrite, r);
	finish(call, r);
}

static void have_text(void *arg, int result)
{
	struct call *call = arg;
	struct handle *handle = call->handle;

	if (result < 0) {
		refuse(call, result, "write", strerror(-result));
		return;
	}
	/* It is shorter than it was: then nothing is changed. */
	if (call->offset > rewrite_size(handle->rewrite)) {
		handle->rewrite = rewrite_free(handle->rewrite);
		refuse_hole(call);
		return;
	}
	rewritten(call);
}

static void begin_rewrite(struct call *call, rewrite_done *done)
{
	struct handle *handle = call->handle;
	bool is_name = handle_kind(handle) == NODE_NAME;
	struct staging_mark seen = handle->seen;
	struct name owner;
	int r = 0;

	if (is_name)
		node_owner(handle->node, &owner);
	if (!handle->was_read)
		r = staging_mark(&seen, handle->node->anchor,
				 is_name ? &owner : NULL);
	if (r < 0)
		done(call, r);
	else
		rewrite_new(&handle->rewrite, handle->fs, handle->node, &seen,
			    &call->caller, done, call);
}

/*
 * A descriptor that keeps its own place adds at the end of what it shows, or
 * where its last write ended; elsewhere it changes what is there.
 */
static void write_at_place(struct call *call)
{
	struct handle *handle = call->handle;
	struct stat attr = {0};
	int r = 0;

	if (call->offset != edit_at(handle->edit))
		r = attr_get(handle->fs, handle->node, &attr);
	else
		attr.st_size = (off_t)call->offset;
	if (r < 0) {
		finish(call, r);
	} else if (call->offset == (uint64_t)attr.st_size) {
		edit_resume(handle->edit, call->offset);
		edit_write(handle->edit, call->data, call->len, finish, call);
	} else if (call->offset > (uint64_t)attr.st_size) {
		refuse_hole(call);
	} else if (edit_is_open(handle->edit)) {
		refuse(call, -EINVAL, "write",
		       "elsewhere, while a line waits for its end");
	} else {
		begin_rewrite(call, have_text);
	}
}

static void write_records(struct call *call)
{
	struct handle *handle = call->handle;
	bool keeps_place = !(handle->flags & O_APPEND);

	if (handle->rewrite)
		rewritten(call);
	else if (keeps_place && !edit_is_replacing(handle->edit))
		write_at_place(call);
	else if (keeps_place && call->offset != edit_at(handle->edit))
		refuse(call, -EINVAL, "write",
		       "not where the last write ended: a replacement is "
		       "written from its start to its end");
	else
		edit_write(handle->edit, call->data, call->len, finish, call);
}

static void rewrite_published(void *arg, int result)
{
	struct call *call = arg;
	struct handle *handle = call->handle;

	/* What is written behind it, is added to it. */
	if (result == 0)
		edit_resume(handle->edit, rewrite_size(handle->rewrite));
	handle->rewrite = rewrite_free(handle->rewrite);
	finish(call, result);
}

/* ---- Write ---- */

/* A copy has its own address, where the one that it is of has the other. */
static void addr_written(void *arg, int result)
{
	struct call *call = arg;

	if ((result == -EADDRINUSE || result == -EACCES) &&
	    call->handle->copies)
		result = 0;
	finish(call, result);
}

static void write_call(struct call *call)
{
	struct handle *handle = call->handle;
	ssize_t done;

	switch (handle_kind(handle)) {
	case NODE_RECORDS:
	case NODE_NAME:
		write_records(call);
		break;
	case NODE_ADDR:
		addr_line_write(&handle->line, handle->node->anchor, call->data,
				call->len, addr_written, call);
		break;
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

/* ---- Close ---- */

/* A close may end something: a replacement, a change, or a line. */
static bool is_open(const struct handle *handle)
{
	return handle->rewrite || handle->line.text.len ||
	       (handle->edit && edit_is_open(handle->edit));
}

static void end_of_text(struct call *call, bool killed)
{
	struct handle *handle = call->handle;

	handle->unflushed = false;
	call->publishes = handle->rewrite ||
			  (handle->edit && edit_is_replacing(handle->edit));
	if (handle->rewrite && killed) {
		handle->rewrite = rewrite_free(handle->rewrite);
		refuse(call, -EINVAL, "write",
		       "the writer was killed before it closed the file; "
		       "what it changed is dropped");
	} else if (handle->rewrite) {
		rewrite_publish(handle->rewrite, rewrite_published, call);
	} else if (handle->edit) {
		edit_flush(handle->edit, killed, finish, call);
	} else {
		addr_line_flush(&handle->line, handle->node->anchor, killed,
				addr_written, call);
	}
}

static void know_caller(void *arg, const struct caller *caller)
{
	struct call *call = arg;
	struct handle *handle = call->handle;

	call->is_ending = caller->is_ending;
	if (has_written(handle, call) || (handle->cutter && caller->is_same) ||
	    (handle->edit && edit_clears(handle->edit))) {
		end_of_text(call, caller->is_killed);
		return;
	}
	handle->killed |= caller->is_killed;
	finish(call, 0);
}

static void flush_call(struct call *call)
{
	struct handle *handle = call->handle;
	struct caller_about about = {
		.pid = call->caller.pid,
		.other = handle->cutter,
	};

	/*
	 * It is for who has written to end the text; and for anybody, to be
	 * killed. A process that waits for its close can still be looked at.
	 */
	if (is_open(handle))
		caller_ask(handle->fs->aside, &about, know_caller, call);
	else
		finish(call, 0);
}

/*
 * A release is told of when close() has returned: who looks next must find it
 * done. What takes longer than a moment is not waited for.
 */
static void hold(struct call *call)
{
	struct handle *handle = call->handle;

	call->holds = !handle->rewrite ||
		      rewrite_size(handle->rewrite) <= HOLD_OCTETS;
	if (call->holds)
		session_hold(handle->fs->session, &call->hold,
			     handle->node->anchor, call->turn);
}

/*
 * With anything left to do here, the last close was none that told of itself:
 * of a ring of io_uring(7), or of another thread than the one that had cut.
 */
static void release_call(struct call *call)
{
	struct handle *handle = call->handle;

	if (handle->edit && edit_clears(handle->edit)) {
		hold(call);
		edit_finish(handle->edit, finish, call);
	} else if (handle->unflushed && is_open(handle)) {
		hold(call);
		end_of_text(call, handle->killed);
	} else {
		finish(call, 0);
	}
}

/* ---- Truncate ---- */

static const char too_long[] =
	"longer than the text is; write a whole file and rename it over";

static void restart_edit(struct call *call)
{
	struct handle *handle = call->handle;

	handle->rewrite = rewrite_free(handle->rewrite);
	/* What was written before is nothing now, whoever did. */
	handle->writer_count = 0;
	handle->cutter = 0;
	handle->unflushed = handle->killed = false;
	finish(call, edit_truncate(handle->edit));
}

/* The kernel does not tell whose table of files this came through. */
static void cut(struct call *call)
{
	struct handle *handle = call->handle;
	int r = rewrite_truncate(handle->rewrite, call->offset);

	handle->cutter = call->caller.pid;
	handle->unflushed = true;

	if (r == -EINVAL) {
		refuse(call, r, "truncate", too_long);
		return;
	}
	if (r < 0)
		rewrite_refuse(handle->rewrite, r);
	finish(call, r);
}

static void have_text_to_cut(void *arg, int result)
{
	struct call *call = arg;

	if (result < 0) {
		refuse(call, result, "truncate", strerror(-result));
		return;
	}
	if (call->offset > rewrite_size(call->handle->rewrite)) {
		call->handle->rewrite = rewrite_free(call->handle->rewrite);
		refuse(call, -EINVAL, "truncate", too_long);
		return;
	}
	cut(call);
}

static void truncate_records(struct call *call)
{
	struct handle *handle = call->handle;
	struct stat attr;
	int r;

	if (!call->offset) {
		restart_edit(call);
		return;
	}
	if (handle->rewrite) {
		cut(call);
		return;
	}
	if (call->offset == edit_at(handle->edit)) {
		finish(call, 0); /* what was written so far */
		return;
	}
	if (edit_is_open(handle->edit)) {
		refuse(call, -EINVAL, "truncate",
		       "neither to 0 nor to what was written so far; write a "
		       "whole file and rename it over");
		return;
	}
	r = attr_get(handle->fs, handle->node, &attr);
	if (r < 0)
		finish(call, r);
	else if (call->offset == (uint64_t)attr.st_size)
		finish(call, 0);
	else if (call->offset > (uint64_t)attr.st_size)
		refuse(call, -EINVAL, "truncate", too_long);
	else
		begin_rewrite(call, have_text_to_cut);
}

static void truncate_call(struct call *call)
{
	struct handle *handle = call->handle;

	if (handle->edit) {
		handle->writer = call->caller.pid;
		truncate_records(call);
	} else if (handle_kind(handle) == NODE_SCRATCH) {
		finish(call, scratch_truncate(handle->fs, handle->node->scratch,
					      call->offset));
	} else {
		/* An address that was written is read, and no text any more. */
		if (handle_kind(handle) == NODE_ERROR)
			error_ring_clear(&handle->node->anchor->errors);
		else if (!call->offset)
			addr_line_restart(&handle->line);
		finish(call, 0);
	}
}

/* ---- The queue ---- */

static void run_next(struct handle *handle)
{
	struct call *call = handle->calls;
	bool gone = handle->node->anchor->gone;

	if (handle->busy || !call)
		return;
	handle->busy = true;
	switch (call->kind) {
	case CALL_WRITE:
		if (gone) {
			finish(call, -ENODEV);
			return;
		}
		note_writer(handle, call);
		write_call(call);
		return;
	case CALL_TRUNCATE:
		if (gone)
			finish(call, -ENODEV);
		else
			truncate_call(call);
		return;
	case CALL_FLUSH:
		flush_call(call);
		return;
	case CALL_RELEASE:
		release_call(call);
		return;
	case CALL_FSYNC:
		finish(call, 0); /* What was written is on disk already. */
	}
}

static void submit(struct handle *handle, const struct call *head,
		   const char *data)
{
	struct call *call = malloc(sizeof(*call) + head->len);

	if (!call && head->req)
		fuse_reply_err(head->req, ENOMEM);
	else if (!call)
		head->done(head->arg, -ENOMEM);
	if (!call)
		return;
	*call = *head;
	call->handle = handle;
	call->turn = handle->fs->session->turn;
	if (data)
		memcpy(call->data, data, head->len);
	handle->fs->session->pending++;
	LL_APPEND(handle->calls, call);
	run_next(handle);
}

void handle_write(struct handle *handle, fuse_req_t req, const char *data,
		  size_t len, uint64_t offset, uint64_t owner)
{
	struct call call = {
		.req = req,
		.kind = CALL_WRITE,
		.caller = *fuse_req_ctx(req),
		.owner = owner,
		.offset = offset,
		.len = len,
	};

	submit(handle, &call, data);
}

void handle_flush(struct handle *handle, fuse_req_t req, uint64_t owner)
{
	struct call call = {
		.req = req,
		.kind = CALL_FLUSH,
		.caller = *fuse_req_ctx(req),
		.owner = owner,
	};

	submit(handle, &call, NULL);
}

void handle_fsync(struct handle *handle, fuse_req_t req)
{
	struct call call = {
		.req = req,
		.kind = CALL_FSYNC,
		.caller = *fuse_req_ctx(req),
	};

	submit(handle, &call, NULL);
}

void handle_truncate(struct handle *handle, const struct fuse_ctx *caller,
		     uint64_t size, handle_done *done, void *arg)
{
	struct call call = {
		.kind = CALL_TRUNCATE,
		.caller = *caller,
		.offset = size,
		.done = done,
		.arg = arg,
	};

	submit(handle, &call, NULL);
}

void handle_release(struct handle *handle, fuse_req_t req)
{
	struct call call = {
		.req = req,
		.kind = CALL_RELEASE,
		.caller = *fuse_req_ctx(req),
	};

	submit(handle, &call, NULL);
}
