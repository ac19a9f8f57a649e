// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "fs/pending.h"
#include "fs/session.h"

struct pending *pending_new(fuse_req_t req)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	pending->req = req;
	pending->fs = fs_of(req);
	session_add_pending(pending->fs->session);
	return pending;
}

void pending_keep(struct pending *pending, struct node *node)
{
	assert(!pending->nodes[1]);
	node->lookups++;
	pending->nodes[pending->nodes[0] ? 1 : 0] = node;
}

void pending_free(struct pending *pending)
{
	for (size_t i = 0; i < ARRAY_SIZE(pending->nodes); i++)
		if (pending->nodes[i])
			node_put(pending->fs, pending->nodes[i], 1);
	session_end_pending(pending->fs->session);
	anchor_unref(pending->anchor);
	free(pending->text);
	free(pending);
}

void pending_reply(struct pending *pending, int result)
{
	fuse_reply_err(pending->req, -result);
	pending_free(pending);
}

void pending_done(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	if (refusal && pending->anchor)
		anchor_refuse(pending->anchor, "names", refusal);
	pending_reply(pending, result);
}

void pending_simple(void *arg, int result)
{
	pending_done(arg, result, NULL);
}
