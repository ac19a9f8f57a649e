// SPDX-License-Identifier: Apache-2.0
/*
 * remote_slots.c - who goes next, and what is on its way
 *
 * There are WIRE_SLOTS calls on their way to one owner at most, and a quarter
 * of them one user's: users take turns. Of one user those with little to carry
 * and those with much take turns too, unless so much is on its way already that
 * the large ones have to wait.
 */
#include <assert.h>
#include <errno.h>

#include "fs/fleet/remote_layout.h"

#define SLOTS_OF_ONE (WIRE_SLOTS / 4)

_Static_assert(WIRE_SLOTS == 64, "remote->busy has a bit for each");

/* ---- Users ---- */

struct remote_user *remote_slots_user(struct remote *remote, uid_t uid)
{
	struct remote_user *user;

	HASH_FIND(hh, remote->users, &uid, sizeof(uid), user);
	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	HASH_ADD(hh, remote->users, uid, sizeof(user->uid), user);
	DL_APPEND(remote->ring, user);
	return user;
}

void remote_slots_user_put(struct remote *remote, struct remote_user *user)
{
	if (user->calls)
		return;
	assert(!user->slots && !user->small && !user->big);
	HASH_DEL(remote->users, user);
	DL_DELETE(remote->ring, user);
	free(user);
}

/* ---- Waiting ---- */

static struct remote_call **list_of(struct remote_call *call)
{
	return call->len <= WIRE_SMALL ? &call->user->small : &call->user->big;
}

void remote_slots_wait(struct remote_call *call)
{
	struct remote_call **list = list_of(call);

	call->stage = CALL_WAITING;
	DL_APPEND2(*list, call, stage_prev, stage_next);
}

static void uncount(struct remote_call *call)
{
	if (call->is_counted)
		call->remote->bodies -= call->len;
	call->is_counted = false;
}

void remote_slots_leave(struct remote_call *call)
{
	struct remote *remote = call->remote;
	struct remote_call **list = list_of(call);

	if (call->stage == CALL_WAITING) {
		DL_DELETE2(*list, call, stage_prev, stage_next);
		return;
	}
	assert(remote_call_is_in_slot(call));
	assert(remote->slots[call->slot].call == call);
	remote->slots[call->slot].call = NULL;
	remote->busy &= ~(UINT64_C(1) << call->slot);
	call->user->slots--;
	uncount(call);
}

static bool has_room(const struct remote *remote,
		     const struct remote_call *call)
{
	return !remote->bodies || remote->bodies + call->len <= WIRE_BODIES_MAX;
}

static struct remote_call *pick(struct remote *remote, struct remote_user *user)
{
	struct remote_call *big = user->big, *small = user->small;

	if (user->slots >= SLOTS_OF_ONE)
		return NULL;
	if (big && !has_room(remote, big))
		big = NULL;
	if (small && (!big || !user->small_last)) {
		user->small_last = true;
		return small;
	}
	user->small_last = false;
	return big;
}

static struct remote_call *next_call(struct remote *remote)
{
	struct remote_call *call;
	struct remote_user *user;

	DL_FOREACH (remote->ring, user) {
		call = pick(remote, user);
		if (!call)
			continue;
		DL_DELETE(remote->ring, user);
		DL_APPEND(remote->ring, user);
		return call;
	}
	return NULL;
}

static void count(struct remote_call *call)
{
	if (!call->is_counted)
		call->remote->bodies += call->len;
	call->is_counted = true;
}

static void take_slot(struct remote_call *call)
{
	struct remote *remote = call->remote;

	remote_slots_leave(call);
	call->slot = (uint16_t)__builtin_ctzll(~remote->busy);
	remote->busy |= UINT64_C(1) << call->slot;
	remote->slots[call->slot].call = call;
	call->seq = ++remote->slots[call->slot].seq;
	call->stage = CALL_SENT;
	call->user->slots++;
	count(call);
}

void remote_slots_pump(struct remote *remote)
{
	struct remote_call *call;

	if (remote->is_ending || remote->state != REMOTE_OPEN)
		return;
	while (remote->busy != UINT64_MAX && (call = next_call(remote))) {
		take_slot(call);
		remote_slots_send(call);
	}
}

/* ---- Sending ---- */

static void place(struct wire_head *head, const struct remote_call *call)
{
	head->slot = call->slot;
	head->seq = call->seq;
}

/* In pieces, if the bus takes no such messages: 0; as fleet_send(). */
static int send_pieces(struct remote_call *call)
{
	struct remote *remote = call->remote;
	size_t max = bus_size_max(remote->remotes->fleet->bus), piece;
	struct wire_head head = remote_head(remote, WIRE_CALL, call->len);
	int r = 0;

	if (max <= sizeof(head))
		return -ENOTCONN;
	place(&head, call);
	max -= sizeof(head);
	for (size_t at = 0; r == 0 && at < call->len; at += piece) {
		piece = call->len - at < max ? call->len - at : max;
		head.offset = (uint32_t)at;
		r = remote_send(remote, &head, call->octets + at, piece);
		call->has_gone |= r == 0;
	}
	return r;
}

