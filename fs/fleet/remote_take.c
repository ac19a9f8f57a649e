// SPDX-License-Identifier: Apache-2.0
/*
 * remote_take.c - requests of our kernel, before libfuse sees them
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

static struct fleet *fleet_of(const struct session *session)
{
	return session->fs->commons->fleet;
}

static bool is_remote(uint64_t node)
{
	return node & REMOTE_NODE_BIT;
}

/* ---- Forgets ---- */

static void forget(struct remotes *remotes, uint64_t node, uint64_t count)
{
	if (remotes)
		remote_node_forget(remotes, node, count);
}

/* Those of this host stay in the request. Return: none does. */
static bool take_forgets(struct remotes *remotes, struct fuse_in_header *head)
{
	struct fuse_batch_forget_in *in = (void *)(head + 1);
	struct fuse_forget_one *all = (void *)(in + 1);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < in->count; i++) {
		if (is_remote(all[i].nodeid))
			forget(remotes, all[i].nodeid, all[i].nlookup);
		else
			all[kept++] = all[i];
	}
	in->count = kept;
	return !kept;
}

/* ---- Calls ---- */

int remote_call_new(struct remote_call **out, struct request *request,
		    const void *octets, size_t len)
{
	struct remote_call *call = malloc(sizeof(*call) + len);
	int r;

	if (!call)
		return -ENOMEM;
	memset(call, 0, sizeof(*call));
	memcpy(call->octets, octets, len);
	call->len = len;
	r = request_take(request, call->octets, len);
	if (r < 0) {
		free(call);
		return r;
	}
	call->unique = request->head->unique;
	call->opcode = request->head->opcode;
	call->uid = request->head->uid;
	call->pid = (pid_t)request->head->pid;
	call->response_max = request->response_max;
	if (request->name)
		snprintf(call->name, sizeof(call->name), "%s", request->name);
	*out = call;
	return 0;
}

/* Both nodes are of that owner, and of its session: 0; -EXDEV, -ESTALE. */
static int take_nodes(struct remote_call *call, struct request *request,
		      struct remotes *remotes)
{
	struct remote_node *node, *second = NULL;

	node = remote_node_find(remotes, request->head->nodeid);
	if (request->second) {
		second = remote_node_find(remotes, *request->second);
		if (!is_remote(*request->second) ||
		    (node && second && second->remote != node->remote))
			return -EXDEV;
		if (!second || second->is_stale)
			return -ESTALE;
		*request->second = second->owner;
	}
	if (!node)
		return -ESTALE;
	/* Who does something with it was let by what it has of it. */
	node->is_used |= call->opcode != FUSE_GETATTR;
	call->remote = node->remote;
	call->ino = node->ino;
	call->type = node->type;
	call->is_root = node->is_root && (!second || second->is_root) &&
			!request->handle;
	request->head->nodeid = node->owner;
	/* What its open file can still be used for is seen there. */
	return node->is_stale && !request->handle ? -ESTALE : 0;
}

static int take_handle(struct remote_call *call, struct request *request,
		       struct remotes *remotes)
{
	struct remote_handle *handle;

	if (!request->handle)
		return 0;
	handle = remote_handle_find(remotes, *request->handle);
	if (!handle || handle->remote != call->remote ||
	    handle->is_dir != request->handle_is_dir)
		return -EBADF;
	call->handle = handle;
	*request->handle = handle->owner;
	return handle->is_stale ? -ESTALE : 0;
}

/* Of OPENDIR, too. */
static void note_open(struct remote_call *call, struct fuse_open_in *in)
{
	call->flags = (int)in->flags;
	in->open_flags = remote_ahead_ask(call);
	call->response_max +=
		sizeof(struct wire_ahead) + (in->open_flags & ~WIRE_AHEAD);
}

static void note_read(struct remote_call *call, struct fuse_read_in *in)
{
	struct remote_handle *handle = call->handle;

	call->flags = (int)in->flags;
	if (!handle->was_read)
		handle->never_waits = in->offset > 0;
	handle->was_read = true;
	/* Whoever waits for something to read, waits here. */
	if (!handle->never_waits)
		in->flags |= O_NONBLOCK;
}

/* Something is done to the open file. */
static void note_change(struct remote_handle *handle)
{
	handle->is_dirty = handle->was_used = true;
	handle->is_blank = false;
}

