// SPDX-License-Identifier: Apache-2.0
/*
 * guest_asks.c - questions about processes that are on the guest's machine
 */
#include <utlist.h>

#include "fs/fleet/guest_layout.h"

/* Nobody can say any more: he is gone with his host, and publishes nothing. */
static const struct caller killed = {.is_killed = true, .is_ending = true};

static const struct caller unknown;

/* The operation goes on as the call that it is of. */
static void give_answer(struct guest_session *session,
			struct guest_question *question,
			const struct caller *caller)
{
	struct host *host = guest_host(session);
	struct receipt before;

	DL_DELETE(session->questions, question);
	receipt_enter(host, &question->receipt, &before);
	question->done(question->arg, caller);
	receipt_leave(host, &before);
	free(question);
}

/* One that is lost is sent again. */
static void send_question(const struct guest_session *session,
			  struct guest_question *question)
{
	const struct wire_ask ask = {
		.question = question->number,
		.pid = question->about.pid,
		.other = question->about.other,
		.group = question->about.group,
	};

	question->sent_ms = bus_now_ms();
	guest_say(session, WIRE_ASK, 0, 0, &ask, sizeof(ask));
}

/* The call that asks, if the guest tells of its caller by itself. */
static struct guest_slot *telling_slot(struct guest_session *session,
				       const struct caller_about *about)
{
	const struct receipt *receipt = receipt_at_hand(guest_host(session));
	struct guest_slot *slot = &session->slots[receipt->slot];

	return receipt->session == session->number &&
			       receipt->seq == slot->seq && slot->tells &&
			       about->pid == slot->pid &&
			       about->other == slot->told_of && !about->group
		       ? slot
		       : NULL;
}

void guest_asks_ask(void *arg, const struct caller_about *about,
		    caller_done *done, void *done_arg)
{
	struct guest_session *session = arg;
	struct guest_question *question;
	struct guest_slot *slot;

	if (session->is_ending || !about->pid) {
		done(done_arg, session->is_ending ? &killed : &unknown);
		return;
	}
	slot = telling_slot(session, about);
	if (slot && slot->has_caller) {
		done(done_arg, &slot->caller);
		return;
	}
	question = malloc(sizeof(*question));
	if (!question) {
		done(done_arg, &unknown);
		return;
	}
	*question = (struct guest_question){
		.number = ++session->next_question,
		.about = *about,
		.is_of_call = slot,
		.sent_ms = bus_now_ms(),
		.until_ms = bus_now_ms() + GUEST_ASK_MS,
		.receipt = *receipt_at_hand(guest_host(session)),
		.done = done,
		.arg = done_arg,
	};
	DL_APPEND(session->questions, question);
	/* What is told by itself is only asked for when it does not come. */
	if (!slot)
		send_question(session, question);
}

static struct caller caller_of(const struct wire_caller *answered)
{
	struct caller caller = {
		.is_killed = answered->is_killed,
		.is_ending = answered->is_ending,
		.is_member = answered->is_member,
		.is_same = answered->is_same,
		.process = answered->process,
	};

	/* Terminated, whatever the guest has sent. */
	memcpy(caller.command, answered->command, sizeof(caller.command) - 1);
	return caller;
}

/* Who has made a call was told of: for what is asked by now, and then. */
static void take_told(struct guest_session *session,
		      const struct wire_head *head, const struct caller *caller)
{
	struct guest_slot *slot =
		head->slot < WIRE_SLOTS ? &session->slots[head->slot] : NULL;
	struct guest_question *question;

	if (!slot || slot->seq != head->seq || !slot->tells)
		return;
	slot->has_caller = true;
	slot->caller = *caller;
	DL_FOREACH (session->questions, question) {
		if (!question->is_of_call ||
		    question->receipt.slot != head->slot ||
		    question->receipt.seq != head->seq)
			continue;
		give_answer(session, question, caller);
		return;
	}
}

void guest_asks_answered(struct guest_session *session,
			 const struct wire_head *head,
			 const struct wire_caller *answered)
{
	const struct caller caller = caller_of(answered);
	struct guest_question *question;

	if (!answered->question) {
		take_told(session, head, &caller);
		return;
	}
	DL_FOREACH (session->questions, question) {
		if (question->number != answered->question)
			continue;
		give_answer(session, question, &caller);
		return;
	}
}

void guest_asks_tick(struct guest_session *session, uint64_t now_ms)
{
	struct guest_question *question;

	/* The oldest is the first. */
	while (session->questions && session->questions->until_ms <= now_ms)
		give_answer(session, session->questions, &unknown);
	DL_FOREACH (session->questions, question) {
		if (now_ms >= question->sent_ms + GUEST_ASK_AGAIN_MS)
			send_question(session, question);
	}
}

void guest_asks_end(struct guest_session *session)
{
	while (session->questions)
		give_answer(session, session->questions, &killed);
}
