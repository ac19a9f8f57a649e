/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending.h - requests that are answered later
 *
 * A request that waits for the writer is kept with what its answer needs. The
 * session counts them, so that a stopping daemon answers all of them first.
 */
#ifndef FS_PENDING_H
#define FS_PENDING_H

#include "fs/node.h"

struct pending {
	fuse_req_t req;
	struct fs *fs;
	pid_t other;	       /* a thread; or 0 */
	struct node *nodes[2]; /* held with a reference each, or NULL */
	struct anchor *anchor; /* a reference, or NULL */
	char *text;	       /* owned, or NULL */
};

/** pending_new() - NULL, and @req answered with ENOMEM */
struct pending *pending_new(fuse_req_t req);

/** pending_keep() - hold a node until the answer */
void pending_keep(struct pending *pending, struct node *node);

/** pending_free() - the request was answered */
void pending_free(struct pending *pending);

/** pending_reply() - answer with 0 or -errno, and free */
void pending_reply(struct pending *pending, int result);

/** pending_done() - an anchor_done that answers; also explains refusals */
void pending_done(void *arg, int result, const struct refusal *refusal);

/** pending_simple() - the same for callbacks without a refusal */
void pending_simple(void *arg, int result);

#endif
