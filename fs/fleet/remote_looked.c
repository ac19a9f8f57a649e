// SPDX-License-Identifier: Apache-2.0
/*
 * remote_looked.c - what was just looked up, and is asked for at once
 *
 * Our kernel believes nothing of another host's, so on its way along a path it
 * asks for the attributes of each node that it has looked up, for its rights,
 * and programs do so once more when they have opened it: calls for what the
 * answer to another one has told. So what the last lookup brought is kept for
 * a moment and tells them, if the owner lets it.
 *
 * Whoever has done something sees what is there after it: what is done by this
 * host, or told by the owner, makes it forgotten, both when it is asked for and
 * when it is answered. What others do may show as much later as
 * REMOTE_MOMENT_NS.
 */
#include <fcntl.h>

#include "fs/fleet/remote_layout.h"

void remote_looked_keep(struct remote *remote, uint64_t owner,
			const struct fuse_attr *attr)
{
	remote->looked = (struct remote_looked){
		.owner = owner,
		.until_ns = uv_hrtime() + REMOTE_MOMENT_NS,
		.attr = *attr,
	};
}

void remote_looked_forget(struct remote *remote)
{
	remote->looked.owner = 0;
	remote->changes++;
}

/* It leaves all attributes as they are. */
static bool only_looks(const struct remote_call *call)
{
	switch (call->opcode) {
	case FUSE_LOOKUP:
	case FUSE_GETATTR:
	case FUSE_READ:
	case FUSE_OPENDIR:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_RELEASEDIR:
	case FUSE_STATFS:
	case FUSE_POLL:
		return true;
	case FUSE_OPEN:
		return !(call->flags & O_TRUNC);
	case FUSE_RELEASE:
		return call->handle && !call->handle->is_dirty;
	default:
		return false;
	}
}

void remote_looked_call(const struct remote_call *call)
{
	if (!only_looks(call))
		remote_looked_forget(call->remote);
}

bool remote_looked_answer(const struct remote_call *call, uint64_t owner)
{
	struct remote *remote = call->remote;
	const struct remote_looked *looked = &remote->looked;
	struct fuse_attr_out out = {.attr = looked->attr};

	if (looked->owner != owner || uv_hrtime() > looked->until_ns ||
	    (looked->pid && looked->pid != call->pid))
		return false;
	remote_believe_dir(remote, &out.attr, &out.attr_valid,
			   &out.attr_valid_nsec);
	remote_kernel_answer(remote_session(remote), call->unique, 0, &out,
			     sizeof(out));
	return true;
}
