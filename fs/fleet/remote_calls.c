// SPDX-License-Identifier: Apache-2.0
/*
 * remote_calls.c - a call, from stage to stage, and its end
 *
 * What changes an open file goes one after another; a close waits for all other
 * calls of its file. While a close that may do something has not ended, who
 * came later waits, as session_hold() has it for this host's own: the kernel
 * has told that program already that its file is closed.
 */
#include <assert.h>
#include <errno.h>

#include "fs/fleet/remote_layout.h"

/* ---- Forward ---- */

/* Sorted, from the end: nearly all come in the order of their turns. */
static void wait_behind(struct remote_call *call)
{
	struct remote *remote = call->remote;
	struct remote_call *at =
		remote->behind ? remote->behind->stage_prev : NULL;

	call->stage = CALL_BEHIND;
	while (at && at->turn > call->turn)
		at = at == remote->behind ? NULL : at->stage_prev;
	if (at)
		DL_APPEND_ELEM2(remote->behind, at, call, stage_prev,
				stage_next);
	else
		DL_PREPEND2(remote->behind, call, stage_prev, stage_next);
}

static bool is_held(const struct remote_call *call)
{
	const struct remote_call *release = call->remote->releases;

	return release && release->turn < call->turn;
}

static void go_on(struct remote_call *call)
{
	if (is_held(call)) {
		wait_behind(call);
		return;
	}
	remote_slots_wait(call);
	remote_slots_pump(call->remote);
}

static void queue_go(struct remote_handle *handle)
{
	struct remote_call *call = handle->queue;

	if (call && call->stage == CALL_ORDERED &&
	    (!remote_call_is_close(call) || handle->calls == 1))
		go_on(call);
}

static void behind_go(struct remote *remote)
{
	struct remote_call *call;

	while ((call = remote->behind) && !is_held(call)) {
		DL_DELETE2(remote->behind, call, stage_prev, stage_next);
		remote_slots_wait(call);
	}
}

static void enter(struct remote_call *call)
{
	if (!call->is_ordered) {
		go_on(call);
		return;
	}
	call->stage = CALL_ORDERED;
	DL_APPEND2(call->handle->queue, call, queue_prev, queue_next);
	queue_go(call->handle);
}

/* A close has to be told; the open files of a user have a bound there. */
static bool may_wait(const struct remote_call *call,
		     const struct remote_user *user)
{
	return user->calls - user->slots < REMOTE_WAITING_MAX ||
	       remote_call_is_close(call) || call->opcode == FUSE_FLUSH ||
	       call->is_poll;
}

int remote_call_begin(struct remote_call *call)
{
	struct remote *remote = call->remote;
	struct remotes *remotes = remote->remotes;
	struct remote_user *user = remote_slots_user(remote, call->uid);

	if (!user)
		return -ENOMEM;
	if (!may_wait(call, user))
		return -EAGAIN;
	user->calls++;
	call->user = user;
	call->turn = ++remotes->turns;
	call->begun_ns = uv_hrtime();
	if (!remote->calls)
		remote->wanted_ms = bus_now_ms();
	DL_APPEND(remote->calls, call);
	if (!call->is_answered)
		HASH_ADD(hh, remotes->calls, unique, sizeof(call->unique),
			 call);
	if (call->handle)
		call->handle->calls++;
	call->holds = remote_call_is_close(call) && call->handle->is_dirty;
	if (call->holds)
		DL_APPEND2(remote->releases, call, release_prev, release_next);
	remotes->figures.calls++;
	remotes->figures.pending++;
	enter(call);
	return 0;
}

/* ---- Parked ---- */

void remote_call_park(struct remote_call *call)
{
	remote_slots_leave(call);
	call->stage = CALL_PARKED;
	DL_APPEND2(call->handle->parked, call, stage_prev, stage_next);
	call->remote->parked++;
	remote_slots_pump(call->remote);
}

static void unpark(struct remote_call *call)
{
	DL_DELETE2(call->handle->parked, call, stage_prev, stage_next);
	call->remote->parked--;
}

void remote_call_again(struct remote_call *call)
{
	unpark(call);
	go_on(call);
}

/* ---- The end ---- */

void remote_call_answered(struct remote_call *call)
{
	struct remotes *remotes = call->remote->remotes;

	if (call->is_answered)
		return;
	call->is_answered = true;
	HASH_DEL(remotes->calls, call);
	if (call->interrupted_ms)
		call->remote->interrupted--;
}

void remote_call_reply(struct remote_call *call, int error)
{
	if (call->is_answered)
		return;
	remote_kernel_answer(remote_session(call->remote), call->unique, error,
			     NULL, 0);
	remote_call_answered(call);
}

static void leave_stage(struct remote_call *call)
{
	switch (call->stage) {
	case CALL_NEW:
	case CALL_ORDERED:
		break;
	case CALL_BEHIND:
		DL_DELETE2(call->remote->behind, call, stage_prev, stage_next);
		break;
	case CALL_WAITING:
	case CALL_SENT:
	case CALL_ASKING:
		remote_slots_leave(call);
		break;
	case CALL_PARKED:
		unpark(call);
		break;
	}
}

static void leave_handle(struct remote_call *call)
{
	struct remote_handle *handle = call->handle;

	if (call->is_poll)
		remote_waits_polled(handle, call->is_ready);
	if (call->is_ordered)
		DL_DELETE2(handle->queue, call, queue_prev, queue_next);
	if (call->holds) {
		DL_DELETE2(call->remote->releases, call, release_prev,
			   release_next);
		behind_go(call->remote);
	}
	if (handle->calls > 1) {
		handle->calls--;
		queue_go(handle);
	} else {
		remote_handle_put(handle);
	}
}

void remote_call_end(struct remote_call *call)
{
	struct remote *remote = call->remote;

	assert(call->is_answered);
	leave_stage(call);
	if (call->handle)
		leave_handle(call);
	DL_DELETE(remote->calls, call);
	remote->remotes->figures.pending--;
	remote->used_ms = bus_now_ms();
	call->user->calls--;
	remote_slots_user_put(remote, call->user);
	free(call->answer);
	free(call);
	remote_slots_pump(remote);
}

void remote_call_fail(struct remote_call *call, int error)
{
	remote_call_reply(call, error);
	remote_call_end(call);
}
