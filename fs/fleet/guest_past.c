// SPDX-License-Identifier: Apache-2.0
/*
 * guest_past.c - what became of calls whose answers were lost with a session
 *
 * What is on disk has a receipt there (receipt.h). What is only in memory is
 * noted here, as long as the guest is: it is gone with this daemon, too. A
 * draft that was made is taken back, as the answer to one who is no more would
 * be: who asks makes it again, and hears whether it was new.
 *
 * Who asks for a mkdir waits for an entry, as that would have had. So the
 * anchor is looked up in the new view, as a kernel would, and that is the
 * answer.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>

#include "fs/drafts.h"
#include "fs/fleet/guest_layout.h"
#include "fs/node.h"

/* ---- Noted ---- */

void guest_past_note(const struct guest_session *session)
{
	struct guest *guest = session->guest;

	for (size_t i = 0; i < WIRE_SLOTS; i++) {
		const struct guest_slot *slot = &session->slots[i];

		if (!slot->was_done)
			continue;
		if (!guest->done)
			guest->done = calloc(WIRE_SLOTS, sizeof(*guest->done));
		/* Then it was not done, for all that anybody knows. */
		if (!guest->done)
			return;
		guest->done[i] = (struct guest_done){
			.session = session->number,
			.seq = slot->seq,
		};
	}
}

static bool is_noted(const struct guest *guest,
		     const struct wire_was_done *about)
{
	const struct guest_done *done = guest->done;

	return done && done[about->slot].session == about->session &&
	       done[about->slot].seq == about->seq;
}

/* ---- An anchor that was made ---- */

static struct anchor *find_anchor(struct host *host, uint64_t id)
{
	struct anchor *at = host->root;

	while (at && at->id != id)
		at = anchor_next(host->root, at);
	return at;
}

/* The directory that it is in, as a node that is in use and was not given. */
static int use_parent(struct guest_slot *slot, const struct anchor *anchor)
{
	struct guest_session *session = slot->session;
	struct node *node =
		node_get(session->view, &dir_anchor, anchor->parent, NULL, 0);
	struct guest_node *parent;

	if (!node)
		return -ENOMEM;
	parent = guest_nodes_give(session, node_ino(session->view, node));
	if (!parent || parent->ino == FUSE_ROOT_ID)
		node_put(session->view, node, 1);
	if (!parent)
		return -ENOMEM;
	slot->node = guest_nodes_use(parent);
	guest_nodes_take(session, parent, false);
	return 0;
}

static void answer_made(struct guest_slot *slot, uint64_t id)
{
	struct host *host = guest_host(slot->session);
	const struct anchor *anchor = find_anchor(host, id);
	int r = guest_ready(slot->session);
	struct {
		struct fuse_in_header head;
		char name[REQUEST_NAME_MAX + 1];
	} lookup = {.head.opcode = FUSE_LOOKUP};

	if (r == 0)
		r = anchor && anchor->parent ? use_parent(slot, anchor)
					     : -ENOENT;
	if (r < 0) {
		guest_slot_end(slot, WIRE_ANSWER, r);
		return;
	}
	slot->opcode = FUSE_LOOKUP;
	lookup.head.nodeid = slot->node->ino;
	snprintf(lookup.name, sizeof(lookup.name), "%s", anchor->name);
	lookup.head.len =
		(uint32_t)(sizeof(lookup.head) + strlen(lookup.name) + 1);
	guest_call_run(slot, &lookup, lookup.head.len);
}

/* ---- Asked ---- */

/* No task of that session is on its way any more: this one waited for that. */
void guest_past_look(struct guest_slot *slot, const struct wire_was_done *about)
{
	struct guest_session *session = slot->session;
	const struct receipt receipt =
		receipt_of(session->guest->name, about->session,
			   (uint16_t)about->slot, about->seq);
	uint64_t anchor = 0;
	int r = receipt_find(guest_host(session), &receipt, &anchor);

	slot->state = SLOT_RUNS;
	if (r == -ENOENT && is_noted(session->guest, about))
		r = 0;
	if (r == -ENOENT) {
		drafts_take_back(session->guest->fleet->commons, &receipt);
		guest_slot_end(slot, WIRE_UNDONE, 0);
	} else if (r == 0 && about->opcode == FUSE_MKDIR) {
		answer_made(slot, anchor);
	} else {
		guest_slot_end(slot, WIRE_ANSWER, r);
	}
}
