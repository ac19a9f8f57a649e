// SPDX-License-Identifier: Apache-2.0
/*
 * remote_session.c - a session with an owner: it begins, it is over
 *
 * An owner is looked after (is_active) while something here is in use of it.
 * It has a session from the first call on. A session is over when the owner
 * says so, when it was restarted, or when it was not heard: in the last case
 * nothing is known of what was sent, in the others it is asked in the next one.
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "fs/fleet/remote_layout.h"

/* Ticks that are so far apart: the daemon was stopped, or the machine. */
#define STOPPED_MS 1500

/* ---- A session begins ---- */

/* Greater than all before, also of a daemon that ran before this one. */
static uint64_t new_session(struct remotes *remotes)
{
	struct timespec now;
	uint64_t number;

	clock_gettime(CLOCK_REALTIME, &now);
	number = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (number <= remotes->sessions)
		number = remotes->sessions + 1;
	remotes->sessions = number;
	return number;
}

static void open_session(struct remote *remote, uint64_t now_ms)
{
	assert(remote->state == REMOTE_CLOSED);
	/* One that ends each session that it begins is not to be a loop. */
	if (remote->opened_ms && now_ms - remote->opened_ms < REMOTE_REOPEN_MS)
		return;
	remote->session = new_session(remote->remotes);
	remote->incarnation = 0;
	remote->state = REMOTE_OPENING;
	remote->opened_ms = now_ms;
	remote_send_kind(remote, WIRE_OPEN);
}

void remote_opened(struct remote *remote, const struct wire_head *head)
{
	if (remote->state != REMOTE_OPENING)
		return;
	remote->state = REMOTE_OPEN;
	remote->incarnation = head->incarnation;
	remote_slots_begin(remote);
}

static int make_slots(struct remote *remote)
{
	if (!remote->slots)
		remote->slots = calloc(WIRE_SLOTS, sizeof(*remote->slots));
	if (!remote->note)
		remote->note = calloc(1, sizeof(*remote->note));
	return remote->slots && remote->note ? 0 : -ENOMEM;
}

int remote_want(struct remote *remote)
{
	struct remotes *remotes = remote->remotes;
	uint64_t now_ms = bus_now_ms();
	int r = make_slots(remote);

	if (r < 0)
		return r;
	remote->used_ms = now_ms;
	if (remote->is_gone)
		return -EHOSTDOWN;
	if (!remote->is_active) {
		remote->held = hosts_hold(remotes->fleet->hosts, remote->name);
		remote->is_active = true;
		DL_APPEND(remotes->active, remote);
	}
	if (remote->state == REMOTE_CLOSED)
		open_session(remote, now_ms);
	return 0;
}

/* ---- A session is over ---- */

static void clear_session(struct remote *remote)
{
	remote->state = REMOTE_CLOSED;
	*remote->note = (struct remote_note){0};
	remote_nodes_end(remote);
	remote_handles_end(remote);
}

void remote_close_session(struct remote *remote, int result)
{
	assert(!remote->is_ending);
	if (!remote->slots)
		return;
	/* An owner that has ended it, or knows of none, needs no word of it. */
	if (remote->state == REMOTE_OPEN && result == -EHOSTDOWN)
		remote_send_kind(remote, WIRE_CLOSE);
	remote->is_ending = true;
	remote_looked_forget(remote);
	clear_session(remote);
	remote_calls_over(remote, result);
	remote->is_ending = false;
	remote_waits_wake_all(remote);
	if (remote->calls)
		open_session(remote, bus_now_ms());
}

void remote_give_up(struct remote *remote)
{
	remote->is_gone = true;
	remote->nobody_ms = 0;
	remote_close_session(remote, -EHOSTDOWN);
}

/* Nothing is in use of it any more. */
void remote_rest(struct remote *remote)
{
	struct remotes *remotes = remote->remotes;

	assert(!remote->calls);
	if (remote->state == REMOTE_OPEN)
		remote_send_kind(remote, WIRE_CLOSE);
	clear_session(remote);
	remote->is_active = remote->is_gone = false;
	remote->nobody_ms = 0;
	DL_DELETE(remotes->active, remote);
	if (remote->held)
		hosts_drop(remotes->fleet->hosts, steal(&remote->held));
}

/* ---- Time ---- */

/* Something here waits for it. */
static bool is_awaited(const struct remote *remote)
{
	return remote->calls || remote->polls;
}

