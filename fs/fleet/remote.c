// SPDX-License-Identifier: Apache-2.0
/*
 * remote.c - owners, and what is said to each and by it
 */
#include <assert.h>
#include <errno.h>

#include "fs/fleet/remote_layout.h"

/* ---- Owners ---- */

struct remotes *remotes_of(struct fleet *fleet)
{
	if (!fleet->remotes)
		fleet->remotes = calloc(1, sizeof(*fleet->remotes));
	if (fleet->remotes)
		fleet->remotes->fleet = fleet;
	return fleet->remotes;
}

static struct remote *find(const struct fleet *fleet, const char *name)
{
	struct remote *remote = NULL;

	if (fleet->remotes)
		HASH_FIND_STR(fleet->remotes->all, name, remote);
	return remote;
}

struct remote *remote_get(struct remotes *remotes, const char *name)
{
	struct remote *remote = find(remotes->fleet, name);
	struct remote_node *root;

	assert(strlen(name) <= WIRE_NAME_MAX);
	if (remote)
		return remote;
	remote = calloc(1, sizeof(*remote));
	if (!remote)
		return NULL;
	strcpy(remote->name, name);
	remote->remotes = remotes;
	remote->root = (struct remote_node){
		.remote = remote,
		.number = REMOTE_NODE_BIT | ++remotes->numbers,
		.owner = FUSE_ROOT_ID,
		.is_root = true,
	};
	root = &remote->root;
	HASH_ADD(hh, remotes->nodes, number, sizeof(root->number), root);
	HASH_ADD_STR(remotes->all, name, remote);
	return remote;
}

static void remote_free(struct remote *remote)
{
	struct remotes *remotes = remote->remotes;

	HASH_DELETE(hh, remotes->nodes, &remote->root);
	HASH_DEL(remotes->all, remote);
	free(remote->slots);
	free(remote->note);
	free(remote);
}

struct session *remote_session(const struct remote *remote)
{
	return remote->remotes->fleet->session;
}

/* ---- Messages out ---- */

struct wire_head remote_head(const struct remote *remote, enum wire_kind kind,
			     size_t body)
{
	struct wire_head head;

	wire_begin(&head, kind, remote->remotes->fleet->incarnation,
		   remote->session, body);
	return head;
}

int remote_send(struct remote *remote, const struct wire_head *head,
		const void *body, size_t len)
{
	struct fleet *fleet = remote->remotes->fleet;

	if (!bus_is_up(fleet->bus) || !hosts_serves(fleet->hosts))
		return -ENOTCONN;
	return fleet_send(fleet, "rpc", remote->name, head, body, len, true);
}

void remote_send_kind(struct remote *remote, enum wire_kind kind)
{
	struct wire_head head = remote_head(remote, kind, 0);

	remote_send(remote, &head, NULL, 0);
}

/* ---- It is heard, or not ---- */

static void heard(struct remote *remote, uint64_t incarnation)
{
	remote->heard_ms = bus_now_ms();
	remote->nobody_ms = 0;
	remote->is_gone = false;
	/* A beat may be late: what is less was before. */
	if (incarnation <= remote->seen)
		return;
	remote->seen = incarnation;
	if (remote->state == REMOTE_OPEN && incarnation > remote->incarnation)
		remote_close_session(remote, -ESTALE);
}

void remote_heard(struct fleet *fleet, const char *name, uint64_t incarnation)
{
	struct remote *remote = find(fleet, name);
	bool is_lost;

	if (!remote)
		return;
	/* What was sent to the one before. */
	is_lost = remote->state == REMOTE_OPENING && remote->seen &&
		  incarnation > remote->seen;
	heard(remote, incarnation);
	remote_root_told(remote);
	if (is_lost)
		remote_send_kind(remote, WIRE_OPEN);
}

void remote_nobody(struct fleet *fleet, const char *name)
{
	struct remote *remote = find(fleet, name);

	if (remote && remote->is_active && !remote->nobody_ms)
		remote->nobody_ms = bus_now_ms();
}

void remote_gone(struct fleet *fleet, const char *name)
{
	struct remote *remote = find(fleet, name);

	if (remote && remote->is_active)
		remote_give_up(remote);
}

/* ---- Messages in ---- */

/*
 * Return: whether the owner had to tell: once of each node that has come with
 * attributes to be believed, and of each poll. Who has listed many is told of
 * them all at once.
 */
