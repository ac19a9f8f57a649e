// SPDX-License-Identifier: Apache-2.0
/*
 * guest_calls.c - a call that is new: from its octets to the view, and its end
 *
 * It is checked, and judged, which may take a question to the guest. A close
 * waits for all else that is done to the file, as with a kernel.
 */
#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>

#include "fs/fleet/guest_layout.h"
#include "fs/node.h"
#include "fs/session.h"

bool guest_call_closes(uint32_t opcode)
{
	return opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR;
}

static void keep(struct guest_slot *slot, enum slot_state state)
{
	slot->state = state;
	slot->session->waits += state == SLOT_WAITS;
}

/* ---- Handed to the view ---- */

static void process(struct guest_slot *slot, void *octets, size_t len)
{
	struct guest_session *session = slot->session;
	struct host *host = guest_host(session);
	struct fuse_buf buf = {.size = len, .mem = octets};
	struct receipt before,
		receipt = receipt_of(session->guest->name, session->number,
				     slot->number, slot->seq);

	receipt_enter(host, &receipt, &before);
	session_process(session->view->session, &buf);
	receipt_leave(host, &before);
}

/* A number that leads back; its lowest bit is the one of an interrupt. */
void guest_call_run(struct guest_slot *slot, void *octets, size_t len)
{
	struct guest_session *session = slot->session;
	struct fuse_in_header *head = octets;

	slot->unique = ++session->next_call << 7 | (uint64_t)slot->number << 1;
	slot->state = SLOT_RUNS;
	head->unique = slot->unique;
	process(slot, octets, len);
}

/* ---- Judged ---- */

/* In vain, if the session has ended. */
static void know_group(void *arg, const struct caller *caller)
{
	struct guest_slot *slot = arg;
	struct guest_group *group = &slot->groups.known[slot->groups.count];

	if (slot->state != SLOT_ASKS)
		return;
	group->is_member = caller->is_member;
	slot->groups.count++;
	guest_call_go_on(slot);
}

static int keep_request(struct guest_slot *slot, const struct request *request)
{
	size_t len = request->head->len;

	assert(!slot->kept);
	slot->kept = malloc(len);
	if (!slot->kept)
		return -ENOMEM;
	memcpy(slot->kept, request->head, len);
	return 0;
}

static int ask(struct guest_slot *slot, const struct request *request,
	       gid_t group)
{
	const struct caller_about about = {
		.pid = (pid_t)request->head->pid,
		.group = group,
	};
	int r = keep_request(slot, request);

	if (r < 0)
		return r;
	slot->groups.known[slot->groups.count].group = group;
	keep(slot, SLOT_ASKS);
	guest_asks_ask(slot->session, &about, know_group, slot);
	return 0;
}

static void deny(struct guest_slot *slot, int result)
{
	guest_counts(slot->session)->denied++;
	guest_slot_end(slot, WIRE_ANSWER, result);
}

/* Of the host; the caller's own are not written of, as at home. */
static void deny_host(struct guest_slot *slot)
{
	struct guest *guest = slot->session->guest;

	if (!guest->was_denied)
		guest_line(guest, "fleet-allow= does not let it do that; see "
				  "circuitfs(8)");
	guest->was_denied = true;
	deny(slot, -EACCES);
}

static void judge(struct guest_slot *slot, struct request *request)
{
	struct fs *view = slot->session->view;
	enum grant grant = guest_grant(slot->session->guest);
	gid_t group;
	int r;

	if (guest_rights_granted(view, grant, request) < 0) {
		deny_host(slot);
		return;
	}
	r = guest_rights_judge(view, grant, request, &slot->groups, &group);
	if (r > 0)
		r = ask(slot, request, group);
	else if (r == 0)
		guest_call_run(slot, request->head, request->head->len);
	if (r < 0)
		deny(slot, r);
}

/* After the last of what is done to the file: see fs/handle.h. */
static void close_in_turn(struct guest_slot *slot, struct request *request)
{
	int r = 0;

	if (!slot->handle->uses)
		guest_call_run(slot, request->head, request->head->len);
	else if ((r = keep_request(slot, request)) == 0)
		keep(slot, SLOT_WAITS);
	if (r < 0)
		guest_slot_end(slot, WIRE_ANSWER, r);
}

/* ---- Begin ---- */

int guest_call_begin(struct guest_slot *slot, void *octets, size_t len)
{
	struct request request;
	int r = request_take(&request, octets, len);

	slot->groups.count = 0;
	if (r == -EPROTO || (r == 0 && request.class == REQUEST_LOCAL))
		return -EPROTO;
	slot->opcode = request.head->opcode;
	if (r == 0)
		r = guest_check(slot, &request);
	if (r < 0) {
		guest_slot_end(slot, WIRE_ANSWER, r);
		return 0;
	}
	if (guest_call_closes(slot->opcode))
		close_in_turn(slot, &request);
	else
		judge(slot, &request);
	return 0;
}

void guest_call_go_on(struct guest_slot *slot)
{
	CLEANUP(freep) uint8_t *octets = steal(&slot->kept);
	struct fuse_in_header *head = (void *)octets;
	struct request request;
	int r = request_take(&request, octets, head->len);

	/* It was taken before, and is as it was. */
	assert(r == 0);
	if (slot->state == SLOT_ASKS) {
		judge(slot, &request);
		return;
	}
	assert(slot->state == SLOT_WAITS);
	slot->session->waits--;
	guest_call_run(slot, octets, head->len);
}

/* ---- The end ---- */

/* A close that fails, for there is no memory, is done again by us. */
static void let_go_of_handle(struct guest_slot *slot, bool failed)
{
	struct guest_session *session = slot->session;
	struct guest_handle *handle = slot->handle;

	slot->handle = NULL;
	if (!guest_call_closes(slot->opcode)) {
		handle->uses--;
	} else if (failed) {
		handle->is_discarded = true;
		session->discards++;
	} else {
		guest_handles_drop(session, handle);
	}
}

void guest_call_end(struct guest_slot *slot, bool failed)
{
	if (slot->handle)
		let_go_of_handle(slot, failed);
	guest_nodes_unuse(slot->session, slot->node);
	guest_nodes_unuse(slot->session, slot->second);
	slot->node = slot->second = NULL;
	guest_ahead_drop(slot);
	free(steal(&slot->kept));
}

void guest_call_interrupt(struct guest_slot *slot)
{
	struct {
		struct fuse_in_header head;
		struct fuse_interrupt_in body;
	} interrupt = {
		.head.len = sizeof(interrupt),
		.head.opcode = FUSE_INTERRUPT,
		.head.unique = slot->unique | 1,
		.body.unique = slot->unique,
	};

	/* What has not begun yet does so, or is refused, within a second. */
	if (slot->state == SLOT_RUNS)
		process(slot, &interrupt, sizeof(interrupt));
}
