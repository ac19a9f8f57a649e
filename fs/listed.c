// SPDX-License-Identifier: Apache-2.0
#include <utlist.h>

#include "fs/listed.h"
#include "fs/session.h"

static void forget(struct fs *fs, struct node *node)
{
	fuse_lowlevel_notify_inval_inode(fs->session->fuse, node_ino(node), -1,
					 0);
	listed_drop(fs, node);
}

/* Oldest first: the list is in the order of the listings. */
static void drop_expired(struct fs *fs, uint64_t now)
{
	while (fs->listed && fs->listed->listed_until_ms <= now)
		listed_drop(fs, fs->listed);
}

void listed_add(struct fs *fs, struct node *node)
{
	uint64_t now = uv_now(fs->host->loop);

	drop_expired(fs, now);
	listed_drop(fs, node);
	/* Twice the time: the kernel's clock starts when it has the answer. */
	node->listed_until_ms = now + 2 * LISTED_SECONDS * 1000;
	DL_APPEND2(fs->listed, node, listed_prev, listed_next);
	/* Else one change would have to forget them all. */
	if (++fs->listed_count > LISTED_MAX)
		forget(fs, fs->listed);
}

void listed_drop(struct fs *fs, struct node *node)
{
	if (!node->listed_until_ms)
		return;
	node->listed_until_ms = 0;
	DL_DELETE2(fs->listed, node, listed_prev, listed_next);
	fs->listed_count--;
}

void listed_changed(void *arg, struct anchor *anchor, const void *origin)
{
	struct fs *fs = arg;
	struct node *node, *next;

	/* Only attributes: that is safe from the thread that serves. */
	node = node_find(fs, &dir_names, anchor->id, NULL);
	if (node)
		fuse_lowlevel_notify_inval_inode(fs->session->fuse,
						 node_ino(node), -1, 0);
	drop_expired(fs, uv_now(fs->host->loop));
	for (node = fs->listed; node; node = next) {
		next = node->listed_next;
		if (node->anchor == anchor && node != origin)
			forget(fs, node);
	}
}
