// SPDX-License-Identifier: Apache-2.0
/*
 * remote_believed.c - directories that our kernel need not ask for
 *
 * On its way along a path our kernel looks up each directory, and asks for its
 * attributes, once for each time that a program names it: cp does so five
 * times. So it may believe a directory for REMOTE_MOMENT_NS, which is for how
 * long it would be told the same here (remote_looked.c). It sees to names that
 * it changes itself; attributes may change by whatever is done in it, so it
 * forgets them when this host has done something, or when the owner tells of
 * something. A name that others have taken shows when something is looked for
 * in it, and then our kernel begins anew. Whether somebody may go through a
 * directory our kernel judges by its attributes, and of the last one of them
 * the owner does.
 *
 * To tell our kernel to forget is not without danger: it then also drops the
 * attributes of an answer that is on its way to whoever has asked. A node that
 * is new to it has none but those, and would be judged as a file of root's that
 * nobody may use. So it believes nothing of a node before it has got attributes
 * of it that nothing could have overtaken: then it asks for something else of
 * the node, or once more, and the node is_used.
 *
 * Who lists with attributes walks to the directory again for each name in it,
 * which would be eight calls a name. So after each answer to a listing
 * directories are believed for LISTED_DIR_MS; the owner tells of those that
 * change, but of no name that goes.
 */
#include <sys/stat.h>

#include "fs/fleet/remote_layout.h"

#define LISTED_DIR_MS 20
/* Our kernel counts in ticks, of 10 ms at the most: up to two of them more. */
#define TICKS_NS ((uint64_t)20 * 1000 * 1000)

static bool is_over(const struct remote_belief *belief)
{
	return uv_hrtime() >= belief->until_ns;
}

static void forget(struct remote *remote, struct remote_belief *belief)
{
	if (belief->has_attr && !is_over(belief))
		remote_kernel_forget_attr(remote_session(remote),
					  belief->number);
	belief->has_attr = false;
}

/* The oldest makes room, and is asked for anew. */
static struct remote_belief *place_for(struct remote *remote, uint64_t number)
{
	struct remote_belief *belief;

	for (unsigned i = 0; i < REMOTE_BELIEVED; i++)
		if (remote->believed[i].number == number)
			return &remote->believed[i];
	belief = &remote->believed[remote->next_believed++ % REMOTE_BELIEVED];
	forget(remote, belief);
	return belief;
}

uint32_t remote_believe(struct remote_node *node, const struct fuse_attr *attr,
			uint32_t ns)
{
	struct remote *remote = node->remote;
	uint64_t now = bus_now_ms(), until = remote->listed_ms + LISTED_DIR_MS;

	if (!S_ISDIR(attr->mode) || !node->is_used)
		return 0;
	/* Its owner tells of it. */
	if (now < until)
		return (uint32_t)(until - now) * 1000000;
	if (ns)
		*place_for(remote, node->number) = (struct remote_belief){
			.number = node->number,
			.until_ns = uv_hrtime() + ns + TICKS_NS,
			.has_attr = true,
		};
	return ns;
}

uint32_t remote_believe_asked(struct remote_node *node,
			      const struct fuse_attr *attr, uint32_t ns)
{
	uint32_t told_ns = remote_believe(node, attr, ns);

	node->is_used = true;
	return told_ns;
}

bool remote_believed(const struct remote_node *node)
{
	const struct remote *remote = node->remote;

	for (unsigned i = 0; i < REMOTE_BELIEVED; i++)
		if (remote->believed[i].number == node->number &&
		    !is_over(&remote->believed[i]))
			return true;
	return false;
}

void remote_believed_forget(struct remote *remote)
{
	for (unsigned i = 0; i < REMOTE_BELIEVED; i++)
		forget(remote, &remote->believed[i]);
}
