// SPDX-License-Identifier: Apache-2.0
/*
 * remote_lost.c - calls that end without the owner's answer
 *
 * Their callers were killed, or the owner is down, or it has begun anew and
 * knows of no session. What may have been done all the same has a line in this
 * host's `error`: nobody else can tell.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "anchors/anchor.h"
#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

/* ---- What it may have done ---- */

static const struct {
	uint32_t opcode;
	const char *name;
} changing[] = {
	{FUSE_SETATTR, "setattr"}, {FUSE_SYMLINK, "symlink"},
	{FUSE_MKNOD, "mknod"},	   {FUSE_MKDIR, "mkdir"},
	{FUSE_UNLINK, "unlink"},   {FUSE_RMDIR, "rmdir"},
	{FUSE_RENAME, "rename"},   {FUSE_RENAME2, "rename"},
	{FUSE_LINK, "link"},	   {FUSE_CREATE, "create"},
	{FUSE_WRITE, "write"},	   {FUSE_FLUSH, "close"},
	{FUSE_RELEASE, "close"},
};

static const char *change_of(const struct remote_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(changing); i++) {
		if (changing[i].opcode == call->opcode)
			return changing[i].name;
	}
	return NULL;
}

/* Of a close only if something was done with the open file. */
bool remote_call_changes(const struct remote_call *call)
{
	if (call->opcode == FUSE_FLUSH || call->opcode == FUSE_RELEASE)
		return call->handle->is_dirty;
	return change_of(call);
}

bool remote_call_ends_nothing(const struct remote_call *call)
{
	return (call->opcode == FUSE_FLUSH || call->opcode == FUSE_FSYNC) &&
	       call->handle && !call->handle->is_dirty;
}

/* A close was answered before it went: nobody else tells of it. */
static bool is_to_be_told(const struct remote_call *call)
{
	return remote_call_changes(call) &&
	       (call->has_gone || remote_call_is_close(call));
}

void remote_call_tell(const struct remote_call *call)
{
	char text[128];

	if (!is_to_be_told(call))
		return;
	snprintf(text, sizeof(text), "%s%s%s", change_of(call),
		 *call->name ? " " : "", call->name);
	anchor_fail(remote_session(call->remote)->fs->host->root,
		    call->remote->name, 0, text,
		    "no answer; it may have been done");
}

void remote_handle_tell(const struct remote_handle *handle)
{
	struct remote *remote = handle->remote;

	if (handle->is_dirty)
		anchor_fail(remote_session(remote)->fs->host->root,
			    remote->name, 0, "close",
			    "the host was lost before it; what was not on disk "
			    "by then is not done");
}

/* ---- Given up ---- */

static bool is_dying(const struct remotes *remotes, pid_t pid)
{
	uint64_t now_ms = bus_now_ms();

	for (unsigned i = 0; pid && i < REMOTE_DYING; i++) {
		if (remotes->dying[i].pid == pid &&
		    now_ms - remotes->dying[i].since_ms < REMOTE_DYING_MS)
			return true;
	}
	return false;
}

static void note_dying(struct remotes *remotes, pid_t pid)
{
	unsigned i = remotes->next_dying++ % REMOTE_DYING;

	remotes->dying[i].pid = pid;
	remotes->dying[i].since_ms = bus_now_ms();
}

/*
 * What the owner has not seen is dropped; but for a flush, which tells it that
 * whoever wrote was killed, or was told that nothing is published.
 */
static void give_up(struct remote_call *call)
{
	struct remotes *remotes = call->remote->remotes;

	remotes->figures.interrupted++;
	note_dying(remotes, call->pid);
	call->caller_killed = true;
	remote_call_reply(call, -EINTR);
	if (remote_call_is_in_slot(call))
		remote_call_tell(call);
	else if (call->opcode != FUSE_FLUSH)
		remote_call_end(call);
}

static void tell_owner(struct remote_call *call)
{
	struct wire_head head;

	if (call->stage != CALL_SENT || call->remote->state != REMOTE_OPEN)
		return;
	head = remote_head(call->remote, WIRE_INTERRUPT, 0);
	head.slot = call->slot;
	head.seq = call->seq;
	remote_send(call->remote, &head, NULL, 0);
}

void remote_call_interrupt(struct remote_call *call)
{
	if (call->interrupted_ms || call->is_answered)
		return;
	if (call->stage == CALL_PARKED) {
		remote_call_fail(call, -EINTR);
		return;
	}
	call->interrupted_ms = bus_now_ms();
	call->remote->interrupted++;
	tell_owner(call);
	if (is_dying(call->remote->remotes, call->pid))
		give_up(call);
}

void remote_calls_tick(struct remote *remote, uint64_t now_ms)
{
	struct remote_call *call, *next;

	if (!remote->interrupted)
		return;
	DL_FOREACH_SAFE (remote->calls, call, next) {
		if (call->interrupted_ms && !call->is_answered &&
		    now_ms - call->interrupted_ms >= REMOTE_INTERRUPT_MS)
			give_up(call);
	}
}

/* ---- The session is over ---- */

static void host_is_down(struct remote_call *call)
{
	if (remote_call_ends_nothing(call)) {
		remote_call_fail(call, 0);
		return;
	}
	if (!call->caller_killed)
		remote_call_tell(call);
	if (!call->is_answered)
		call->remote->remotes->figures.host_down++;
	remote_call_fail(call, -EHOSTDOWN);
}

/* It knows of nothing that was open; but it may know of what was done. */
static void begin_anew(struct remote_call *call)
{
	bool was_sent = remote_call_is_in_slot(call) && call->has_gone;

	if (call->is_answered) {
		if (!call->caller_killed)
			remote_call_tell(call);
		remote_call_end(call);
	} else if (remote_call_ends_nothing(call)) {
		remote_call_fail(call, 0);
	} else if (was_sent && remote_call_changes(call) &&
		   call->moves < REMOTE_MOVES_MAX) {
		remote_slots_keep(call);
	} else if (call->is_root && call->moves++ < REMOTE_MOVES_MAX) {
		if (remote_call_is_in_slot(call)) {
			remote_slots_leave(call);
			remote_slots_wait(call);
		}
	} else if (was_sent && remote_call_changes(call)) {
		/* ESTALE would have our kernel do it again. */
		host_is_down(call);
	} else {
		remote_call_fail(call, -ESTALE);
	}
}

void remote_calls_over(struct remote *remote, int result)
{
	struct remote_call *call, *next;

	DL_FOREACH_SAFE (remote->calls, call, next) {
		if (result == -EHOSTDOWN)
			host_is_down(call);
		else
			begin_anew(call);
	}
	assert(result != -EHOSTDOWN || !remote->calls);
}
