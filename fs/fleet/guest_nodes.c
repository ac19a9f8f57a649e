// SPDX-License-Identifier: Apache-2.0
/*
 * guest_nodes.c - what a guest calls the nodes and open files that it holds
 *
 * In the view a node and an open file is an address. A guest is told numbers
 * instead, which are counted and never used twice in a session, so that what it
 * makes up is no address but a number that there is not.
 *
 * A kernel forgets a node when nothing asks for it any more, and closes a file
 * when nobody reads it. That is what the operations of fs/ take for granted. A
 * guest need not keep to it: so what it gives back stays here until the last
 * call with it has ended.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "fs/fleet/guest_layout.h"
#include "fs/node.h"

/* ---- Nodes ---- */

static struct guest_node *find_ino(struct guest_session *session, uint64_t ino)
{
	struct guest_node *node;

	HASH_FIND(by_ino, session->inos, &ino, sizeof(ino), node);
	return node;
}

struct guest_node *guest_nodes_find(struct guest_session *session,
				    uint64_t number)
{
	struct guest_node *node;

	HASH_FIND(by_number, session->nodes, &number, sizeof(number), node);
	/* One that it has forgotten is none, though a call may still run. */
	return node && node->given ? node : NULL;
}

uint64_t guest_nodes_number(struct guest_session *session, uint64_t ino)
{
	struct guest_node *node = find_ino(session, ino);

	return node && node->given ? node->number : 0;
}

static bool has_room(const struct guest_session *session)
{
	return guest_counts(session)->nodes < GUEST_NODES_MAX &&
	       HASH_CNT(by_number, session->nodes) < GUEST_NODES_MAX / 2;
}

static struct guest_node *node_new(struct guest_session *session, uint64_t ino)
{
	struct guest_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->ino = ino;
	node->number = session->next_node++;
	HASH_ADD(by_number, session->nodes, number, sizeof(node->number), node);
	HASH_ADD(by_ino, session->inos, ino, sizeof(node->ino), node);
	guest_counts(session)->nodes += ino != FUSE_ROOT_ID;
	return node;
}

static void node_drop(struct guest_session *session, struct guest_node *node)
{
	assert(!node->uses);
	if (node->is_due)
		DL_DELETE(session->due, node);
	HASH_DELETE(by_number, session->nodes, node);
	HASH_DELETE(by_ino, session->inos, node);
	guest_counts(session)->nodes -= node->ino != FUSE_ROOT_ID;
	free(node);
}

int guest_nodes_init(struct guest_session *session)
{
	struct guest_node *root;

	session->next_node = FUSE_ROOT_ID;
	session->next_handle = 1;
	root = node_new(session, FUSE_ROOT_ID);
	if (!root)
		return -ENOMEM;
	/* It is there as long as the view is, and is never given back. */
	root->given = 1;
	assert(root->number == FUSE_ROOT_ID);
	return 0;
}

struct guest_node *guest_nodes_give(struct guest_session *session, uint64_t ino)
{
	struct guest_node *node = find_ino(session, ino);

	if (!node && has_room(session))
		node = node_new(session, ino);
	if (!node || ino == FUSE_ROOT_ID)
		return node;
	node->given++;
	node->held++;
	return node;
}

/* In the midst of an operation it cannot be given back yet. */
static void look_later(struct guest_session *session, struct guest_node *node)
{
	if (node->given || node->uses || node->is_due)
		return;
	DL_APPEND(session->due, node);
	node->is_due = true;
}

/* Without memory it goes back with the session. */
void guest_nodes_return(struct guest_session *session, uint64_t ino)
{
	struct guest_node *node = find_ino(session, ino);

	if (!node)
		node = node_new(session, ino);
	if (!node)
		return;
	node->held++;
	look_later(session, node);
}

static void forget(struct guest_session *session, struct guest_node *node,
		   uint64_t count)
{
	assert(node->given >= count && node->ino != FUSE_ROOT_ID);
	node->given -= count;
	look_later(session, node);
}

