// SPDX-License-Identifier: Apache-2.0
/*
 * guest.c - guests: who they are, what they say, and who is gone
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "fs/commons.h"
#include "fs/fleet/guest_layout.h"

/* What is not of the session that there is is not done, and never will be. */
static void refuse(struct fleet *fleet, const char *from,
		   const struct wire_head *head)
{
	if (head->kind != WIRE_CLOSE && head->kind != WIRE_CALLER)
		guest_answer(fleet, from, WIRE_ENDED, head->session, head->slot,
			     head->seq);
}

/* ---- Heard ---- */

static bool is_silent(uint64_t heard_ms)
{
	return !heard_ms || bus_now_ms() > heard_ms + GUEST_GONE_MS;
}

/*
 * Who wakes finds himself silent before he is heard again: heard_ms is set by
 * hear(), which ends the session first.
 */
bool guest_session_is_over(const struct guest_session *session)
{
	const struct guest *guest = session->guest;

	return atomic_load(&session->was_refused) ||
	       is_silent(atomic_load(&guest->heard_ms)) ||
	       is_silent(bus_beaten_ms(guest->fleet->bus));
}

/*
 * When this host was not heard, others take it for gone, and what they have
 * asked for as not done: so it must not be done.
 */
static bool is_cut_off(struct fleet *fleet)
{
	struct guest *guest, *next;

	if (!is_silent(bus_beaten_ms(fleet->bus)))
		return false;
	HASH_ITER (hh, fleet->guests, guest, next) {
		if (guest->session)
			guest_session_end(guest->session, false);
	}
	return true;
}

/* Too late is as never; and one that was started anew knows of nothing. */
static void hear(struct guest *guest, uint64_t incarnation)
{
	struct guest_session *session = guest->session;

	if (session && (guest_session_is_over(session) ||
			incarnation > session->incarnation))
		guest_session_end(session, false);
	/* What another start of it says keeps nothing of this one. */
	if (!guest->session || incarnation == guest->session->incarnation)
		guest->heard_ms = bus_now_ms();
}

static struct guest *find_guest(struct fleet *fleet, const char *name)
{
	struct guest *guest;

	HASH_FIND_STR(fleet->guests, name, guest);
	return guest;
}

/* ---- A session begins ---- */

/* The one that has been here longest makes room, if it has gone. */
static bool make_room(struct fleet *fleet)
{
	struct guest *guest, *next;

	if (HASH_COUNT(fleet->guests) < GUESTS_MAX)
		return true;
	HASH_ITER (hh, fleet->guests, guest, next) {
		if (guest->session || guest->closing)
			continue;
		guest_free(guest);
		return true;
	}
	return false;
}

static struct guest *make_guest(struct fleet *fleet, const char *name)
{
	struct guest *guest = find_guest(fleet, name);

	if (guest || !make_room(fleet))
		return guest;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return NULL;
	guest->fleet = fleet;
	snprintf(guest->name, sizeof(guest->name), "%s", name);
	HASH_ADD_STR(fleet->guests, name, guest);
	return guest;
}

/*
 * An old message must not end what came after it. Numbers grow within one start
 * of the guest; the clock that they are of may have been set back since the one
 * before, and its state, which counts the starts, may be another one.
 */
static bool is_new(const struct guest *guest, const struct wire_head *head)
{
	if (head->incarnation == guest->last_incarnation)
		return head->session > guest->last_session;
	return !guest->session;
}

static bool is_of(const struct guest_session *session,
		  const struct wire_head *head)
{
	return session && session->number == head->session &&
	       session->incarnation == head->incarnation;
}

static void open_session(struct fleet *fleet, const char *from,
			 const struct wire_head *head)
{
	struct guest *guest = make_guest(fleet, from);

	if (!guest) {
		refuse(fleet, from, head);
		return;
	}
	hear(guest, head->incarnation);
	if (is_new(guest, head)) {
		if (guest->session)
			guest_session_end(guest->session, true);
		guest->next = *head;
		guest_session_begin(guest);
	} else if (is_of(guest->session, head)) {
		guest_answer(fleet, from, WIRE_OPENED, head->session, 0, 0);
	} else {
		refuse(fleet, from, head);
	}
}

/* ---- Messages ---- */

/* FORGET and DISCARD: each once, in their order. */
static int note(struct guest_session *session, const struct wire_head *head,
		const void *body, size_t len)
{
	const struct wire_forget *forgets = body;
	int r = 0;

	if (head->seq > session->notes + 1)
		return -EPROTO;
	if (head->seq == session->notes + 1) {
		session->notes = head->seq;
		if (head->kind == WIRE_DISCARD)
			guest_handles_discard(session, body);
		else
			for (size_t i = 0; r == 0 && i < len / sizeof(*forgets);
			     i++)
				r = guest_nodes_forget(session, &forgets[i]);
	}
	if (r == 0)
		guest_say(session, WIRE_NOTED, head->slot, head->seq, NULL, 0);
	return r;
}

