// SPDX-License-Identifier: Apache-2.0
/*
 * guest_ahead.c - what is asked for right after an opening, with its answer
 *
 * Whoever opens a file asks for its attributes, and reads it, and reads once
 * more to see its end: three ways and back. The view is asked for that as the
 * guest's kernel would, as soon as the file is open, and it all goes in one
 * answer. So a reader is shown what there was when the file was opened, which
 * remote_ahead.c lets it be for a moment only.
 *
 * It is waited for as the reader would wait, so it is of texts that have an end
 * and nothing else. What is lost with an answer does not come: the OPEN alone
 * is kept.
 *
 * Whoever opens a directory lists it, piece by piece, until one is empty. That
 * gives nodes, so all of it is kept, as each piece would be: see guest.h.
 */
#include <errno.h>

#include "dns/wire/util.h"
#include "fs/fleet/guest_layout.h"
#include "fs/node.h"

/* Octets that an entry of a listing takes at most. */
#define ENTRY_MAX                                                              \
	FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + RESPONSE_NAME_MAX)

void guest_ahead_drop(struct guest_slot *slot)
{
	struct guest_ahead *ahead = steal(&slot->ahead);

	if (!ahead)
		return;
	free(ahead->open);
	free(ahead->text);
	free(ahead);
}

/* It may be kept as it is. */
static uint32_t listing_of(struct guest_slot *slot,
			   const struct request *request)
{
	uint32_t wanted = request->ahead & ~WIRE_AHEAD;

	if (wanted < GUEST_LISTING || guest_slot_lists(slot) < GUEST_LISTING)
		return 0;
	return GUEST_LISTING;
}

