// SPDX-License-Identifier: Apache-2.0
/*
 * remote_nodes.c - numbers of others' nodes in this mount
 *
 * The owner counts what it gave us of each node, and we what we gave our
 * kernel, which may be more: what we know is not asked for. What our kernel
 * holds no more is owed to the owner, but for the last one that it has given
 * while our kernel holds any: see remote_notes.c.
 */
#include <assert.h>
#include <errno.h>

#include "fs/fleet/remote_layout.h"

struct remote_node *remote_node_of(struct remote *remote, uint64_t owner)
{
	struct remote_node *node;

	if (owner == FUSE_ROOT_ID)
		return &remote->root;
	HASH_FIND(hh_owner, remote->nodes, &owner, sizeof(owner), node);
	return node;
}

static struct remote_node *node_new(struct remote *remote, uint64_t owner)
{
	struct remote_node *node = calloc(1, sizeof(*node));
	struct remotes *remotes = remote->remotes;

	if (!node)
		return NULL;
	node->remote = remote;
	node->owner = owner;
	node->number = REMOTE_NODE_BIT | ++remotes->numbers;
	HASH_ADD(hh, remotes->nodes, number, sizeof(node->number), node);
	HASH_ADD(hh_owner, remote->nodes, owner, sizeof(node->owner), node);
	return node;
}

void remote_node_free(struct remote_node *node)
{
	struct remote *remote = node->remote;

	assert(!node->is_root);
	if (node->owed)
		DL_DELETE(remote->owing, node);
	if (!node->is_stale)
		HASH_DELETE(hh_owner, remote->nodes, node);
	HASH_DELETE(hh, remote->remotes->nodes, node);
	free(node);
}

/* When there is no memory for it, the owner keeps it until the session ends. */
int remote_node_given(struct remote *remote, uint64_t owner, uint64_t *number)
{
	struct remote_node *node;

	/* Its anchor is no entry of any of its directories. */
	if (owner <= FUSE_ROOT_ID)
		return -EPROTO;
	node = remote_node_of(remote, owner);
	if (!node)
		node = node_new(remote, owner);
	if (!node)
		return -ENOMEM;
	node->lookups++;
	node->given++;
	*number = node->number;
	return 0;
}

void remote_node_again(struct remote_node *node)
{
	assert(node->lookups && node->given);
	node->lookups++;
}

struct remote_node *remote_node_find(struct remotes *remotes, uint64_t number)
{
	struct remote_node *node;

	HASH_FIND(hh, remotes->nodes, &number, sizeof(number), node);
	return node;
}

static void owe(struct remote_node *node, uint64_t count)
{
	assert(node->given);
	if (!node->lookups)
		count = node->given;
	else if (count >= node->given)
		count = node->given - 1;
	if (!count)
		return;
	if (!node->owed)
		DL_APPEND(node->remote->owing, node);
	node->given -= count;
	node->owed += count;
}

void remote_node_forget(struct remotes *remotes, uint64_t number,
			uint64_t count)
{
	struct remote_node *node = remote_node_find(remotes, number);

	if (!node)
		return;
	assert(node->lookups >= count);
	node->lookups -= count;
	/* It may be new again. */
	node->is_used &= node->lookups > 0;
	if (node->is_root || !count)
		return;
	if (!node->is_stale)
		owe(node, count);
	else if (!node->lookups)
		remote_node_free(node);
}

void remote_nodes_end(struct remote *remote)
{
	struct remote_node *node, *next;

	HASH_ITER (hh_owner, remote->nodes, node, next) {
		HASH_DELETE(hh_owner, remote->nodes, node);
		if (node->owed)
			DL_DELETE(remote->owing, node);
		node->owed = 0;
		node->is_stale = true;
		if (!node->lookups)
			remote_node_free(node);
	}
	assert(!remote->owing);
}