/* It may end what was written, and then it matters who closes. */
static void note_flush(struct remote_call *call, struct fuse_flush_in *in)
{
	call->is_ordered = true;
	call->tells = call->handle->is_dirty && call->pid > 0;
	call->is_blank = call->tells && call->handle->is_blank;
	in->padding = call->tells ? WIRE_TELLS : 0;
}

/* Whoever inherits what another one has opened asks what it is. */
static void note_getattr(struct remote_call *call, struct fuse_getattr_in *in)
{
	if (call->handle || call->pid <= 0)
		return;
	call->told_of = remote_looked_writer(call);
	call->tells = call->told_of;
	in->dummy = call->tells ? WIRE_TELLS : 0;
	in->fh = (uint64_t)call->told_of;
}

static void note_release(struct remote_call *call)
{
	call->is_ordered = true;
	call->uid = call->handle->uid;
	call->handle->is_released = true;
}

/* What its opcode means to order, and what is remembered of it. */
static void take_meaning(struct remote_call *call, struct request *request)
{
	struct remote_handle *handle = call->handle;
	void *body = request->body;

	switch (call->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		note_open(call, body);
		break;
	case FUSE_CREATE:
		call->flags = (int)((struct fuse_create_in *)body)->flags;
		break;
	case FUSE_GETATTR:
		note_getattr(call, body);
		break;
	case FUSE_READ:
		note_read(call, body);
		break;
	case FUSE_WRITE:
		call->asked = ((struct fuse_write_in *)body)->size;
		call->was_clean = !handle->is_dirty;
		call->is_ordered = true;
		note_change(handle);
		break;
	case FUSE_SETATTR:
		call->is_ordered = handle;
		if (handle)
			note_change(handle);
		break;
	case FUSE_FLUSH:
		note_flush(call, body);
		break;
	case FUSE_FSYNC:
		call->is_ordered = true;
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		note_release(call);
		break;
	case FUSE_POLL:
		remote_waits_poll(handle, body);
		break;
	}
}

/* ---- Answered here ---- */

/* The kernel is told at once: it is a background request, and few of these that
 * wait would stop those of this host. */
static int take_close(struct remote_call *call, int r)
{
	remote_kernel_answer(remote_session(call->remote), call->unique, 0,
			     NULL, 0);
	call->is_answered = true;
	if (!call->handle)
		return -EBADF;
	if (r < 0) {
		assert(call->handle->is_stale);
		remote_handle_tell(call->handle);
		call->handle->is_released = true;
		if (!call->handle->calls)
			remote_handle_free(call->handle);
	}
	return r;
}

/*
 * A flush of what was only read does nothing there, nor one before anything is
 * written, as a shell's, which duplicates what it has opened. Whoever closes it
 * does not wait; and programs stop when they cannot close what they only read.
 * What was written is on disk also where the open file is no more.
 */
static bool ends_nothing(const struct remote_call *call)
{
	return remote_call_ends_nothing(call) &&
	       (call->handle->is_stale ||
		(call->opcode == FUSE_FLUSH && !call->handle->was_used));
}

/*
 * All is on disk that was written. The owner hears who has closed it, in turn,
 * but has nothing to say to that; and a shell closes what it has opened for
 * others when they have ended. Who has made a file is remembered by it
 * (programs.h), which is before what he does next.
 */
static void take_flush(struct remote_call *call)
{
	const struct remote_handle *handle = call->handle;

	if (call->opcode != FUSE_FLUSH || handle->is_dirty || handle->was_made)
		return;
	remote_kernel_answer(remote_session(call->remote), call->unique, 0,
			     NULL, 0);
	call->is_answered = true;
}

static int take_apart(struct remote_call *call, struct request *request,
		      struct remotes *remotes)
{
	int r = take_nodes(call, request, remotes);

	if (r == 0)
		r = take_handle(call, request, remotes);
	if (remote_call_is_close(call) && call->remote)
		return take_close(call, r);
	if (ends_nothing(call))
		return 1;
	if (r == 0)
		take_flush(call);
	/* Why it is stale: there is nobody. */
	return r == -ESTALE && call->remote && call->remote->is_gone
		       ? -EHOSTDOWN
		       : r;
}

/*
 * ENOSYS is right for what this host does not do either: the kernel remembers
 * it, and does without.
 */
static void refuse(struct session *session, uint64_t unique, int error)
{
	remote_kernel_answer(session, unique, error == -EPROTO ? -EIO : error,
			     NULL, 0);
}

/*
 * There is no memory, and a file that is closed here is to be closed there:
 * with the session that it is of.
 */
