// SPDX-License-Identifier: Apache-2.0
/*
 * remote_notes.c - what the owner is told and does not answer
 *
 * That nodes are forgotten, and that an open file is closed which nobody has
 * got. A message may be lost, and what it told of would stay until the session
 * ends; so one is on its way at a time, has a number, and is sent again until
 * it is acknowledged. There is no memory to be had for any of it: what is owed
 * stands in the node, and a file that is closed is its own row.
 */
#include <assert.h>

#include "fs/fleet/remote_layout.h"

bool remote_notes_wait(const struct remote *remote)
{
	return remote->owing || remote->discarding ||
	       (remote->note && remote->note->is_out);
}

static void take_forgets(struct remote *remote, struct remote_note *note)
{
	struct remote_node *node;

	note->kind = WIRE_FORGET;
	note->count = 0;
	while ((node = remote->owing) && note->count < REMOTE_FORGETS) {
		note->forgets[note->count++] = (struct wire_forget){
			.node = node->owner,
			.count = node->owed,
		};
		DL_DELETE(remote->owing, node);
		node->owed = 0;
		if (!node->lookups)
			remote_node_free(node);
	}
}

static void take_discard(struct remote *remote, struct remote_note *note)
{
	struct remote_handle *handle = remote->discarding;

	note->kind = WIRE_DISCARD;
	note->count = 1;
	note->discard = (struct wire_discard){
		.handle = handle->owner,
		.is_dir = handle->is_dir,
	};
	DL_DELETE(remote->discarding, handle);
	free(handle);
}

static void send_note(struct remote *remote, uint64_t now_ms)
{
	struct remote_note *note = remote->note;
	size_t size = note->kind == WIRE_DISCARD
			      ? sizeof(note->discard)
			      : note->count * sizeof(note->forgets[0]);
	struct wire_head head = remote_head(remote, note->kind, size);

	head.slot = WIRE_SLOT_NOTES;
	head.seq = note->seq;
	note->sent_ms = now_ms;
	remote_send(remote, &head,
		    note->kind == WIRE_DISCARD ? (void *)&note->discard
					       : (void *)note->forgets,
		    size);
}

void remote_notes_go(struct remote *remote, uint64_t now_ms)
{
	struct remote_note *note = remote->note;

	if (remote->state != REMOTE_OPEN)
		return;
	if (note->is_out) {
		if (now_ms - note->sent_ms >= REMOTE_PROBE_MS)
			send_note(remote, now_ms);
		return;
	}
	if (!remote->discarding && !remote->owing)
		return;
	/* An open file holds its node, so it goes first. */
	if (remote->discarding)
		take_discard(remote, note);
	else
		take_forgets(remote, note);
	note->seq++;
	note->is_out = true;
	send_note(remote, now_ms);
}

void remote_noted(struct remote *remote, uint64_t seq)
{
	if (!remote->note->is_out || seq != remote->note->seq)
		return;
	remote->note->is_out = false;
	remote_notes_go(remote, bus_now_ms());
}
