// SPDX-License-Identifier: Apache-2.0
/*
 * remote_ahead.c - what came with the answer to an OPEN, and is read then
 *
 * Whoever opens a file to read it does so at once: then it is read from what
 * the owner has sent with its answer, which is all of a short text as it was
 * when the file was opened. A read that comes later, or after something that
 * this host has done or that the owner has told of, goes to the owner, and
 * shows what is there by then.
 *
 * Who has begun to read it reads it to its end, as the owner would let him: a
 * reader sees one moment. The owner has read the end already, so a read behind
 * it is one of what is new; and one of the start begins anew.
 */
#include <fcntl.h>

#include "fs/fleet/remote_layout.h"

uint32_t remote_ahead_ask(const struct remote_call *call)
{
	const struct remotes *remotes = call->remote->remotes;
	bool reads = (call->flags & (O_ACCMODE | O_TRUNC)) == O_RDONLY;
	uint32_t max = call->opcode == FUSE_OPENDIR ? WIRE_AHEAD_LIST_MAX
						    : WIRE_AHEAD_MAX;

	if (!reads || remotes->ahead_octets + max > REMOTE_AHEAD_MAX)
		return WIRE_AHEAD;
	return WIRE_AHEAD | max;
}

void remote_ahead_drop(struct remote_handle *handle)
{
	struct remotes *remotes = handle->remote->remotes;
	struct remote_ahead *ahead = steal(&handle->ahead);

	if (!ahead)
		return;
	if (handle->is_dir)
		remote_listed_give_back(ahead);
	remotes->ahead_octets -= ahead->len;
	DL_DELETE(remotes->ahead, ahead);
	free(ahead);
}

static void take_attr(const struct remote_call *call,
		      const struct fuse_attr *from)
{
	struct fuse_attr attr = *from;

	attr.ino = response_ino(call->remote->uuid, attr.ino);
	remote_looked_opened(call, &attr);
}

static void take_text(struct remote_handle *handle,
		      const struct wire_ahead *from)
{
	struct remotes *remotes = handle->remote->remotes;
	struct remote_ahead *ahead = malloc(sizeof(*ahead) + from->text);

	if (!ahead)
		return;
	*ahead = (struct remote_ahead){
		.handle = handle,
		.until_ns = uv_hrtime() + REMOTE_MOMENT_NS,
		.changes = handle->remote->changes,
		.is_whole = from->has_text,
		.len = from->text,
	};
	memcpy(ahead->text, from + 1, from->text);
	remotes->ahead_octets += ahead->len;
	DL_APPEND(remotes->ahead, ahead);
	handle->ahead = ahead;
}

void remote_ahead_take(const struct remote_call *call,
		       struct remote_handle *handle,
		       const struct response *response)
{
	const struct wire_ahead *ahead = response->ahead;

	if (!handle->is_dir && ahead->has_attr)
		take_attr(call, &ahead->attr.attr);
	if (ahead->has_text || ahead->text)
		take_text(handle, ahead);
}

bool remote_ahead_is_over(const struct remote_ahead *ahead, uint64_t now_ns)
{
	bool goes_on = ahead->is_begun && !ahead->handle->is_dir;

	return !goes_on && (now_ns > ahead->until_ns ||
			    ahead->changes != ahead->handle->remote->changes);
}

bool remote_ahead_answer(const struct remote_call *call,
			 const struct fuse_read_in *in)
{
	struct session *session = remote_session(call->remote);
	struct remote_ahead *ahead = call->handle->ahead;
	size_t left;

	if (!ahead)
		return false;
	if (ahead->is_begun != (in->offset > 0) ||
	    remote_ahead_is_over(ahead, uv_hrtime())) {
		remote_ahead_drop(call->handle);
		return false;
	}
	ahead->is_begun = true;
	left = in->offset < ahead->len ? ahead->len - in->offset : 0;
	if (left > in->size)
		left = in->size;
	remote_kernel_answer(session, call->unique, 0,
			     ahead->text + (left ? in->offset : 0), left);
	if (!left)
		remote_ahead_drop(call->handle);
	return true;
}

void remote_ahead_tick(struct remotes *remotes)
{
	struct remote_ahead *ahead, *next;
	uint64_t now_ns = uv_hrtime();

	DL_FOREACH_SAFE (remotes->ahead, ahead, next) {
		if (remote_ahead_is_over(ahead, now_ns))
			remote_ahead_drop(ahead->handle);
	}
}
