// SPDX-License-Identifier: Apache-2.0
/*
 * handle_queue.c - open files: what changes things, one call after the other
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "fs/call.h"
#include "fs/caller.h"
#include "fs/programs/programs.h"

static void run_next(struct handle *handle);

/* ---- The end of a call ---- */

/* What is remembered of a close. */
static void end_close(struct call *call)
{
	struct handle *handle = call->handle;
	const struct writers *writers = &handle->writers;

	/* Who was refused hears of it at each close, as long as it lives. */
	if (call->result == 0 || call->is_ending)
		writers_drop(&handle->writers, call->owner);
	if (call->result == 0 &&
	    (call->publishes ||
	     (handle->made && writers->last == call->caller.pid)))
		programs_replaced(handle->fs, handle->node, &call->caller);
}

/* Exactly once: the one place that answers a call. */
static void reply(struct call *call)
{
	if (!call->req)
		call->done(call->arg, call->result);
	else if (call->kind == CALL_WRITE && call->result == 0)
		fuse_reply_write(call->req, call->len);
	else if (call->kind == CALL_RELEASE)
		fuse_reply_err(call->req, 0); /* nobody sees its error */
	else
		fuse_reply_err(call->req, -call->result);
}

static void end_call(struct call *call)
{
	struct handle *handle = call->handle;
	struct session *session = handle->fs->session;

	assert(handle->busy && handle->calls == call);
	if (call->kind == CALL_FLUSH)
		end_close(call);
	reply(call);
	LL_DELETE(handle->calls, call);
	handle->busy = false;
	if (call->kind == CALL_RELEASE ||
	    (handle->is_dropped && !handle->calls))
		handle_discard(handle);
	else
		run_next(handle);
	if (call->holds)
		session_release(session, &call->hold);
	session_end_pending(session);
	free(call);
}

static void refusal_noted(void *arg, bool noted)
{
	(void)noted;
	end_call(arg);
}

void call_finish(void *arg, int result)
{
	struct call *call = arg;

	assert(result <= 0);
	call->result = result;
	if (result < 0 && call->kind != CALL_RELEASE)
		programs_refused(call->handle->fs, call->handle->node,
				 &call->caller, refusal_noted, call);
	else
		end_call(call);
}

/* ---- Close ---- */

static void know_closer(void *arg, const struct caller *caller)
{
	struct call *call = arg;
	struct writers *writers = &call->handle->writers;

	call->is_ending = caller->is_ending;
	if (call->is_everybodys ||
	    writers_have(writers, call->owner, call->caller.pid) ||
	    (writers->cutter && caller->is_same)) {
		writers->unflushed = false;
		call->end_text(call, caller->is_killed);
		return;
	}
	writers->killed |= caller->is_killed;
	call_finish(call, 0);
}

/*
 * It is for who has written to end the text; and for anybody, to be killed. A
 * process that waits for its close can still be looked at.
 */
void call_close(struct call *call, bool is_everybodys, call_end_text *end_text)
{
	struct handle *handle = call->handle;
	struct caller_about about = {
		.pid = call->caller.pid,
		.other = handle->writers.cutter,
	};

	assert(call->kind == CALL_FLUSH && !call->end_text);
	call->is_everybodys = is_everybodys;
	call->end_text = end_text;
	caller_ask(handle->fs, &about, know_closer, call);
}

void call_hold(struct call *call)
{
	struct handle *handle = call->handle;

	assert(call->kind == CALL_RELEASE && !call->holds);
	call->holds = true;
	session_hold(handle->fs->session, &call->hold, handle->node->anchor,
		     call->turn);
}

/* ---- The queue ---- */

static void start_write(struct call *call)
{
	struct handle *handle = call->handle;
	const struct node_kind *kind = handle->node->kind;

	writers_add(&handle->writers, call->owner, call->caller.pid);
	if (kind->write)
		kind->write(call);
	else
		call_finish(call, -EACCES);
}

static void start(struct call *call, void (*operation)(struct call *call))
{
	if (operation)
		operation(call);
	else
		call_finish(call, 0);
}

/* The call whose turn it is. */
static void run(struct handle *handle, struct call *call)
{
	const struct node_kind *kind = handle->node->kind;
	bool gone = handle->node->anchor->gone;

	switch (call->kind) {
	case CALL_WRITE:
		if (gone)
			call_finish(call, -ENODEV);
		else
			start_write(call);
		return;
	case CALL_TRUNCATE:
		if (gone)
			call_finish(call, -ENODEV);
		else
			start(call, kind->truncate);
		return;
	case CALL_FLUSH:
		handle->flushed = true;
		start(call, kind->flush);
		return;
	case CALL_RELEASE:
		start(call, kind->release);
		return;
	case CALL_FSYNC:
		/* What was written is on disk already. */
		call_finish(call, 0);
	}
}

static void run_next(struct handle *handle)
{
	struct host *host = handle->fs->host;
	struct call *call = handle->calls;
	struct receipt before;

	if (handle->busy || !call)
		return;
	handle->busy = true;
	receipt_enter(host, &call->receipt, &before);
	run(handle, call);
	receipt_leave(host, &before);
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
	call->receipt = *receipt_at_hand(handle->fs->host);
	if (data)
		memcpy(call->data, data, head->len);
	session_add_pending(handle->fs->session);
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

void handle_drop(struct handle *handle)
{
	if (handle->calls)
		handle->is_dropped = true;
	else
		handle_discard(handle);
}