/* Return: 1: a call, or a part of one; 0; -EPROTO. */
static int dispatch(struct guest_session *session, const struct wire_head *head,
		    void *body, size_t len)
{
	switch (head->kind) {
	case WIRE_CALL:
		return guest_slots_call(session, head, body, len);
	case WIRE_PROBE:
		return guest_slots_probe(session, head);
	case WIRE_WAS_DONE:
		return guest_slots_was_done(session, head, body);
	case WIRE_INTERRUPT:
		return guest_slots_interrupt(session, head);
	case WIRE_FORGET:
	case WIRE_DISCARD:
		return note(session, head, body, len);
	case WIRE_CALLER:
		guest_asks_answered(session, head, body);
		return 0;
	default:
		return -EPROTO;
	}
}

static void session_chores(struct guest_session *session)
{
	guest_slots_chores(session);
	guest_handles_chores(session);
	guest_nodes_chores(session);
}

static bool take(struct guest_session *session, const struct wire_head *head,
		 void *body, size_t len)
{
	int r;

	session->is_heard = true;
	r = dispatch(session, head, body, len);
	if (r < 0) {
		guest_session_break(session);
		return false;
	}
	session_chores(session);
	session->is_heard = false;
	return r;
}

static enum turn_result do_chores(struct turn *turn, uint64_t until_ns)
{
	struct guest_session *session =
		container_of(turn, struct guest_session, chores);

	(void)until_ns;
	if (session->guest->session == session)
		session_chores(session);
	session->has_chores = false;
	return TURN_DONE;
}

void guest_chores_soon(struct guest_session *session)
{
	if (session->is_heard || session->has_chores)
		return;
	session->has_chores = true;
	session->chores.go = do_chores;
	turns_add_later(session->view, &session->lane, &session->chores);
}

/*
 * The guest has given up what it had asked for, and has said so to its callers;
 * but for closes, which had returned before they were sent.
 */
static void close_session(struct guest_session *session)
{
	lease_narrow(&guest_host(session)->leases, &session->lease,
		     guest_slots_closing(session));
	guest_session_end(session, true);
}

bool guest_message(struct fleet *fleet, const char *from,
		   const struct wire_head *head, void *body, size_t len)
{
	struct guest *guest;
	struct guest_session *session;

	if (fleet->guests_ended || is_cut_off(fleet))
		return false;
	if (head->kind == WIRE_OPEN) {
		open_session(fleet, from, head);
		return false;
	}
	guest = find_guest(fleet, from);
	if (guest)
		hear(guest, head->incarnation);
	session = guest ? guest->session : NULL;
	if (!is_of(session, head)) {
		refuse(fleet, from, head);
		return false;
	}
	if (head->kind == WIRE_CLOSE)
		close_session(session);
	else
		return take(session, head, body, len);
	return false;
}

/* ---- Time and others ---- */

void guest_heard(struct fleet *fleet, const char *from, uint64_t incarnation)
{
	struct guest *guest = find_guest(fleet, from);

	if (guest)
		hear(guest, incarnation);
}

void guest_gone(struct fleet *fleet, const char *from)
{
	struct guest *guest = find_guest(fleet, from);

	if (guest && guest->session)
		close_session(guest->session);
}

void guests_tick(struct fleet *fleet)
{
	struct guest *guest, *next;

	if (is_cut_off(fleet))
		return;
	HASH_ITER (hh, fleet->guests, guest, next) {
		if (guest->session && guest_session_is_over(guest->session))
			guest_session_end(guest->session, false);
		if (guest->untold)
			guest_tell_ended(guest);
		if (!guest->session)
			continue;
		guest_asks_tick(guest->session, bus_now_ms());
		session_chores(guest->session);
	}
}

void guests_end(struct fleet *fleet, void (*ended)(void *arg), void *arg)
{
	struct guest *guest, *next;

	assert(!fleet->guests_ended);
	/* While it is one of many, the last one must not free them all. */
	fleet->guests_closing++;
	fleet->guests_ended = ended;
	fleet->guests_ended_arg = arg;
	HASH_ITER (hh, fleet->guests, guest, next) {
		if (guest->session)
			guest_session_end(guest->session, true);
	}
	fleet->guests_closing--;
	guest_all_ended(fleet);
}

void guests_figures(const struct fleet *fleet, struct guest_figures *out)
{
	*out = fleet->guest_counts;
}
