// SPDX-License-Identifier: Apache-2.0
/*
 * guest_made.c - what a mkdir has made whose answer was lost with its session
 *
 * Who asks for it waits for an entry, as the mkdir would have had. So the
 * anchor is looked up in the new view, as a kernel would, and that is the
 * answer.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>

#include "fs/fleet/guest_layout.h"
#include "fs/node.h"

static struct anchor *find_anchor(struct host *host, uint64_t id)
{
	struct anchor *at = host->root;

	while (at && at->id != id)
		at = anchor_next(host->root, at);
	return at;
}

/* The directory that it is in, as a node that is in use and was not given. */
static int use_parent(struct guest_slot *slot, const struct anchor *anchor)
{
	struct guest_session *session = slot->session;
	struct node *node =
		node_get(session->view, &dir_anchor, anchor->parent, NULL, 0);
	struct guest_node *parent;

	if (!node)
		return -ENOMEM;
	parent = guest_nodes_give(session, node_ino(session->view, node));
	if (!parent || parent->ino == FUSE_ROOT_ID)
		node_put(session->view, node, 1);
	if (!parent)
		return -ENOMEM;
	slot->node = guest_nodes_use(parent);
	guest_nodes_take(session, parent, false);
	return 0;
}

void guest_made(struct guest_slot *slot, uint64_t id)
{
	struct host *host = guest_host(slot->session);
	const struct anchor *anchor = find_anchor(host, id);
	int r = guest_ready(slot->session);
	struct {
		struct fuse_in_header head;
		char name[REQUEST_NAME_MAX + 1];
	} lookup = {.head.opcode = FUSE_LOOKUP};

	if (r == 0)
		r = anchor && anchor->parent ? use_parent(slot, anchor)
					     : -ENOENT;
	if (r < 0) {
		guest_slot_end(slot, WIRE_ANSWER, r);
		return;
	}
	slot->opcode = FUSE_LOOKUP;
	lookup.head.nodeid = slot->node->ino;
	snprintf(lookup.name, sizeof(lookup.name), "%s", anchor->name);
	lookup.head.len =
		(uint32_t)(sizeof(lookup.head) + strlen(lookup.name) + 1);
	guest_call_run(slot, &lookup, lookup.head.len);
}
