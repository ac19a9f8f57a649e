// SPDX-License-Identifier: Apache-2.0
/*
 * remote_answers.c - what the owner answers, and what our kernel gets of it
 *
 * Nothing of it is believed before response_take() has looked at it. Nodes and
 * open files get our numbers; that counts them, so what our kernel does not
 * take is given back by the same numbers.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "fs/fleet/remote_layout.h"

/* Our kernel may believe what a listing says for so long, in seconds. */
#define LISTED_MAX 1

/* What the owner may say of an open file; the rest is ours to say. */
#define OPEN_FLAGS ((uint32_t)(FOPEN_NONSEEKABLE | FOPEN_STREAM))

/* ---- Our numbers ---- */

static void give_attr(const struct remote_call *call, struct fuse_attr *attr)
{
	const struct remote *remote = call->remote;

	attr->ino = response_ino(remote->uuid,
				 call->is_root && call->opcode != FUSE_LOOKUP
					 ? FUSE_ROOT_ID
					 : attr->ino);
	attr->flags = 0; /* of mounts and of devices: none has them here */
}

static void cap(uint64_t *seconds, uint32_t *nanoseconds)
{
	if (*seconds < LISTED_MAX)
		return;
	*seconds = LISTED_MAX;
	*nanoseconds = 0;
}

static int give_entry(struct remote *remote, struct fuse_entry_out *entry)
{
	struct remote_node *node;
	int r;

	entry->generation = 0; /* no number is used twice */
	cap(&entry->entry_valid, &entry->entry_valid_nsec);
	cap(&entry->attr_valid, &entry->attr_valid_nsec);
	entry->attr.ino = response_ino(remote->uuid, entry->attr.ino);
	entry->attr.flags = 0;
	r = remote_node_given(remote, entry->nodeid, &entry->nodeid);
	if (r < 0)
		return r;
	node = remote_node_find(remote->remotes, entry->nodeid);
	node->ino = entry->attr.ino;
	node->type = entry->attr.mode & S_IFMT;
	node->is_told |= entry->attr_valid || entry->attr_valid_nsec;
	return 0;
}

/* One that cannot be given is looked up by our kernel, who is told then. */
static int give_listed(void *arg, struct fuse_entry_out *entry,
		       struct fuse_dirent *dirent)
{
	struct remote *remote = arg;

	dirent->ino = response_ino(remote->uuid, dirent->ino);
	if (!entry || !entry->nodeid)
		return 0;
	if (give_entry(remote, entry) < 0)
		entry->nodeid = 0;
	else
		remote_node_find(remote->remotes, entry->nodeid)->is_listed =
			true;
	return 0;
}

static void give_back_node(struct remote *remote, uint64_t number)
{
	remote_node_forget(remote->remotes, number, 1);
}

static int give_back_listed(void *arg, struct fuse_entry_out *entry,
			    struct fuse_dirent *dirent)
{
	(void)dirent;
	if (entry && entry->nodeid)
		give_back_node(arg, entry->nodeid);
	return 0;
}

/* Nodes of a listing that is not kept are nobody's. */
static void take_ahead(struct remote_call *call, struct remote_handle *handle,
		       const struct response *response)
{
	struct remote *remote = call->remote;
	struct response listing;

	if (!handle->is_dir) {
		remote_ahead_take(call, handle, response);
		return;
	}
	listing = response_ahead(response);
	response_walk(&listing, FUSE_READDIRPLUS, give_listed, remote);
	remote_ahead_take(call, handle, response);
	if (!handle->ahead)
		response_walk(&listing, FUSE_READDIRPLUS, give_back_listed,
			      remote);
}

static int give_open(struct remote_call *call, struct response *response)
{
	struct fuse_open_out *open = response->open;
	uint64_t told = call->opcode == FUSE_OPEN ? response->head->unique : 0;
	struct remote_handle *handle;
	int r = remote_handle_new(&handle, call->remote, open->fh, call);

	if (r < 0)
		return r;
	open->fh = handle->number;
	handle->is_blank = handle->is_dirty && told & WIRE_BLANK;
	open->open_flags &= OPEN_FLAGS;
	/* Contents change without the kernel's knowing. */
	if (!handle->is_dir)
		open->open_flags |= FOPEN_DIRECT_IO;
	if (response->ahead)
		take_ahead(call, handle, response);
	return 0;
}

static int give_made(struct remote_call *call, struct response *response)
{
	struct fuse_entry_out *entry = response->entry;
	bool is_to_keep = call->opcode == FUSE_LOOKUP &&
			  (entry->attr_valid || entry->attr_valid_nsec);
	uint64_t owner = entry->nodeid;
	int r;

	if (!entry->nodeid)
		return -ENOENT;
	r = give_entry(call->remote, entry);
	if (r < 0)
		return r;
	entry->entry_valid = entry->attr_valid = 0;
	entry->entry_valid_nsec = entry->attr_valid_nsec = remote_believe(
		remote_node_find(call->remote->remotes, entry->nodeid),
		&entry->attr, REMOTE_MOMENT_NS);
	if (is_to_keep)
		remote_looked_found(call, owner, &entry->attr);
	r = response->open ? give_open(call, response) : 0;
	if (r < 0)
		give_back_node(call->remote, entry->nodeid);
	return r;
}

static void give_attr_out(struct remote_call *call, struct response *response)
{
	struct fuse_attr_out *out = response->body;
	const struct fuse_in_header *head = (const void *)call->octets;
	struct remote_node *node = remote_node_of(call->remote, head->nodeid);

	give_attr(call, response->attr);
	out->attr_valid = out->attr_valid_nsec = 0;
	if (node)
		out->attr_valid_nsec = remote_believe_asked(node, &out->attr,
							    REMOTE_MOMENT_NS);
}