/* For so long it might have been heard, and was not since @at_ms. */
static uint64_t silence_ms(const struct remote *remote, uint64_t at_ms,
			   uint64_t now_ms)
{
	return now_ms - (at_ms > remote->wanted_ms ? at_ms : remote->wanted_ms);
}

static bool is_down(const struct remote *remote, uint64_t now_ms)
{
	if (!is_awaited(remote))
		return false;
	return silence_ms(remote, remote->heard_ms, now_ms) >= REMOTE_GONE_MS ||
	       silence_ms(remote, remote->said_ms, now_ms) >= REMOTE_MUTE_MS ||
	       (remote->nobody_ms &&
		now_ms - remote->nobody_ms >= REMOTE_ABSENT_MS);
}

static bool is_silent(const struct remote *remote, uint64_t now_ms)
{
	return now_ms - remote->heard_ms >= REMOTE_SILENT_MS &&
	       now_ms - remote->pinged_ms >= REMOTE_SILENT_MS;
}

/*
 * Calls are asked after by themselves, but not as soon; and where only readers
 * of logs and polls wait, nothing else would tell.
 */
static bool has_to_ping(const struct remote *remote, uint64_t now_ms)
{
	if (remote->busy)
		return is_silent(remote, now_ms);
	return (remote->parked || remote->polls) &&
	       now_ms - remote->pinged_ms >= REMOTE_PROBE_MS;
}

static void ping(struct remote *remote, uint64_t now_ms)
{
	struct wire_head head;

	if (!has_to_ping(remote, now_ms))
		return;
	remote->pinged_ms = now_ms;
	head = remote_head(remote, WIRE_PROBE, 0);
	/* No call will have that: who is asked says WIRE_UNKNOWN, and of the
	 * next one's number it would be sent twice. */
	head.seq = UINT64_MAX;
	remote_send(remote, &head, NULL, 0);
}

static bool is_idle(const struct remote *remote, uint64_t now_ms)
{
	uint64_t after = remote->is_gone ? REMOTE_LISTEN_MS : REMOTE_IDLE_MS;

	return !remote->calls && !remote->nodes && !remote->handles &&
	       !remote_notes_wait(remote) && now_ms - remote->used_ms >= after;
}

static void keep_session(struct remote *remote, uint64_t now_ms)
{
	switch (remote->state) {
	case REMOTE_CLOSED:
		if (remote->calls)
			open_session(remote, now_ms);
		break;
	case REMOTE_OPENING:
		if (now_ms - remote->opened_ms >= REMOTE_PROBE_MS) {
			remote->opened_ms = now_ms;
			remote_send_kind(remote, WIRE_OPEN);
		}
		break;
	case REMOTE_OPEN:
		remote_slots_tick(remote, now_ms);
		remote_notes_go(remote, now_ms);
		remote_waits_tick(remote, now_ms);
		ping(remote, now_ms);
		break;
	}
}

static void tick(struct remote *remote, uint64_t now_ms)
{
	remote_calls_tick(remote, now_ms);
	if (is_down(remote, now_ms))
		remote_give_up(remote);
	keep_session(remote, now_ms);
	if (is_idle(remote, now_ms))
		remote_rest(remote);
}

/* This daemon itself was stopped: whom could it have heard? */
static void forgive(struct remotes *remotes, uint64_t now_ms)
{
	struct remote *remote;

	DL_FOREACH (remotes->active, remote) {
		remote->heard_ms = remote->said_ms = now_ms;
		remote->nobody_ms = 0;
	}
}

void remotes_tick(struct fleet *fleet)
{
	struct remotes *remotes = fleet->remotes;
	struct remote *remote, *next;
	uint64_t now_ms = bus_now_ms();

	if (!remotes)
		return;
	if (remotes->ticked_ms && now_ms - remotes->ticked_ms >= STOPPED_MS)
		forgive(remotes, now_ms);
	remotes->ticked_ms = now_ms;
	remote_kernel_tick(remotes);
	remote_ahead_tick(remotes);
	DL_FOREACH_SAFE (remotes->active, remote, next)
		tick(remote, now_ms);
}

void remotes_changed(struct fleet *fleet, bool up)
{
	struct remotes *remotes = fleet->remotes;
	struct remote *remote, *next;

	if (!remotes || !up)
		return;
	DL_FOREACH_SAFE (remotes->active, remote, next) {
		remote->nobody_ms = 0;
		if (remote->state == REMOTE_OPENING)
			remote_send_kind(remote, WIRE_OPEN);
		remote_slots_probe(remote);
		keep_session(remote, bus_now_ms());
		remote_waits_wake_all(remote);
	}
}
