// SPDX-License-Identifier: Apache-2.0
/*
 * remote_listed.c - a listing that came with the answer to an OPENDIR
 *
 * Whoever opens a directory lists it, and asks once more to see its end. What
 * has come is handed to our kernel in pieces of the length that it wants, at
 * once or never: attributes are told with the names, and those that change
 * would be told as they were. Then, and behind it if it is not all, the owner
 * is asked, who goes on where the last entry was.
 *
 * An entry's node is our kernel's once that has taken it. Those that it was
 * not told of, or only by name, are given back.
 */
#include "fs/fleet/remote_layout.h"

/* The whole of it, as a response that can be walked. */
static struct response all_of(struct remote_ahead *ahead)
{
	return (struct response){.body = ahead->text, .body_len = ahead->len};
}

static int give_back(void *arg, struct fuse_entry_out *entry,
		     struct fuse_dirent *dirent)
{
	struct remotes *remotes = arg;

	(void)dirent;
	if (entry->nodeid)
		remote_node_forget(remotes, entry->nodeid, 1);
	return 0;
}

void remote_listed_give_back(struct remote_ahead *ahead)
{
	const struct response all = all_of(ahead);

	response_walk(&all, FUSE_READDIRPLUS, give_back,
		      ahead->handle->remote->remotes);
}

/* ---- A piece ---- */

struct piece {
	const struct fuse_read_in *in;
	bool is_plus;
	uint64_t last; /* place of the last entry that is in it, or before it */
	bool is_full;
	char *out;
	size_t len;
};

static size_t add_name(struct piece *piece, const struct fuse_dirent *from)
{
	size_t len = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + from->namelen);

	memset(piece->out + piece->len, 0, len);
	memcpy(piece->out + piece->len, from, FUSE_NAME_OFFSET + from->namelen);
	return len;
}

static int add(void *arg, struct fuse_entry_out *entry,
	       struct fuse_dirent *dirent)
{
	struct piece *piece = arg;
	size_t head =
		piece->is_plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t len = FUSE_DIRENT_ALIGN(head + dirent->namelen);

	if (dirent->off <= piece->in->offset || piece->is_full)
		return 0;
	piece->is_full = len > piece->in->size - piece->len;
	if (piece->is_full)
		return 0;
	/* An entry and its name lie side by side. */
	if (piece->is_plus)
		memcpy(piece->out + piece->len, entry, len);
	else
		add_name(piece, dirent);
	piece->len += len;
	piece->last = dirent->off;
	return 0;
}

/* What was in that piece is our kernel's. */
static int let_go(void *arg, struct fuse_entry_out *entry,
		  struct fuse_dirent *dirent)
{
	const struct piece *piece = arg;

	if (dirent->off > piece->in->offset && dirent->off <= piece->last)
		entry->nodeid = 0;
	return 0;
}

static bool is_for(const struct remote_ahead *ahead, uint64_t offset)
{
	return ahead->is_begun == (offset > 0) &&
	       !remote_ahead_is_over(ahead, uv_hrtime());
}

static void answer(const struct remote_call *call, struct remote_ahead *ahead,
		   struct piece *piece)
{
	const struct response all = all_of(ahead);
	int r = remote_kernel_answer(remote_session(call->remote), call->unique,
				     0, piece->out, piece->len);

	if (!ahead->is_begun)
		ahead->until_ns = uv_hrtime() + REMOTE_OPENED_NS;
	ahead->is_begun = true;
	call->remote->listed_ms = bus_now_ms();
	if (r >= 0 && piece->is_plus)
		response_walk(&all, FUSE_READDIRPLUS, let_go, piece);
	if (!piece->len)
		remote_ahead_drop(call->handle);
}

bool remote_listed_answer(const struct remote_call *call,
			  const struct fuse_read_in *in)
{
	CLEANUP(freep) char *out = NULL;
	struct remote_ahead *ahead = call->handle->ahead;
	struct response all;
	struct piece piece = {
		.in = in,
		.is_plus = call->opcode == FUSE_READDIRPLUS,
		.last = in->offset,
	};

	if (!ahead)
		return false;
	all = all_of(ahead);
	if (is_for(ahead, in->offset))
		piece.out = out = malloc(in->size);
	if (out)
		response_walk(&all, FUSE_READDIRPLUS, add, &piece);
	/* Behind it, and where an entry does not fit, the owner goes on. */
	if (!out || (!piece.len && (piece.is_full || !ahead->is_whole))) {
		remote_ahead_drop(call->handle);
		return false;
	}
	answer(call, ahead, &piece);
	return true;
}
