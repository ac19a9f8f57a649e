// SPDX-License-Identifier: Apache-2.0
/*
 * remote_looked.c - what was just looked up, and is asked for at once
 *
 * Our kernel believes nothing of another host's files, so at the end of a path
 * it looks the name up, and asks for the attributes of what it has found, for
 * its rights. Programs go the same way once or twice more, to see what there is
 * before they open it, and ask for attributes when they have: calls for what
 * the answer to another one has told. So what the last lookups brought is kept
 * for a moment and tells them, if the owner lets it. Names are told to the one
 * who has looked them up, for they show what he may see.
 *
 * Whoever has done something sees what is there after it: what is done by this
 * host, or told by the owner, makes it forgotten, both when it is asked for and
 * when it is answered. What others do may show as much later as
 * REMOTE_MOMENT_NS; and as REMOTE_OPENED_NS, of a file that somebody has opened
 * to write, to himself: it is as long as what he has written. A directory that
 * is gone shows when something is looked for in it, and then our kernel is to
 * begin anew, as it does when it is told that something is stale.
 */
#include <errno.h>
#include <fcntl.h>

#include "fs/fleet/remote_layout.h"

/* ---- Kept ---- */

static const struct fuse_in_header *head_of(const struct remote_call *call)
{
	return (const void *)call->octets;
}

/* Of a LOOKUP: terminated, see request.h. */
static const char *name_of(const struct remote_call *call)
{
	return (const char *)(head_of(call) + 1);
}

/* What was known of the node is older; or the oldest makes room. */
static struct remote_looked *place_for(struct remote *remote, uint64_t owner)
{
	for (unsigned i = 0; i < REMOTE_LOOKED; i++)
		if (remote->looked[i].owner == owner)
			return &remote->looked[i];
	return &remote->looked[remote->next_looked++ % REMOTE_LOOKED];
}

void remote_looked_found(const struct remote_call *call, uint64_t owner,
			 const struct fuse_attr *attr)
{
	struct remote_looked *looked = place_for(call->remote, owner);

	*looked = (struct remote_looked){
		.owner = owner,
		.until_ns = uv_hrtime() + REMOTE_MOMENT_NS,
		.attr = *attr,
		.asked = *head_of(call),
	};
	if (strlen(name_of(call)) < sizeof(looked->name))
		strcpy(looked->name, name_of(call));
}

void remote_looked_opened(const struct remote_call *call,
			  const struct fuse_attr *attr)
{
	bool reads = (call->flags & (O_ACCMODE | O_TRUNC)) == O_RDONLY;
	uint64_t owner = head_of(call)->nodeid;

	*place_for(call->remote, owner) = (struct remote_looked){
		.owner = owner,
		/* Who writes is told what he has written. */
		.pid = reads ? 0 : call->pid,
		.until_ns = uv_hrtime() +
			    (reads ? REMOTE_MOMENT_NS : REMOTE_OPENED_NS),
		.attr = *attr,
	};
}

/* ---- Forgotten ---- */

void remote_looked_forget(struct remote *remote)
{
	memset(remote->looked, 0, sizeof(remote->looked));
	remote_believed_forget(remote);
	remote->changes++;
}

int remote_looked_error(const struct remote_call *call, int error)
{
	struct remote *remote = call->remote;
	const struct remote_node *node =
		remote_node_of(remote, head_of(call)->nodeid);
	bool was_looked_up = node && remote_believed(node);

	for (unsigned i = 0; i < REMOTE_LOOKED; i++)
		was_looked_up |=
			remote->looked[i].owner == head_of(call)->nodeid;
	if (error != -ENODEV || !was_looked_up)
		return error;
	remote_looked_forget(remote);
	return -ESTALE;
}

/* It leaves all attributes as they are. */
static bool only_looks(const struct remote_call *call)
{
	switch (call->opcode) {
	case FUSE_LOOKUP:
	case FUSE_GETATTR:
	case FUSE_READ:
	case FUSE_OPENDIR:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_RELEASEDIR:
	case FUSE_STATFS:
	case FUSE_POLL:
		return true;
	case FUSE_OPEN:
		return !(call->flags & O_TRUNC);
	case FUSE_FLUSH:
		return call->is_blank;
	case FUSE_RELEASE:
		return call->handle && !call->handle->is_dirty;
	default:
		return false;
	}
}

void remote_looked_call(const struct remote_call *call)
{
	if (!only_looks(call))
		remote_looked_forget(call->remote);
}

pid_t remote_looked_writer(const struct remote_call *call)
{
	const struct remote *remote = call->remote;

	for (unsigned i = 0; i < REMOTE_LOOKED; i++)
		if (remote->looked[i].owner == head_of(call)->nodeid)
			return remote->looked[i].pid;
	return 0;
}

/* ---- Told ---- */

static bool is_of(const struct remote_looked *looked,
		  const struct remote_call *call)
{
	const struct fuse_in_header *now = head_of(call),
				    *then = &looked->asked;

	if (call->opcode == FUSE_GETATTR)
		return looked->owner == now->nodeid &&
		       (!looked->pid || looked->pid == call->pid);
	return then->nodeid == now->nodeid && then->pid == now->pid &&
	       then->uid == now->uid && then->gid == now->gid &&
	       looked->name[0] && !strcmp(looked->name, name_of(call));
}

static const struct remote_looked *find(const struct remote_call *call)
{
	const struct remote *remote = call->remote;
	uint64_t now_ns = uv_hrtime();

	for (unsigned i = 0; i < REMOTE_LOOKED; i++) {
		const struct remote_looked *looked = &remote->looked[i];

		if (looked->owner && now_ns <= looked->until_ns &&
		    is_of(looked, call))
			return looked;
	}
	return NULL;
}

static void answer_attr(const struct remote_call *call,
			const struct remote_looked *looked)
{
	struct fuse_attr_out out = {.attr = looked->attr};
	struct remote_node *node = remote_node_of(call->remote, looked->owner);

	/* The moment would begin anew, but where something is listed. */
	if (node)
		out.attr_valid_nsec = remote_believe_asked(node, &out.attr, 0);
	remote_kernel_answer(remote_session(call->remote), call->unique, 0,
			     &out, sizeof(out));
}

/*
 * It is believed for this once, also where somebody lists: the moment would
 * begin anew. Return: false: our kernel has forgotten it, and the owner is to
 * give it.
 */
static bool answer_entry(const struct remote_call *call,
			 const struct remote_looked *looked)
{
	struct remote *remote = call->remote;
	struct remote_node *node = remote_node_of(remote, looked->owner);
	struct fuse_entry_out out = {.attr = looked->attr};

	if (!node || !node->lookups)
		return false;
	remote_node_again(node);
	out.nodeid = node->number;
	if (remote_kernel_answer(remote_session(remote), call->unique, 0, &out,
				 sizeof(out)) < 0)
		remote_node_forget(remote->remotes, node->number, 1);
	return true;
}

bool remote_looked_answer(const struct remote_call *call)
{
	const struct remote_looked *looked = find(call);

	if (!looked)
		return false;
	if (call->opcode == FUSE_LOOKUP)
		return answer_entry(call, looked);
	answer_attr(call, looked);
	return true;
}
