// SPDX-License-Identifier: Apache-2.0
/*
 * remote_past.c - calls whose answers were lost with the session before
 *
 * The owner says whether they were done there, and no more. Of a directory that
 * was made it gives the entry, as an answer: that is none of these.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/fleet/remote_layout.h"

/*
 * Our kernel believes none of it for longer than this answer: the node is not
 * of this session, so whoever looks looks it up anew.
 */
static struct fuse_attr attr_set_by(const struct remote_call *call)
{
	const struct fuse_in_header *head = (void *)call->octets;
	const struct fuse_setattr_in *in = (void *)(head + 1);

	return (struct fuse_attr){
		.ino = call->ino,
		.size = in->valid & FATTR_SIZE ? in->size : 0,
		.mode = call->type |
			(in->valid & FATTR_MODE ? in->mode & 07777 : 0),
		.uid = in->valid & FATTR_UID ? in->uid : 0,
		.gid = in->valid & FATTR_GID ? in->gid : 0,
		.nlink = 1,
	};
}

static void answer_body(struct remote_call *call, const void *body, size_t len)
{
	remote_kernel_answer(remote_session(call->remote), call->unique, 0,
			     body, len);
	remote_call_answered(call);
}

/*
 * What was written has a receipt: the lines of it are on disk. Is there more of
 * it, that had to wait for its end? Quotes and parentheses go on in the next
 * line.
 */
static bool is_whole(const struct remote_call *call)
{
	const struct fuse_in_header *head = (void *)call->octets;
	const struct fuse_write_in *in = (void *)(head + 1);
	const char *text = (const char *)(in + 1);

	return text[call->asked - 1] == '\n' &&
	       !memchr(text, '(', call->asked) &&
	       !memchr(text, '"', call->asked);
}

/* A truncation that is done once more may take what has come since. */
static int answer_done(struct remote_call *call)
{
	const struct fuse_write_out written = {.size = (uint32_t)call->asked};
	struct fuse_attr_out set = {0};

	if (call->is_answered)
		return 0;
	if (call->opcode == FUSE_WRITE) {
		call->handle->is_dirty = !call->was_clean || !is_whole(call);
		answer_body(call, &written, sizeof(written));
	} else if (call->opcode == FUSE_SETATTR && call->type) {
		set.attr = attr_set_by(call);
		answer_body(call, &set, sizeof(set));
	} else {
		return -ESTALE;
	}
	return 0;
}

void remote_past_done(struct remote_call *call)
{
	remote_call_fail(call, answer_done(call));
}

void remote_past_undone(struct remote_call *call)
{
	if (call->stage != CALL_ASKING)
		return;
	if (call->is_root && !call->interrupted_ms)
		remote_slots_undone(call);
	else
		remote_call_fail(call, call->interrupted_ms ? -EINTR : -ESTALE);
}
