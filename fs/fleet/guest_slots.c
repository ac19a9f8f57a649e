// SPDX-License-Identifier: Apache-2.0
/*
 * guest_slots.c - each call once
 *
 * A guest has WIRE_SLOTS slots, and numbers the calls in each. The number says
 * what a call is: the next one; the last one again, of which the guest has lost
 * the answer; or an old one, which it has given up. What was answered is kept
 * until the next one comes, so that it is told again and not done again. A long
 * read is not kept, and is done again.
 */
#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>

#include "fs/fleet/guest_layout.h"
#include "fs/handle.h"

#define ANSWER_KEPT (GUEST_ANSWER_KEPT + sizeof(struct fuse_out_header))

/* ---- Answers ---- */

static void set_listing(struct guest_slot *slot, size_t len)
{
	assert(slot->session->listings >= slot->listing);
	slot->session->listings -= slot->listing;
	slot->session->listings += len;
	slot->listing = len;
}

size_t guest_slot_lists(struct guest_slot *slot)
{
	if (slot->session->listings + GUEST_LISTING > GUEST_LISTINGS_MAX)
		return GUEST_ANSWER_KEPT;
	set_listing(slot, GUEST_LISTING);
	return GUEST_LISTING;
}

static void forget_answer(struct guest_slot *slot)
{
	set_listing(slot, 0);
	slot->is_kept = false;
	slot->answer_len = 0;
	free(steal(&slot->answer));
}

static void say_answer(const struct guest_slot *slot)
{
	const struct fuse_out_header plain = {
		.len = sizeof(plain),
		.error = slot->answer_result,
		.unique = slot->told,
	};
	const void *octets = &plain;
	size_t len = sizeof(plain);

	if (slot->answer) {
		octets = slot->answer;
		len = slot->answer_len;
	}
	if (slot->answer_kind == WIRE_UNDONE)
		len = 0;
	guest_say(slot->session, slot->answer_kind, slot->number, slot->seq,
		  octets, len);
}

/*
 * What is only done in memory leaves no receipt: a draft gets another name, or
 * none; a program is let believe that something is gone.
 */
static bool needs_note(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_SETATTR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return true;
	default:
		return false;
	}
}

void guest_slot_over(struct guest_slot *slot, bool done)
{
	slot->state = SLOT_FREE;
	slot->was_done = done && needs_note(slot->opcode);
}

static void end(struct guest_slot *slot, bool failed)
{
	struct guest_session *session = slot->session;

	assert(slot->state != SLOT_FREE && session->bodies >= slot->whole);
	session->bodies -= slot->whole;
	slot->whole = 0;
	if (slot->listing)
		set_listing(slot, slot->answer_len);
	guest_call_end(slot, failed);
	guest_slot_over(slot, !failed);
	slot->is_kept = true;
	say_answer(slot);
}

/* What an answer says of the open file: see wire.h. */
static uint64_t told_of_file(const struct guest_slot *slot,
			     const struct guest_handle *handle)
{
	struct fuse_file_info fi = {0};

	if (!handle || handle->is_dir)
		return 0;
	fi.fh = handle->fh;
	if (slot->opcode == FUSE_OPEN)
		return handle_is_blank(handle_of(&fi)) ? WIRE_BLANK : 0;
	return handle_is_pending(handle_of(&fi)) ? 0 : WIRE_SETTLED;
}

/* Without what is ahead, which is asked for then. */
static void keep_open(struct guest_slot *slot)
{
	size_t len =
		sizeof(struct fuse_out_header) + sizeof(struct fuse_open_out);
	uint8_t *shorter = realloc(slot->answer, len);

	if (shorter)
		slot->answer = shorter;
	slot->answer_len = len;
	((struct fuse_out_header *)slot->answer)->len = (uint32_t)len;
}

