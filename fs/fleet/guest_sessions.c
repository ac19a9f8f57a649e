// SPDX-License-Identifier: Apache-2.0
/*
 * guest_sessions.c - a session begins, speaks, and is over
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "fs/commons.h"
#include "fs/fleet/guest_layout.h"

/* ---- What its parts ask for ---- */

enum grant guest_grant(const struct guest *guest)
{
	return grants_of(guest->fleet->grants, guest->name);
}

struct host *guest_host(const struct guest_session *session)
{
	return session->guest->fleet->commons->host;
}

struct guest_figures *guest_counts(const struct guest_session *session)
{
	return &session->guest->fleet->guest_counts;
}

void guest_line(struct guest *guest, const char *reason)
{
	anchor_fail(guest->fleet->commons->host->root, guest->name, 0, NULL,
		    reason);
}

void guest_free(struct guest *guest)
{
	assert(!guest->session && !guest->closing);
	HASH_DEL(guest->fleet->guests, guest);
	free(guest->done);
	free(guest);
}

/* ---- Said to it ---- */

int guest_answer(struct fleet *fleet, const char *to, enum wire_kind kind,
		 uint64_t session, uint16_t slot, uint64_t seq)
{
	struct wire_head head;

	wire_begin(&head, kind, fleet->incarnation, session, 0);
	head.slot = slot;
	head.seq = seq;
	return fleet_send(fleet, "in", to, &head, NULL, 0, false);
}

int guest_say(const struct guest_session *session, enum wire_kind kind,
	      uint16_t slot, uint64_t seq, const void *body, size_t len)
{
	const struct guest *guest = session->guest;
	size_t max = bus_size_max(guest->fleet->bus), at = 0, part;
	struct wire_head head;
	int r;

	if (max <= sizeof(head))
		return -ENOTCONN;
	wire_begin(&head, kind, guest->fleet->incarnation, session->number,
		   len);
	head.slot = slot;
	head.seq = seq;
	do {
		part = len - at;
		if (part > max - sizeof(head))
			part = max - sizeof(head);
		head.offset = (uint32_t)at;
		r = fleet_send(guest->fleet, "in", guest->name, &head,
			       len ? (const uint8_t *)body + at : NULL, part,
			       false);
		at += part;
	} while (r == 0 && at < len);
	return r;
}

void guest_tell_ended(struct guest *guest)
{
	if (guest_answer(guest->fleet, guest->name, WIRE_ENDED, guest->untold,
			 0, 0) == 0)
		guest->untold = 0;
}

/* ---- It begins ---- */

int guest_ready(struct guest_session *session)
{
	struct guest *guest = session->guest;

	/* What it took that was not there may be there by now. */
	if (!session->view && session->error != -EACCES)
		session->error = view_open(
			&session->view, guest->fleet->commons, &session->peer);
	return session->view ? 0 : session->error;
}

/* The writer's thread: what it has refused is refused for good. */
static bool is_over(struct lease *lease)
{
	struct guest_session *session =
		container_of(lease, struct guest_session, lease);

	if (!guest_session_is_over(session))
		return false;
	atomic_store(&session->was_refused, true);
	return true;
}

static void session_init(struct guest_session *session, struct guest *guest,
			 const struct wire_head *head)
{
	*session = (struct guest_session){
		.guest = guest,
		.number = head->session,
		.incarnation = head->incarnation,
		.peer = {.name = guest->name,
			 .write = guest_answers_write,
			 .ask = guest_asks_ask,
			 .arg = session},
	};
	session->lease.session = session->number;
	session->lease.is_over = is_over;
	snprintf(session->lease.from, sizeof(session->lease.from), "%s",
		 guest->name);
	for (uint16_t i = 0; i < WIRE_SLOTS; i++) {
		session->slots[i].session = session;
		session->slots[i].number = i;
	}
}