/* It asks whether it was done; that is a call of the new session. */
static int send_question(struct remote_call *call)
{
	const struct wire_was_done body = {
		.session = call->was_session,
		.slot = call->slot,
		.opcode = call->opcode,
		.seq = call->was_seq,
	};
	struct wire_head head =
		remote_head(call->remote, WIRE_WAS_DONE, sizeof(body));

	place(&head, call);
	return remote_send(call->remote, &head, &body, sizeof(body));
}

/*
 * Its caller was told EINTR. A close is sent all the same, which tells the
 * owner that whoever wrote was killed.
 */
static bool is_given_up(const struct remote_call *call)
{
	return call->stage == CALL_SENT && call->caller_killed &&
	       call->opcode != FUSE_FLUSH;
}

/*
 * It must not be done any more. But what was sent of it may still be on some
 * way, so no other call may get its number: a question uses it up, about a call
 * that there never was.
 */
static void use_up(struct remote_call *call)
{
	call->stage = CALL_ASKING;
	call->was_session = call->was_seq = 1;
	uncount(call);
}

void remote_slots_send(struct remote_call *call)
{
	if (is_given_up(call))
		use_up(call);
	call->sent_ms = bus_now_ms();
	call->sent_ns = uv_hrtime();
	call->is_probed = false;
	call->to_send = (call->stage == CALL_ASKING ? send_question(call)
						    : send_pieces(call)) < 0;
	if (call->tells && call->stage == CALL_SENT && !call->to_send)
		remote_ask_tell(call);
}

/* Two answers may come to two questions, and the first one had it sent. */
void remote_slots_resend(struct remote_call *call)
{
	if (!call->is_probed)
		return;
	call->was_resent = true;
	call->remote->remotes->figures.resent++;
	remote_slots_send(call);
}

static void probe(struct remote_call *call, uint64_t now_ms)
{
	struct wire_head head = remote_head(call->remote, WIRE_PROBE, 0);

	place(&head, call);
	call->sent_ms = now_ms;
	call->is_probed = true;
	remote_send(call->remote, &head, NULL, 0);
}

void remote_slots_probe(struct remote *remote)
{
	for (unsigned i = 0; i < WIRE_SLOTS && remote->busy; i++) {
		if (remote->slots[i].call)
			remote->slots[i].call->sent_ms = 0;
	}
}

void remote_slots_tick(struct remote *remote, uint64_t now_ms)
{
	if (remote->state != REMOTE_OPEN || !remote->busy)
		return;
	for (unsigned i = 0; i < WIRE_SLOTS; i++) {
		struct remote_call *call = remote->slots[i].call;

		if (call && call->to_send)
			remote_slots_send(call);
		else if (call && now_ms - call->sent_ms >= REMOTE_PROBE_MS)
			probe(call, now_ms);
	}
}

/* ---- From session to session ---- */

void remote_slots_keep(struct remote_call *call)
{
	if (call->stage == CALL_SENT) {
		call->was_session = call->remote->session;
		call->was_seq = call->seq;
	}
	call->stage = CALL_ASKING;
	call->moves++;
	uncount(call);
	free(steal(&call->answer));
}

void remote_slots_undone(struct remote_call *call)
{
	assert(call->stage == CALL_ASKING);
	call->stage = CALL_SENT;
	call->has_gone = false;
	call->seq = ++call->remote->slots[call->slot].seq;
	count(call);
	remote_slots_send(call);
}

void remote_slots_begin(struct remote *remote)
{
	for (unsigned i = 0; i < WIRE_SLOTS; i++) {
		struct remote_slot *slot = &remote->slots[i];

		slot->seq = 0;
		if (!slot->call)
			continue;
		slot->call->seq = ++slot->seq;
		remote_slots_send(slot->call);
	}
	remote_slots_pump(remote);
}

/* ---- Found ---- */

struct remote_call *remote_slots_find(struct remote *remote, uint16_t slot,
				      uint64_t seq)
{
	struct remote_call *call =
		slot < WIRE_SLOTS ? remote->slots[slot].call : NULL;

	return call && call->seq == seq ? call : NULL;
}

struct remote_call *remote_slots_of(struct remote *remote, pid_t pid)
{
	for (unsigned i = 0; i < WIRE_SLOTS && remote->busy && pid > 0; i++) {
		struct remote_call *call = remote->slots[i].call;

		if (call && call->pid == pid)
			return call;
	}
	return NULL;
}
