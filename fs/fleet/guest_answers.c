// SPDX-License-Identifier: Apache-2.0
/*
 * guest_answers.c - what the view would write to a kernel, on its way to a
 * guest
 *
 * Addresses become the guest's numbers. An answer that the guest cannot be
 * given, for there is no memory, is as one to a caller who is no more: the view
 * gives back what it was to tell of.
 */
#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>

#include "fs/fleet/guest_layout.h"

static uint8_t *gather(const struct iovec *iov, int count, size_t *len)
{
	uint8_t *octets, *at;

	*len = 0;
	for (int i = 0; i < count; i++)
		*len += iov[i].iov_len;
	octets = malloc(*len);
	if (!octets)
		return NULL;
	at = octets;
	for (int i = 0; i < count; i++) {
		memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return octets;
}

/* ---- Notifications ---- */

/* Only what a kernel may be told of its own nodes and polls: see wire.h. */
static bool number_notification(struct guest_session *session, int kind,
				uint8_t *octets, size_t len)
{
	struct fuse_notify_inval_inode_out *inode =
		(void *)(octets + sizeof(struct fuse_out_header));

	if (kind == FUSE_NOTIFY_POLL)
		return true;
	if (kind != FUSE_NOTIFY_INVAL_INODE ||
	    len < sizeof(struct fuse_out_header) + sizeof(*inode))
		return false;
	inode->ino = guest_nodes_number(session, inode->ino);
	return inode->ino != 0;
}

/* ---- Entries ---- */

static int give_entry(struct guest_session *session,
		      struct fuse_entry_out *entry, struct guest_node **out)
{
	struct guest_node *node;

	/* There is none, or none that the guest's kernel counts. */
	if (!entry->nodeid)
		return 0;
	node = guest_nodes_give(session, entry->nodeid);
	if (!node)
		return -ENOMEM;
	entry->nodeid = node->number;
	*out = node;
	return 0;
}

/* One that is too many is listed without its node; who looks it up is told. */
static int give_each(void *arg, struct fuse_entry_out *entry,
		     struct fuse_dirent *dirent)
{
	struct guest_session *session = arg;
	struct guest_node *node;

	(void)dirent;
	if (!entry || give_entry(session, entry, &node) == 0)
		return 0;
	guest_nodes_return(session, entry->nodeid);
	*entry = (struct fuse_entry_out){0};
	return 0;
}

int guest_answers_list(struct guest_session *session,
		       const struct response *listing)
{
	return response_walk(listing, FUSE_READDIRPLUS, give_each, session);
}

static int give_entries(struct guest_session *session, uint8_t *octets,
			size_t len)
{
	struct fuse_out_header *head = (void *)octets;
	const struct response response = {
		.head = head,
		.body = head + 1,
		.body_len = len - sizeof(*head),
	};

	return guest_answers_list(session, &response);
}

/* ---- Responses ---- */

static int give_open(struct guest_slot *slot, struct guest_node *node,
		     struct fuse_open_out *open)
{
	struct guest_handle *handle =
		guest_handles_give(slot->session, open->fh, slot, node);

	if (!handle)
		return -ENOMEM;
	open->fh = handle->number;
	slot->opened = handle;
	return 0;
}

static int give_created(struct guest_slot *slot, struct fuse_entry_out *entry)
{
	struct guest_node *node = NULL;
	int r = give_entry(slot->session, entry, &node);

	if (r < 0 || !node)
		return r < 0 ? r : -EIO;
	r = give_open(slot, node, (struct fuse_open_out *)(entry + 1));
	if (r < 0)
		guest_nodes_take(slot->session, node, true);
	return r;
}

static int number_response(struct guest_slot *slot, uint8_t *octets, size_t len)
{
	void *body = octets + sizeof(struct fuse_out_header);
	struct guest_node *node;

	switch (slot->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKDIR:
	case FUSE_MKNOD:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		return give_entry(slot->session, body, &node);
	case FUSE_CREATE:
		return give_created(slot, body);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return give_open(slot, slot->node, body);
	case FUSE_READDIRPLUS:
		return give_entries(slot->session, octets, len);
	default:
		return 0;
	}
}

/* By the number that its request had in the view. */
static struct guest_slot *find_slot(struct guest_session *session,
				    uint64_t unique)
{
	struct guest_slot *slot = &session->slots[unique >> 1 & 63];

	static_assert(WIRE_SLOTS == 64, "so many numbers of slots");
	return slot->state == SLOT_RUNS && slot->unique == unique ? slot : NULL;
}

ssize_t guest_answers_write(void *arg, const struct iovec *iov, int count)
{
	const struct fuse_out_header *head = iov[0].iov_base;
	struct guest_session *session = arg;
	struct guest_slot *slot = find_slot(session, head->unique);
	CLEANUP(freep) uint8_t *octets = NULL;
	size_t len;
	int r;

	octets = gather(iov, count, &len);
	/* One that the writer has refused ends soon: guest_session_is_over().
	 */
	if (slot && (session->guest->session != session ||
		     atomic_load(&session->was_refused))) {
		guest_slot_over(slot, !head->error);
		return (ssize_t)len;
	}
	if (head->unique && !slot)
		return (ssize_t)len; /* to an interrupt */
	if (!head->unique) {
		if (octets &&
		    number_notification(session, head->error, octets, len))
			guest_say(session, WIRE_NOTIFY, 0, 0, octets, len);
		return (ssize_t)len;
	}
	if (guest_ahead_came(slot, octets)) {
		steal(&octets);
		return (ssize_t)len;
	}
	r = octets ? 0 : -ENOMEM;
	if (r == 0 && !head->error)
		r = number_response(slot, octets, len);
	if (r < 0)
		guest_slot_end(slot, WIRE_ANSWER, r);
	else if (head->error || !guest_ahead_opened(slot, octets))
		guest_slot_answer(slot, steal(&octets), len);
	else
		steal(&octets);
	return r < 0 ? -ENOENT : (ssize_t)len;
}