/* One that may do nothing here gets that for an answer to each call. */
static void let_in(struct guest *guest, struct guest_session *session)
{
	guest->session = session;
	guest->last_session = session->number;
	guest->last_incarnation = session->incarnation;
	guest->untold = 0;
	guest->host = hosts_hold(guest->fleet->hosts, guest->name);
	lease_begin(&guest_host(session)->leases, &session->lease);
	guest_counts(session)->guests++;
	if (guest_grant(guest) == GRANT_NONE)
		session->error = -EACCES;
	guest_ready(session);
	if (session->error == -EACCES && !guest->was_denied)
		guest_line(guest, "fleet-allow= lets it do nothing here; see "
				  "circuitfs(8)");
	guest->was_denied |= session->error == -EACCES;
}

/* Without memory nothing is answered, and it asks again. */
void guest_session_begin(struct guest *guest)
{
	const struct wire_head head = guest->next;
	struct guest_session *session;

	if (!head.session || guest->closing || guest->fleet->guests_ended)
		return;
	assert(!guest->session);
	guest->next = (struct wire_head){0};
	session = malloc(sizeof(*session));
	if (!session)
		return;
	session_init(session, guest, &head);
	if (guest_nodes_init(session) < 0) {
		free(session);
		return;
	}
	let_in(guest, session);
	guest_answer(guest->fleet, guest->name, WIRE_OPENED, head.session, 0,
		     0);
}

/* ---- It is over ---- */

void guest_all_ended(struct fleet *fleet)
{
	void (*ended)(void *arg) = fleet->guests_ended;
	struct guest *guest, *next;

	if (!ended || fleet->guests_closing)
		return;
	HASH_ITER (hh, fleet->guests, guest, next) {
		guest_free(guest);
	}
	fleet->guests_ended = NULL;
	ended(fleet->guests_ended_arg);
}

static void session_free(struct guest_session *session)
{
	struct guest *guest = session->guest;

	lease_end(&guest_host(session)->leases, &session->lease);
	guest_past_note(session);
	guest->closing--;
	guest->fleet->guests_closing--;
	free(session);
	guest_session_begin(guest);
	guest_all_ended(guest->fleet);
}

static void view_is_closed(void *arg)
{
	struct guest_session *session = arg;

	session->is_closed = true;
	if (!session->is_ending)
		session_free(session);
}

/*
 * What a guest has asked for that begins another session is done, for it asks
 * then what became of that; so is what this host was asked for before it stops.
 * The view's callback comes later, but nobody here relies on that.
 */
void guest_session_end(struct guest_session *session, bool told)
{
	struct guest *guest = session->guest;

	assert(guest->session == session);
	guest->session = NULL;
	guest->untold = told ? 0 : session->number;
	if (!told)
		lease_end(&guest_host(session)->leases, &session->lease);
	guest->closing++;
	guest->fleet->guests_closing++;
	if (guest->host)
		hosts_drop(guest->fleet->hosts, steal(&guest->host));
	guest_counts(session)->guests--;
	guest_counts(session)->sessions_ended++;
	session->is_ending = true;
	guest_slots_deinit(session);
	guest_nodes_deinit(session);
	if (session->view)
		view_close(session->view, view_is_closed, session);
	else
		session->is_closed = true;
	guest_asks_end(session);
	session->is_ending = false;
	if (session->is_closed)
		session_free(session);
	if (!told)
		guest_tell_ended(guest);
}

/* Who breaks the rules is written of once. */
void guest_session_break(struct guest_session *session)
{
	struct guest *guest = session->guest;
	char line[WIRE_NAME_MAX + 80];

	guest_counts(session)->refused++;
	if (!guest->was_refused) {
		snprintf(line, sizeof(line),
			 "%s: it sends what no circuitfs does; its session is "
			 "over",
			 guest->name);
		guest->fleet->report(LOG_WARNING, line);
	}
	guest->was_refused = true;
	guest_session_end(session, false);
}
