// SPDX-License-Identifier: Apache-2.0
/*
 * remote_waits.c - polls, and reads of `log` that wait
 *
 * A read that finds nothing has no slot while it waits: the owner is asked to
 * notify us when there is something, and then it is sent again. For the owner
 * each open file has one number to be notified with, whoever waits for it here:
 * reads, or a poll of our kernel's.
 *
 * A notification may be lost. So all are asked again now and then; who is woken
 * for nothing looks, and waits on.
 */
#include "fs/fleet/remote_layout.h"

/* The first one of that owner's: it has just been asked. */
static void begin_waiting(struct remote *remote)
{
	if (!remote->parked && !remote->polls)
		remote->repolled_ms = bus_now_ms();
}

/* ---- Polls of our kernel ---- */

void remote_waits_poll(struct remote_handle *handle, struct fuse_poll_in *in)
{
	if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
		begin_waiting(handle->remote);
		handle->remote->polls += !handle->kernel_polls;
		handle->kernel_polls = true;
		handle->kernel_kh = in->kh;
	}
	in->kh = handle->number;
}

void remote_waits_unpoll(struct remote_handle *handle)
{
	handle->remote->polls -= handle->kernel_polls;
	handle->kernel_polls = false;
}

static void wake_kernel(struct remote_handle *handle)
{
	if (!handle->kernel_polls)
		return;
	remote_waits_unpoll(handle);
	remote_kernel_wake(remote_session(handle->remote), handle->kernel_kh);
}

/* ---- Reads that wait ---- */

static void wake_reads(struct remote_handle *handle)
{
	struct remote_call *list = handle->parked, *call, *next;

	/* What goes may be parked again, but not before it was answered. */
	DL_FOREACH_SAFE2 (list, call, next, stage_next)
		remote_call_again(call);
}

/* An owner that cannot be asked is asked later: remote_waits_tick(). */
static void ask(struct remote_handle *handle)
{
	const struct fuse_in_header *of = (void *)handle->parked->octets;
	struct {
		struct fuse_in_header head;
		struct fuse_poll_in in;
	} poll = {
		.head = {.len = sizeof(poll),
			 .opcode = FUSE_POLL,
			 .nodeid = of->nodeid,
			 .uid = of->uid,
			 .gid = of->gid},
		.in = {.fh = handle->owner,
		       .kh = handle->number,
		       .flags = FUSE_POLL_SCHEDULE_NOTIFY},
	};
	struct remote_call *call;
	struct request request;

	if (handle->is_polling ||
	    remote_call_new(&call, &request, &poll, sizeof(poll)) < 0)
		return;
	call->remote = handle->remote;
	call->handle = handle;
	call->is_poll = call->is_answered = true;
	handle->is_polling = true;
	handle->was_woken = false;
	if (remote_call_begin(call) < 0) {
		handle->is_polling = false;
		free(call);
	}
}

void remote_waits_park(struct remote_call *call)
{
	begin_waiting(call->remote);
	remote_call_park(call);
	ask(call->handle);
}

void remote_waits_polled(struct remote_handle *handle, bool ready)
{
	handle->is_polling = false;
	if (ready || handle->was_woken)
		wake_reads(handle);
}

/* ---- Woken ---- */

static void wake(struct remote_handle *handle)
{
	handle->was_woken = true;
	wake_kernel(handle);
	wake_reads(handle);
}

bool remote_waits_notified(struct remote *remote, uint64_t kh)
{
	struct remote_handle *handle = remote_handle_find(remote->remotes, kh);
	bool is_awaited;

	if (!handle || handle->remote != remote || handle->is_stale)
		return false;
	is_awaited = handle->kernel_polls || handle->parked ||
		     (handle->is_polling && !handle->was_woken);
	wake(handle);
	return is_awaited;
}

void remote_waits_wake_all(struct remote *remote)
{
	struct remote_handle *handle;

	DL_FOREACH (remote->handles, handle) {
		wake_kernel(handle);
		wake_reads(handle);
	}
}

void remote_waits_tick(struct remote *remote, uint64_t now_ms)
{
	struct remote_handle *handle;

	if (remote->state != REMOTE_OPEN ||
	    (!remote->parked && !remote->polls) ||
	    now_ms - remote->repolled_ms < REMOTE_REPOLL_MS)
		return;
	remote->repolled_ms = now_ms;
	DL_FOREACH (remote->handles, handle) {
		wake_kernel(handle);
		if (handle->parked)
			ask(handle);
	}
}