/* Of what is opened to read and nothing else; and of a text that has an end. */
static uint32_t text_of(const struct guest_slot *slot,
			const struct request *request)
{
	const struct node_kind *kind =
		node_of(slot->session->view, slot->node->ino)->kind;
	uint32_t wanted = request->ahead & ~WIRE_AHEAD;

	if ((slot->open_flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY ||
	    kind->is_stream || kind->reads_now)
		return 0;
	return wanted < WIRE_AHEAD_MAX ? wanted : WIRE_AHEAD_MAX;
}

void guest_ahead_note(struct guest_slot *slot, const struct request *request)
{
	if (!request->ahead)
		return;
	/* Without memory there is nothing ahead. */
	slot->ahead = calloc(1, sizeof(*slot->ahead));
	if (!slot->ahead)
		return;
	slot->ahead->lists = slot->opcode == FUSE_OPENDIR;
	slot->ahead->wanted = slot->ahead->lists ? listing_of(slot, request)
						 : text_of(slot, request);
	slot->ahead->head = *request->head;
}

/* ---- Asked for ---- */

static void wait_for_chores(struct guest_slot *slot)
{
	slot->state = SLOT_AHEAD;
	slot->session->waits++;
	guest_chores_soon(slot->session);
}

static void ask_attr(struct guest_slot *slot)
{
	struct {
		struct fuse_in_header head;
		struct fuse_getattr_in in;
	} ask = {.head = slot->ahead->head};

	ask.head.len = sizeof(ask);
	ask.head.opcode = FUSE_GETATTR;
	guest_call_run(slot, &ask, sizeof(ask));
}

static void ask_part(struct guest_slot *slot, uint32_t opcode, uint64_t offset,
		     uint32_t size)
{
	struct {
		struct fuse_in_header head;
		struct fuse_read_in in;
	} ask = {
		.head = slot->ahead->head,
		.in = {.fh = slot->handle->fh, .offset = offset, .size = size},
	};

	ask.head.len = sizeof(ask);
	ask.head.opcode = opcode;
	guest_call_run(slot, &ask, sizeof(ask));
}

void guest_ahead_go(struct guest_slot *slot)
{
	const struct guest_ahead *ahead = slot->ahead;

	slot->session->waits--;
	if (ahead->lists)
		ask_part(slot, FUSE_READDIRPLUS, ahead->place,
			 ahead->wanted - ahead->out.text);
	else if (!ahead->out.has_attr)
		ask_attr(slot);
	else
		ask_part(slot, FUSE_READ, ahead->out.text, ahead->wanted);
}

/* ---- Told ---- */

/*
 * The opening alone, if there is no memory for all. Nodes that were listed stay
 * the guest's until its session ends, then.
 */
static void answer_all(struct guest_slot *slot)
{
	struct guest_ahead *ahead = slot->ahead;
	const struct wire_ahead *out = &ahead->out;
	size_t text = out->has_text || ahead->lists ? out->text : 0;
	size_t open = ahead->open->len, len = open + sizeof(*out) + text;
	bool has_any = out->has_attr || ahead->lists;
	uint8_t *octets = has_any ? malloc(len) : NULL;

	if (!octets) {
		octets = (uint8_t *)steal(&ahead->open);
		guest_ahead_drop(slot);
		guest_slot_answer(slot, octets, open);
		return;
	}
	memcpy(octets, ahead->open, open);
	memcpy(octets + open, out, sizeof(*out));
	((struct wire_ahead *)(octets + open))->text = (uint32_t)text;
	if (text)
		memcpy(octets + open + sizeof(*out), ahead->text, text);
	((struct fuse_out_header *)octets)->len = (uint32_t)len;
	guest_ahead_drop(slot);
	guest_slot_answer(slot, octets, len);
}

/* Is there more to be asked for? */
static bool goes_on(const struct guest_slot *slot)
{
	const struct guest_ahead *ahead = slot->ahead;

	if (ahead->lists)
		return !ahead->is_over;
	return !ahead->is_over && (!ahead->out.has_attr ||
				   ahead->out.attr.attr.size < ahead->wanted);
}

static void go_on(struct guest_slot *slot)
{
	if (goes_on(slot))
		wait_for_chores(slot);
	else
		answer_all(slot);
}

bool guest_ahead_opened(struct guest_slot *slot, uint8_t *octets)
{
	if (!slot->ahead || (slot->ahead->lists && !slot->ahead->wanted))
		return false;
	slot->ahead->open = (struct fuse_out_header *)octets;
	/* It is in use: whatever the guest says, it is not closed. */
	slot->handle = slot->opened;
	slot->handle->uses++;
	wait_for_chores(slot);
	return true;
}

/* First all of it, and then nothing, which is its end. */
static void take_text(struct guest_ahead *ahead, uint8_t *octets, uint32_t len)
{
	if (ahead->text) {
		ahead->out.has_text = !len;
		ahead->is_over = true;
		free(octets);
		return;
	}
	memmove(octets, octets + sizeof(struct fuse_out_header), len);
	ahead->text = octets;
	ahead->out.text = len;
	ahead->is_over = len >= ahead->wanted;
}

static int note_place(void *arg, struct fuse_entry_out *entry,
		      struct fuse_dirent *dirent)
{
	struct guest_ahead *ahead = arg;

	(void)entry;
	ahead->place = dirent->off;
	return 0;
}

/* Without memory for it, or without room for one more, there is no more. */
static int add_piece(struct guest_ahead *ahead, const struct response *piece)
{
	if (!ahead->text)
		ahead->text = malloc(ahead->wanted);
	if (!ahead->text || piece->body_len > ahead->wanted - ahead->out.text)
		return -ENOMEM;
	memcpy(ahead->text + ahead->out.text, piece->body, piece->body_len);
	ahead->out.text += (uint32_t)piece->body_len;
	ahead->is_over = ahead->wanted - ahead->out.text < ENTRY_MAX;
	return response_walk(piece, FUSE_READDIRPLUS, note_place, ahead);
}

/* Piece by piece, the last one is empty. */
static void take_piece(struct guest_slot *slot, uint8_t *octets, uint32_t len)
{
	struct guest_ahead *ahead = slot->ahead;
	const struct response piece = {
		.head = (void *)octets,
		.body = octets + sizeof(struct fuse_out_header),
		.body_len = len,
	};

	if (!len)
		ahead->out.has_text = ahead->is_over = true;
	else if (guest_answers_list(slot->session, &piece) < 0 ||
		 add_piece(ahead, &piece) < 0)
		ahead->is_over = true;
	free(octets);
}

static void take_attr(struct guest_ahead *ahead, uint8_t *octets)
{
	const struct fuse_attr_out *out =
		(void *)(octets + sizeof(struct fuse_out_header));

	ahead->out.attr = *out;
	ahead->out.has_attr = 1;
	free(octets);
}

bool guest_ahead_came(struct guest_slot *slot, uint8_t *octets)
{
	const struct fuse_out_header *head = (const void *)octets;
	struct guest_ahead *ahead = slot->ahead;
	uint32_t len = head ? head->len - (uint32_t)sizeof(*head) : 0;

	if (!ahead || !ahead->open)
		return false;
	if (!head || head->error) {
		ahead->is_over = true;
		free(octets);
	} else if (ahead->lists) {
		take_piece(slot, octets, len);
	} else if (!ahead->out.has_attr) {
		take_attr(ahead, octets);
	} else {
		take_text(ahead, octets, len);
	}
	go_on(slot);
	return true;
}
