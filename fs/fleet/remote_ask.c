// SPDX-License-Identifier: Apache-2.0
/*
 * remote_ask.c - what an owner wants to know of our processes
 *
 * Only of those that wait for its answer. Who was given up already, and has
 * been answered EINTR, is as good as killed. What it will ask of who closes a
 * file, or asks what somebody else has opened, is told without being asked:
 * that would be one way and back more.
 */
#include "fs/caller.h"
#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

struct remote_question {
	struct remote_question *prev, *next; /* in remotes->questions */
	struct remote *remote;		     /* NULL: it is no more */
	uint64_t session;
	uint64_t question; /* the owner's number; 0: it has not asked, but: */
	uint16_t slot;	   /* of the call that is told of */
	uint64_t seq;
};

static void tell(struct remote *remote, const struct remote_question *question,
		 const struct wire_caller *caller)
{
	struct wire_head head =
		remote_head(remote, WIRE_CALLER, sizeof(*caller));

	head.slot = question->slot;
	head.seq = question->seq;
	remote_send(remote, &head, caller, sizeof(*caller));
}

/*
 * Who closes was looked at while he waited. Nothing else is to be known of a
 * file that is blank, so he need not wait for the owner.
 */
static void tell_of_call(struct remote *remote,
			 const struct remote_question *question,
			 struct wire_caller *caller)
{
	struct remote_call *call =
		remote_slots_find(remote, question->slot, question->seq);

	if (!call)
		return;
	caller->is_killed |= call->caller_killed;
	caller->is_ending |= call->caller_killed;
	if (call->is_blank && !caller->is_killed)
		remote_call_reply(call, 0);
	tell(remote, question, caller);
}

static void known(void *arg, const struct caller *caller)
{
	struct remote_question *question = arg;
	struct remote *remote = question->remote;
	struct wire_caller out = {
		.question = question->question,
		.is_killed = caller->is_killed,
		.is_ending = caller->is_ending,
		.is_member = caller->is_member,
		.is_same = caller->is_same,
		.process = caller->process,
	};

	if (remote) {
		memcpy(out.command, caller->command, sizeof(out.command));
		remote->questions--;
		DL_DELETE(remote->remotes->questions, question);
		if (remote->state != REMOTE_OPEN ||
		    remote->session != question->session)
			remote = NULL;
	}
	if (remote && question->question)
		tell(remote, question, &out);
	else if (remote)
		tell_of_call(remote, question, &out);
	free(question);
}

static void look(struct remote *remote, const struct remote_question *head,
		 const struct caller_about *about)
{
	struct remote_question *question = malloc(sizeof(*question));

	/* It waits for an answer in vain, and not for long. */
	if (!question)
		return;
	*question = *head;
	question->remote = remote;
	question->session = remote->session;
	remote->questions++;
	DL_APPEND(remote->remotes->questions, question);
	caller_ask(remote_session(remote)->fs, about, known, question);
}

void remote_ask(struct remote *remote, const struct wire_ask *ask)
{
	const struct remote_call *call = remote_slots_of(remote, ask->pid);
	const struct remote_question question = {.question = ask->question};
	const struct caller_about about = {
		.pid = ask->pid,
		.other = ask->other,
		.group = ask->group,
	};
	const struct wire_caller killed = {
		.question = ask->question,
		.is_killed = call && call->caller_killed,
		.is_ending = call && call->caller_killed,
	};

	if (!call || call->caller_killed ||
	    remote->questions >= REMOTE_QUESTIONS_MAX)
		tell(remote, &question, &killed);
	else
		look(remote, &question, &about);
}

void remote_ask_tell(const struct remote_call *call)
{
	struct remote *remote = call->remote;
	const struct remote_question question = {
		.slot = call->slot,
		.seq = call->seq,
	};
	const struct caller_about about = {
		.pid = call->pid,
		.other = call->told_of,
	};
	const struct wire_caller killed = {.is_killed = 1, .is_ending = 1};

	if (call->caller_killed)
		tell(remote, &question, &killed);
	else if (remote->questions < REMOTE_QUESTIONS_MAX)
		look(remote, &question, &about);
}

void remote_ask_end(struct remotes *remotes)
{
	struct remote_question *question, *next;

	DL_FOREACH_SAFE (remotes->questions, question, next) {
		DL_DELETE(remotes->questions, question);
		question->remote = NULL;
	}
}
