// SPDX-License-Identifier: Apache-2.0
/*
 * remote_handles.c - open files and directories of others in this mount
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "fs/fleet/remote_layout.h"

int remote_handle_new(struct remote_handle **out, struct remote *remote,
		      uint64_t owner, const struct remote_call *opener)
{
	struct remote_handle *handle = calloc(1, sizeof(*handle));
	/* Its close clears what was there, though nobody writes. */
	bool clears =
		opener->opcode == FUSE_CREATE || (opener->flags & O_TRUNC);

	if (!handle)
		return -ENOMEM;
	*handle = (struct remote_handle){
		.remote = remote,
		.number = ++remote->remotes->numbers,
		.owner = owner,
		.uid = opener->uid,
		.flags = opener->flags,
		.is_dir = opener->opcode == FUSE_OPENDIR,
		.is_dirty = clears,
		.was_used = clears,
		.was_made = opener->opcode == FUSE_CREATE,
	};
	HASH_ADD(hh, remote->remotes->handles, number, sizeof(handle->number),
		 handle);
	DL_APPEND(remote->handles, handle);
	*out = handle;
	return 0;
}

struct remote_handle *remote_handle_find(struct remotes *remotes,
					 uint64_t number)
{
	struct remote_handle *handle;

	HASH_FIND(hh, remotes->handles, &number, sizeof(number), handle);
	return handle;
}

void remote_handle_discard(struct remote_handle *handle)
{
	struct remote *remote = handle->remote;

	assert(!handle->calls && !handle->is_stale);
	remote_ahead_drop(handle);
	HASH_DEL(remote->remotes->handles, handle);
	DL_DELETE(remote->handles, handle);
	DL_APPEND(remote->discarding, handle);
}

void remote_handle_free(struct remote_handle *handle)
{
	assert(!handle->calls && !handle->queue && !handle->parked);
	remote_waits_unpoll(handle);
	remote_ahead_drop(handle);
	HASH_DEL(handle->remote->remotes->handles, handle);
	DL_DELETE(handle->remote->handles, handle);
	free(handle);
}

void remote_handle_put(struct remote_handle *handle)
{
	assert(handle->calls);
	handle->calls--;
	if (!handle->calls && handle->is_released)
		remote_handle_free(handle);
}

void remote_handles_end(struct remote *remote)
{
	struct remote_handle *handle, *next;

	DL_FOREACH (remote->handles, handle) {
		handle->is_stale = true;
		remote_ahead_drop(handle);
	}
	DL_FOREACH_SAFE (remote->discarding, handle, next) {
		DL_DELETE(remote->discarding, handle);
		free(handle);
	}
}