static bool notified(struct remote *remote, const void *body, size_t len)
{
	const struct fuse_out_header *head = body;
	const struct fuse_notify_inval_inode_out *inode = (void *)(head + 1);
	const struct fuse_notify_poll_wakeup_out *poll = (void *)(head + 1);
	struct remote_node *node;
	bool is_told;

	if (len < sizeof(*head))
		return false;
	if (head->error == FUSE_NOTIFY_POLL &&
	    len == sizeof(*head) + sizeof(*poll))
		return remote_waits_notified(remote, poll->kh);
	if (head->error != FUSE_NOTIFY_INVAL_INODE ||
	    len != sizeof(*head) + sizeof(*inode))
		return false;
	remote_looked_forget(remote);
	node = remote_node_of(remote, inode->ino);
	if (!node)
		return false;
	if (node->is_listed || node->is_used)
		remote_kernel_forget_attr(remote_session(remote), node->number);
	is_told = node->is_told;
	node->is_told = node->is_listed = false;
	return is_told;
}

static void unknown(struct remote_call *call)
{
	if (call)
		remote_slots_resend(call);
}

/* Return: as remote_message() does. */
static bool in_session(struct remote *remote, const struct wire_head *head,
		       void *body, size_t len)
{
	struct remote_call *call =
		remote_slots_find(remote, head->slot, head->seq);

	switch (head->kind) {
	case WIRE_ANSWER:
		return call && remote_answer_part(call, head, body, len);
	case WIRE_UNKNOWN:
		unknown(call);
		break;
	case WIRE_UNDONE:
		if (call)
			remote_past_undone(call);
		break;
	case WIRE_NOTIFY:
		return head->whole == len && notified(remote, body, len);
	case WIRE_ASK:
		remote_ask(remote, body);
		break;
	case WIRE_NOTED:
		if (head->slot == WIRE_SLOT_NOTES)
			remote_noted(remote, head->seq);
		break;
	}
	return false;
}

bool remote_message(struct fleet *fleet, const char *from,
		    const struct wire_head *head, void *body, size_t len)
{
	struct remote *remote = find(fleet, from);

	if (!remote)
		return false;
	heard(remote, head->incarnation);
	remote->said_ms = remote->heard_ms;
	if (remote->state == REMOTE_CLOSED || head->session != remote->session)
		return false;
	if (head->kind == WIRE_OPENED)
		remote_opened(remote, head);
	/*
	 * What it names may have been done before the session ended, and only
	 * the answer is lost: that message was a question after it, or the call
	 * once more. So the new session asks.
	 */
	else if (head->kind == WIRE_ENDED)
		remote_close_session(remote, -ESTALE);
	else if (remote->state == REMOTE_OPEN &&
		 head->incarnation == remote->incarnation)
		return in_session(remote, head, body, len);
	return false;
}

/* ---- The end ---- */

bool remotes_closing(const struct fleet *fleet)
{
	const struct remote *remote;

	if (!fleet->remotes)
		return false;
	DL_FOREACH (fleet->remotes->active, remote) {
		if (remote->releases)
			return true;
	}
	return false;
}

static void end(struct remote *remote)
{
	struct remote_handle *handle, *next;

	if (remote->slots)
		remote_close_session(remote, -EHOSTDOWN);
	DL_FOREACH_SAFE (remote->handles, handle, next)
		remote_handle_free(handle);
	if (remote->is_active)
		remote_rest(remote);
}

void remotes_end(struct fleet *fleet)
{
	struct remotes *remotes = fleet->remotes;
	struct remote_node *node, *next_node;
	struct remote *remote, *next;

	if (!remotes)
		return;
	remote_root_end(remotes);
	HASH_ITER (hh, remotes->all, remote, next)
		end(remote);
	HASH_ITER (hh, remotes->nodes, node, next_node) {
		if (!node->is_root)
			remote_node_free(node);
	}
	HASH_ITER (hh, remotes->all, remote, next)
		remote_free(remote);
	remote_ask_end(remotes);
	free(remotes);
	fleet->remotes = NULL;
}

/* ---- Told ---- */

void remotes_figures(const struct fleet *fleet, struct remote_figures *out)
{
	const struct remotes *remotes = fleet->remotes;

	*out = (struct remote_figures){0};
	if (!remotes)
		return;
	*out = remotes->figures;
	out->remotes = HASH_COUNT(remotes->all);
	out->nodes = HASH_CNT(hh, remotes->nodes);
	out->handles = HASH_COUNT(remotes->handles);
}

uint64_t remote_round_trip_ns(const struct fleet *fleet, const char *name)
{
	const struct remote *remote = find(fleet, name);

	return remote ? remote->round_trip_ns : 0;
}
