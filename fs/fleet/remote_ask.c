// SPDX-License-Identifier: Apache-2.0
/*
 * remote_ask.c - what an owner wants to know of our processes
 *
 * Only of those that wait for its answer. Who was given up already, and has
 * been answered EINTR, is as good as killed.
 */
#include "fs/caller.h"
#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

struct remote_question {
	struct remote_question *prev, *next; /* in remotes->questions */
	struct remote *remote;		     /* NULL: it is no more */
	uint64_t session;
	uint64_t question;
};

static void tell(struct remote *remote, const struct wire_caller *caller)
{
	struct wire_head head =
		remote_head(remote, WIRE_CALLER, sizeof(*caller));

	remote_send(remote, &head, caller, sizeof(*caller));
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
		if (remote->state == REMOTE_OPEN &&
		    remote->session == question->session)
			tell(remote, &out);
	}
	free(question);
}

static void look(struct remote *remote, const struct wire_ask *ask)
{
	struct remote_question *question = calloc(1, sizeof(*question));
	const struct caller_about about = {
		.pid = ask->pid,
		.other = ask->other,
		.group = ask->group,
	};

	/* It waits for an answer in vain, and not for long. */
	if (!question)
		return;
	*question = (struct remote_question){
		.remote = remote,
		.session = remote->session,
		.question = ask->question,
	};
	remote->questions++;
	DL_APPEND(remote->remotes->questions, question);
	caller_ask(remote_session(remote)->fs, &about, known, question);
}

void remote_ask(struct remote *remote, const struct wire_ask *ask)
{
	const struct remote_call *call = remote_slots_of(remote, ask->pid);
	const struct wire_caller killed = {
		.question = ask->question,
		.is_killed = call && call->caller_killed,
		.is_ending = call && call->caller_killed,
	};

	if (!call || call->caller_killed ||
	    remote->questions >= REMOTE_QUESTIONS_MAX)
		tell(remote, &killed);
	else
		look(remote, ask);
}

void remote_ask_end(struct remotes *remotes)
{
	struct remote_question *question, *next;

	DL_FOREACH_SAFE (remotes->questions, question, next) {
		DL_DELETE(remotes->questions, question);
		question->remote = NULL;
	}
}