/* 0; -EPROTO, -ENOMEM: nothing was given. */
static int give(struct remote_call *call, struct response *response)
{
	switch (call->opcode) {
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		call->remote->listed_ms = bus_now_ms();
		return response_walk(response, call->opcode, give_listed,
				     call->remote);
	}
	if (response->entry)
		return give_made(call, response);
	if (response->open)
		return give_open(call, response);
	if (response->attr)
		give_attr_out(call, response);
	return 0;
}

/* ---- Nobody takes it ---- */

static void give_back(struct remote_call *call, struct response *response)
{
	struct remote *remote = call->remote;
	struct remote_handle *handle = NULL;

	if (call->opcode == FUSE_READDIRPLUS)
		response_walk(response, call->opcode, give_back_listed, remote);
	if (response->entry)
		give_back_node(remote, response->entry->nodeid);
	if (response->open)
		handle =
			remote_handle_find(remote->remotes, response->open->fh);
	if (handle)
		remote_handle_discard(handle);
	remote_notes_go(remote, bus_now_ms());
}

/* ---- To our kernel ---- */

static void deliver(struct remote_call *call, struct response *response)
{
	struct session *session = remote_session(call->remote);
	int r = -ENOENT;

	if (!call->is_answered)
		r = remote_kernel_answer(session, call->unique, 0,
					 response->body, response->body_len);
	/* Who waits for an answer that is refused would wait for ever. */
	if (r == -EINVAL)
		remote_kernel_answer(session, call->unique, -EIO, NULL, 0);
	remote_call_answered(call);
	if (r < 0)
		give_back(call, response);
	remote_call_end(call);
}

static void note_done(const struct remote_call *call)
{
	struct remote *remote = call->remote;
	struct fleet *fleet = remote->remotes->fleet;
	uint64_t now_ns = uv_hrtime();

	remote->remotes->figures.answered++;
	histogram_add(&fleet->calls, now_ns - call->begun_ns);
	/* Of one that was sent again it is not known which time is told. */
	if (!call->was_resent)
		remote->round_trip_ns = now_ns - call->sent_ns;
}

static bool is_ready(const struct remote_call *call,
		     const struct response *response)
{
	const struct fuse_poll_out *out = response->body;

	assert(call->opcode == FUSE_POLL);
	return response->head->error || (out->revents & ~(uint32_t)POLLOUT);
}

static bool has_to_wait(const struct remote_call *call, int error)
{
	return error == -EAGAIN && call->opcode == FUSE_READ &&
	       !call->is_answered && !(call->flags & O_NONBLOCK);
}

/* In the session before: the receipt of a flush is of what it has ended. */
static bool is_published(const struct remote_call *call,
			 const struct response *response)
{
	return call->stage == CALL_ASKING && call->opcode == FUSE_FLUSH &&
	       !response->head->error;
}

static void take(struct remote_call *call, struct response *response)
{
	int error = remote_looked_error(call, response->head->error);

	note_done(call);
	remote_looked_call(call);
	if (is_published(call, response))
		call->handle->is_dirty = false;
	else if (call->is_ordered && !remote_call_is_close(call))
		call->handle->is_dirty =
			!(response->head->unique & WIRE_SETTLED);
	if (error == 0)
		error = give(call, response);
	if (error == 0)
		deliver(call, response);
	else
		remote_call_fail(call, error == -EPROTO ? -EIO : error);
}

/* The end of a POLL of our own; a read that has to wait. */
static bool is_ours(struct remote_call *call, const struct response *response)
{
	if (call->is_poll) {
		call->is_ready = is_ready(call, response);
		remote_call_end(call);
		return true;
	}
	if (!has_to_wait(call, response->head->error))
		return false;
	if (call->interrupted_ms)
		remote_call_fail(call, -EINTR);
	else
		remote_waits_park(call);
	return true;
}

static void answer(struct remote_call *call, void *octets, size_t len)
{
	const struct fuse_out_header *head = octets;
	struct response response;
	int r;

	if (call->stage == CALL_ASKING && len == sizeof(*head) &&
	    !head->error && call->response_max) {
		remote_past_done(call);
		return;
	}
	r = response_take(&response, call->opcode, call->response_max, octets,
			  len);
	if (r < 0) {
		remote_call_fail(call, -EIO);
		return;
	}
	if (!is_ours(call, &response))
		take(call, &response);
}

/* ---- In pieces ---- */

/* Return: whether it fits; one that comes twice does not. */
static bool join(struct remote_call *call, const struct wire_head *head,
		 const void *body, size_t len)
{
	bool fits = !call->answer || head->offset;

	if (head->offset == 0) {
		free(call->answer);
		call->answer = malloc(head->whole);
		call->answer_whole = head->whole;
		call->answer_len = 0;
	}
	/* One has got lost: it is asked for again. */
	if (!call->answer || head->offset != call->answer_len ||
	    head->whole != call->answer_whole ||
	    len > call->answer_whole - call->answer_len)
		return false;
	memcpy((char *)call->answer + call->answer_len, body, len);
	call->answer_len += len;
	return fits;
}

bool remote_answer_part(struct remote_call *call, const struct wire_head *head,
			void *body, size_t len)
{
	size_t body_max = call->opcode == FUSE_WRITE
				  ? sizeof(struct fuse_write_out)
				  : call->response_max;
	size_t max = sizeof(struct fuse_out_header) + body_max;

	if (head->whole > max || head->whole < sizeof(struct fuse_out_header)) {
		remote_call_fail(call, -EIO);
		return false;
	}
	if (head->whole == len) {
		answer(call, body, len);
		return true;
	}
	if (!join(call, head, body, len))
		return false;
	if (call->answer_len == call->answer_whole)
		answer(call, call->answer, call->answer_len);
	return true;
}