void guest_slot_answer(struct guest_slot *slot, uint8_t *octets, size_t len)
{
	slot->answer_kind = WIRE_ANSWER;
	slot->answer = octets;
	slot->answer_len = len;
	slot->told =
		told_of_file(slot, slot->opened ? slot->opened : slot->handle);
	((struct fuse_out_header *)octets)->unique = slot->told;
	end(slot, ((struct fuse_out_header *)octets)->error);
	/* Whatever gives something, or is done, is short: see cut_read(). */
	if (len > ANSWER_KEPT && slot->opcode == FUSE_OPEN) {
		keep_open(slot);
	} else if (len > ANSWER_KEPT && !slot->listing) {
		assert(slot->opcode == FUSE_READ);
		forget_answer(slot);
	}
}

void guest_slot_end(struct guest_slot *slot, enum wire_kind kind, int result)
{
	slot->answer_kind = kind;
	slot->answer_result = result;
	slot->told = told_of_file(slot, slot->handle);
	end(slot, result < 0);
}

/* ---- A call, in parts ---- */

static void drop_parts(struct guest_slot *slot)
{
	slot->session->bodies -= slot->parts_whole;
	slot->parts_whole = slot->parts_len = 0;
	free(steal(&slot->parts));
}

/* A guest counts, too: what it sends at once has a bound. */
static int count_body(struct guest_slot *slot, uint32_t whole)
{
	struct guest_session *session = slot->session;

	if (session->bodies > WIRE_BODIES_MAX + WIRE_SLOTS * WIRE_SMALL)
		return -EPROTO;
	session->bodies += whole;
	slot->parts_whole = whole;
	return 0;
}

/*
 * One part more. What does not fit is of a call whose first parts were lost:
 * the guest will ask after it. One that is there has come twice, as happens
 * while subscriptions change. Return: 2: it is whole; 1: it fits; 0; -EPROTO.
 */
static int join(struct guest_slot *slot, const struct wire_head *head,
		const void *body, size_t len)
{
	int r, fits = !slot->parts_len || head->offset;

	if (head->whole == slot->parts_whole &&
	    head->offset + len <= slot->parts_len && head->offset)
		return 0;
	if (head->offset == 0) {
		drop_parts(slot);
		r = count_body(slot, head->whole);
		if (r < 0 || len == head->whole)
			return r < 0 ? r : 2;
		slot->parts = malloc(head->whole);
	}
	if (!slot->parts || head->offset != slot->parts_len ||
	    head->whole != slot->parts_whole ||
	    len > head->whole - slot->parts_len) {
		drop_parts(slot);
		return 0;
	}
	memcpy(slot->parts + slot->parts_len, body, len);
	slot->parts_len += (uint32_t)len;
	return slot->parts_len == slot->parts_whole ? 2 : fits;
}

/* ---- Calls ---- */

static void take(struct guest_slot *slot, uint64_t seq)
{
	assert(slot->state == SLOT_FREE);
	forget_answer(slot);
	slot->answer_result = 0;
	slot->was_done = false;
	slot->tells = slot->has_caller = false;
	slot->opened = NULL;
	slot->seq = seq;
	slot->whole = slot->parts_whole;
	slot->parts_whole = slot->parts_len = 0;
	slot->state = SLOT_RUNS;
	guest_counts(slot->session)->calls++;
}

static int begin(struct guest_slot *slot, uint64_t seq, void *body, size_t len)
{
	CLEANUP(freep) uint8_t *joined = steal(&slot->parts);

	take(slot, seq);
	return guest_call_begin(slot, joined ? joined : body, len);
}

/* It was sent again: what is to be said to that? */
static void repeat(struct guest_slot *slot)
{
	guest_counts(slot->session)->repeated++;
	if (slot->state == SLOT_FREE)
		say_answer(slot);
	else
		guest_say(slot->session, WIRE_KNOWN, slot->number, slot->seq,
			  NULL, 0);
}

/* The last one, and it need not be done again. */
static bool is_known(const struct guest_slot *slot, uint64_t seq)
{
	return seq == slot->seq && (slot->state != SLOT_FREE || slot->is_kept);
}