void guest_nodes_take(struct guest_session *session, struct guest_node *node,
		      bool given_back)
{
	if (node->ino == FUSE_ROOT_ID)
		return;
	forget(session, node, 1);
	node->held -= given_back;
}

struct guest_node *guest_nodes_use(struct guest_node *node)
{
	if (node)
		node->uses++;
	return node;
}

void guest_nodes_unuse(struct guest_session *session, struct guest_node *node)
{
	if (!node)
		return;
	assert(node->uses > 0);
	node->uses--;
	look_later(session, node);
}

int guest_nodes_forget(struct guest_session *session,
		       const struct wire_forget *asked)
{
	struct guest_node *node = guest_nodes_find(session, asked->node);

	/* The root is not counted, there as here. */
	if (node && node->ino == FUSE_ROOT_ID)
		return 0;
	if (!node || node->given < asked->count)
		return -EPROTO;
	forget(session, node, asked->count);
	return 0;
}

void guest_nodes_chores(struct guest_session *session)
{
	struct guest_node *node;

	while ((node = session->due)) {
		DL_DELETE(session->due, node);
		node->is_due = false;
		/* It was given, or is in use, again. */
		if (node->given || node->uses)
			continue;
		if (node->held)
			node_put(session->view,
				 node_of(session->view, node->ino), node->held);
		node_drop(session, node);
	}
}

/* ---- Open files ---- */

struct guest_handle *guest_handles_give(struct guest_session *session,
					uint64_t fh,
					const struct guest_slot *slot,
					struct guest_node *node)
{
	struct guest_handle *handle = calloc(1, sizeof(*handle));
	int access = slot->open_flags & O_ACCMODE;

	if (!handle)
		return NULL;
	handle->fh = fh;
	handle->number = session->next_handle++;
	handle->node = guest_nodes_use(node);
	handle->is_dir = slot->opcode == FUSE_OPENDIR;
	handle->reads = access != O_WRONLY;
	handle->writes = !handle->is_dir && access != O_RDONLY;
	handle->is_stream = node_of(session->view, node->ino)->kind->is_stream;
	HASH_ADD(hh, session->handles, number, sizeof(handle->number), handle);
	guest_counts(session)->handles++;
	return handle;
}

struct guest_handle *guest_handles_find(struct guest_session *session,
					uint64_t number)
{
	struct guest_handle *handle;

	HASH_FIND(hh, session->handles, &number, sizeof(number), handle);
	return handle && !handle->is_closing && !handle->is_discarded ? handle
								      : NULL;
}

void guest_handles_drop(struct guest_session *session,
			struct guest_handle *handle)
{
	assert(!handle->uses);
	HASH_DEL(session->handles, handle);
	guest_nodes_unuse(session, handle->node);
	guest_counts(session)->handles--;
	free(handle);
}

void guest_handles_discard(struct guest_session *session,
			   const struct wire_discard *discard)
{
	struct guest_handle *handle =
		guest_handles_find(session, discard->handle);

	if (!handle)
		return;
	handle->is_discarded = true;
	session->discards++;
}

void guest_handles_chores(struct guest_session *session)
{
	struct guest_handle *handle, *next;

	if (!session->discards)
		return;
	HASH_ITER (hh, session->handles, handle, next) {
		if (!handle->is_discarded || handle->uses)
			continue;
		view_discard(session->view, handle->fh, handle->is_dir);
		guest_handles_drop(session, handle);
		session->discards--;
	}
}

/* ---- The end ---- */

void guest_nodes_deinit(struct guest_session *session)
{
	struct guest_handle *handle, *next_handle;
	struct guest_node *node, *next;

	HASH_ITER (hh, session->handles, handle, next_handle) {
		handle->uses = 0;
		guest_handles_drop(session, handle);
	}
	/* There may be a million: taken out one by one, it takes four times as
	 * long. */
	node = session->nodes;
	session->due = NULL;
	HASH_CLEAR(by_ino, session->inos);
	HASH_CLEAR(by_number, session->nodes);
	for (; node; node = next) {
		next = node->by_number.next;
		guest_counts(session)->nodes -= node->ino != FUSE_ROOT_ID;
		free(node);
	}
}