static void close_anyhow(struct remote_handle *handle)
{
	bool is_last = !handle->calls;

	handle->is_released = true;
	remote_handle_tell(handle);
	if (!handle->is_stale) {
		remote_send_kind(handle->remote, WIRE_CLOSE);
		remote_close_session(handle->remote, -ESTALE);
	}
	if (is_last)
		remote_handle_free(handle);
}

/* Of a request for which there is no memory: the open file that it closes. */
static struct remote_handle *find_closed(struct remotes *remotes,
					 const struct fuse_buf *buf)
{
	struct request request;

	if (request_take(&request, buf->mem, buf->size) < 0 ||
	    !remote_opcode_closes(request.head->opcode))
		return NULL;
	return remote_handle_find(remotes, *request.handle);
}

/* Is it answered from what was told already? */
static bool is_known(const struct remote_call *call,
		     const struct request *request)
{
	switch (call->opcode) {
	case FUSE_READ:
		return remote_ahead_answer(call, request->body);
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return remote_listed_answer(call, request->body);
	case FUSE_LOOKUP:
		return remote_looked_answer(call);
	case FUSE_GETATTR:
		return !request->handle &&
		       ((call->is_root &&
			 remote_root_attr(call->remote, call->unique)) ||
			remote_looked_answer(call));
	default:
		return false;
	}
}

static int begin(struct remote_call *call, struct request *request)
{
	struct remote *remote = call->remote;
	int r;

	if (is_known(call, request))
		return 1;
	r = remote_want(remote);
	if (r < 0)
		return r;
	take_meaning(call, request);
	remote_looked_call(call);
	r = remote_call_begin(call);
	if (r < 0 && remote_call_is_close(call))
		close_anyhow(call->handle);
	return r;
}

static void take(struct session *session, struct remotes *remotes,
		 const struct fuse_buf *buf)
{
	const struct fuse_in_header *head = buf->mem;
	struct remote_handle *closed;
	struct remote_call *call;
	struct request request;
	int r = remote_call_new(&call, &request, buf->mem, buf->size);

	if (r < 0) {
		refuse(session, head->unique, r);
		closed = r == -ENOMEM ? find_closed(remotes, buf) : NULL;
		if (closed)
			close_anyhow(closed);
		return;
	}
	r = take_apart(call, &request, remotes);
	if (r == 0)
		r = begin(call, &request);
	else if (r > 0)
		refuse(session, head->unique, 0);
	if (r < 0 && !call->is_answered)
		refuse(session, head->unique, r);
	if (r != 0)
		free(call);
}

/* ---- All of them ---- */

static bool interrupt(struct remotes *remotes,
		      const struct fuse_in_header *head)
{
	const struct fuse_interrupt_in *in = (const void *)(head + 1);
	struct remote_call *call = NULL;

	if (remotes)
		HASH_FIND(hh, remotes->calls, &in->unique, sizeof(in->unique),
			  call);
	if (call)
		remote_call_interrupt(call);
	return call;
}

/* A node of this host's, and one of another's. */
static bool is_between(const struct fuse_in_header *head)
{
	const uint64_t *second = (const void *)(head + 1);

	switch (head->opcode) {
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
		return is_remote(*second);
	default:
		return false;
	}
}

/* Of this host's, as far as its node says so. */
static bool takes_local(struct session *session, const struct fuse_buf *buf)
{
	const struct fuse_in_header *head = buf->mem;
	struct fleet *fleet = fleet_of(session);

	if (is_between(head)) {
		refuse(session, head->unique, -EXDEV);
		return true;
	}
	return fleet && remote_root_takes(session, fleet, buf);
}

bool remote_takes(struct session *session, const struct fuse_buf *buf)
{
	struct fuse_in_header *head = buf->mem;
	struct fleet *fleet = fleet_of(session);
	struct remotes *remotes = fleet ? fleet->remotes : NULL;

	switch (head->opcode) {
	case FUSE_INTERRUPT:
		return interrupt(remotes, head);
	case FUSE_BATCH_FORGET:
		return take_forgets(remotes, head);
	case FUSE_FORGET:
		if (is_remote(head->nodeid))
			forget(remotes, head->nodeid,
			       ((struct fuse_forget_in *)(head + 1))->nlookup);
		return is_remote(head->nodeid);
	}
	if (!is_remote(head->nodeid))
		return takes_local(session, buf);
	if (remotes)
		take(session, remotes, buf);
	else
		refuse(session, head->unique, -EHOSTDOWN);
	return true;
}
