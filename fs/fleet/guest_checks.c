// SPDX-License-Identifier: Apache-2.0
/*
 * guest_checks.c - is a call one that a kernel would make?
 *
 * What operations take for granted of a kernel is seen to here: that a number
 * is a node's, that a directory is one, that who writes has opened for writing,
 * that a file is closed once.
 */
#include <errno.h>
#include <linux/fuse.h>

#include "fs/fleet/guest_layout.h"
#include "fs/node.h"

/* ---- What it is about ---- */

/* Its own node is there until it is closed, also if it is forgotten first. */
static int find_handle(struct guest_slot *slot, const struct request *request)
{
	struct guest_handle *handle =
		guest_handles_find(slot->session, *request->handle);

	if (!handle || handle->is_dir != request->handle_is_dir ||
	    handle->node->number != request->head->nodeid)
		return -EBADF;
	*request->handle = handle->fh;
	slot->handle = handle;
	slot->node = guest_nodes_use(handle->node);
	if (guest_call_closes(slot->opcode))
		handle->is_closing = true;
	else
		handle->uses++;
	return 0;
}

static int find_nodes(struct guest_slot *slot, const struct request *request)
{
	struct guest_session *session = slot->session;

	if (!request->handle)
		slot->node = guest_nodes_use(
			guest_nodes_find(session, request->head->nodeid));
	if (!slot->node)
		return -ESTALE;
	request->head->nodeid = slot->node->ino;
	if (!request->second)
		return 0;
	slot->second =
		guest_nodes_use(guest_nodes_find(session, *request->second));
	if (!slot->second)
		return -ESTALE;
	*request->second = slot->second->ino;
	return 0;
}

static bool is_dir(const struct guest_slot *slot, const struct guest_node *node)
{
	return node_is_dir(node_of(slot->session->view, node->ino));
}

/* A kernel knows all that, and asks nothing else. */
static int check_kinds(const struct guest_slot *slot,
		       const struct request *request)
{
	bool dir = is_dir(slot, slot->node);

	if (request->name && !dir)
		return -ENOTDIR;
	if (slot->opcode == FUSE_RENAME || slot->opcode == FUSE_RENAME2)
		return is_dir(slot, slot->second) ? 0 : -ENOTDIR;
	if (slot->opcode == FUSE_OPEN)
		return dir ? -EISDIR : 0;
	if (slot->opcode == FUSE_OPENDIR)
		return dir ? 0 : -ENOTDIR;
	return 0;
}

static int check_handle(const struct guest_slot *slot,
			const struct request *request)
{
	const struct guest_handle *handle = slot->handle;
	const struct fuse_setattr_in *set = request->body;

	switch (slot->opcode) {
	case FUSE_READ:
		return handle->reads ? 0 : -EBADF;
	case FUSE_WRITE:
		return handle->writes ? 0 : -EBADF;
	case FUSE_SETATTR:
		return !handle || handle->writes || !(set->valid & FATTR_SIZE)
			       ? 0
			       : -EBADF;
	default:
		return 0;
	}
}

/* ---- Put right ---- */

static void squash(const struct guest_slot *slot, struct fuse_in_header *head)
{
	if (guest_grant(slot->session->guest) == GRANT_ADMIN)
		return;
	if (head->uid == 0)
		head->uid = GUEST_NOBODY;
	if (head->gid == 0)
		head->gid = GUEST_NOBODY;
}

/* What cannot be done again is as much as is kept: see guest.h. */
static void cut_read(struct guest_slot *slot, const struct request *request)
{
	bool lists = slot->opcode == FUSE_READDIR ||
		     slot->opcode == FUSE_READDIRPLUS;
	struct fuse_read_in *in = request->body;
	size_t most = GUEST_ANSWER_KEPT;

	if (!lists && !(slot->opcode == FUSE_READ && slot->handle->is_stream))
		return;
	if (lists && in->size > GUEST_ANSWER_KEPT)
		most = guest_slot_lists(slot);
	if (in->size > most)
		in->size = (uint32_t)most;
}

static void note(struct guest_slot *slot, const struct request *request)
{
	/* Both begin with the flags. */
	if (slot->opcode == FUSE_OPEN || slot->opcode == FUSE_CREATE)
		slot->open_flags = (int)*(const uint32_t *)request->body;
	else
		slot->open_flags = O_RDONLY;
	slot->pid = (pid_t)request->head->pid;
	slot->tells = request->tells;
	slot->told_of = request->told_of;
}

/* ---- All of it ---- */

int guest_check(struct guest_slot *slot, struct request *request)
{
	int r = guest_ready(slot->session);

	if (r == 0 && request->handle)
		r = find_handle(slot, request);
	if (r == 0)
		r = find_nodes(slot, request);
	if (r == 0)
		r = check_kinds(slot, request);
	if (r == 0)
		r = check_handle(slot, request);
	if (r < 0)
		return r;
	squash(slot, request->head);
	cut_read(slot, request);
	note(slot, request);
	if (slot->opcode == FUSE_OPEN || slot->opcode == FUSE_OPENDIR)
		guest_ahead_note(slot, request);
	return 0;
}