/*
 * May that be the next one? Return: 1: it is; 0: it is an old one, which nobody
 * waits for; -EPROTO: none is to come before it was asked for.
 */
static int check_seq(const struct guest_slot *slot, uint64_t seq)
{
	if (seq < slot->seq)
		return 0;
	if (seq > slot->seq + 1 || slot->state != SLOT_FREE)
		return -EPROTO;
	return 1;
}

static struct guest_slot *find_slot(struct guest_session *session,
				    const struct wire_head *head)
{
	return head->slot < WIRE_SLOTS && head->seq
		       ? &session->slots[head->slot]
		       : NULL;
}

int guest_slots_call(struct guest_session *session,
		     const struct wire_head *head, void *body, size_t len)
{
	struct guest_slot *slot = find_slot(session, head);
	int r;

	if (!slot)
		return -EPROTO;
	if (is_known(slot, head->seq)) {
		/* Once for all its parts. */
		if (head->offset + len == head->whole)
			repeat(slot);
		return 0;
	}
	r = check_seq(slot, head->seq);
	if (r == 1)
		r = join(slot, head, body, len);
	if (r != 2)
		return r;
	r = begin(slot, head->seq, body, head->whole);
	return r < 0 ? r : 1;
}

int guest_slots_probe(struct guest_session *session,
		      const struct wire_head *head)
{
	struct guest_slot *slot = find_slot(session, head);

	if (!slot)
		return -EPROTO;
	if (is_known(slot, head->seq))
		repeat(slot);
	else if (head->seq >= slot->seq)
		guest_say(session, WIRE_UNKNOWN, head->slot, head->seq, NULL,
			  0);
	return 0;
}

int guest_slots_interrupt(struct guest_session *session,
			  const struct wire_head *head)
{
	struct guest_slot *slot = find_slot(session, head);

	if (!slot)
		return -EPROTO;
	if (head->seq == slot->seq)
		guest_call_interrupt(slot);
	return 0;
}

/* ---- Calls of an earlier session ---- */

int guest_slots_was_done(struct guest_session *session,
			 const struct wire_head *head,
			 const struct wire_was_done *about)
{
	struct guest_slot *slot = find_slot(session, head);
	int r;

	if (!slot || about->slot >= WIRE_SLOTS ||
	    about->session >= session->number)
		return -EPROTO;
	if (is_known(slot, head->seq)) {
		repeat(slot);
		return 0;
	}
	r = check_seq(slot, head->seq);
	if (r != 1)
		return r;
	drop_parts(slot);
	take(slot, head->seq);
	slot->opcode = FUSE_LOOKUP;
	guest_past_look(slot, about);
	return 0;
}

uint64_t guest_slots_closing(const struct guest_session *session)
{
	uint64_t closing = 0;

	for (size_t i = 0; i < WIRE_SLOTS; i++) {
		const struct guest_slot *slot = &session->slots[i];

		if (slot->state == SLOT_RUNS && slot->opcode == FUSE_RELEASE)
			closing |= UINT64_C(1) << i;
	}
	return closing;
}

/* ---- What had to wait ---- */

void guest_slots_chores(struct guest_session *session)
{
	for (size_t i = 0; session->waits && i < WIRE_SLOTS; i++) {
		struct guest_slot *slot = &session->slots[i];

		if (slot->state == SLOT_WAITS && !slot->handle->uses)
			guest_call_go_on(slot);
		while (slot->state == SLOT_AHEAD)
			guest_ahead_go(slot);
	}
}

void guest_slots_deinit(struct guest_session *session)
{
	for (size_t i = 0; i < WIRE_SLOTS; i++) {
		struct guest_slot *slot = &session->slots[i];

		/* What the view has will end: guest_slot_over(). */
		if (slot->state != SLOT_RUNS)
			slot->state = SLOT_FREE;
		free(steal(&slot->parts));
		free(steal(&slot->kept));
		free(steal(&slot->answer));
		guest_ahead_drop(slot);
	}
	session->waits = 0;
}
