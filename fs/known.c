// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <unistd.h>
#include <utlist.h>

#include "fs/node.h"
#include "fs/session.h"

#define KNOWN_BATCH 16 /* in one notification */

/* As linux/fuse.h has it from version 7.45 of the protocol on. */
#define NOTIFY_PRUNE 9

struct prune {
	struct {
		uint32_t len;
		int32_t code;
		uint64_t unique; /* 0: a notification */
	} head;
	uint32_t count;
	uint32_t padding;
	uint64_t spare;
	uint64_t nodes[KNOWN_BATCH];
};

static size_t size_of(const struct node *node)
{
	return sizeof(*node) + node->key_len;
}

void known_drop(struct fs *fs, struct node *node)
{
	if (!node->is_known)
		return;
	node->is_known = false;
	DL_DELETE2(fs->known.names, node, known_prev, known_next);
	fs->known.size -= size_of(node);
}

/* They are known no more, or else in use and given again some day. */
static void let_go(struct fs *fs)
{
	struct prune prune = {
		.head = {.len = sizeof(prune), .code = NOTIFY_PRUNE},
		.count = KNOWN_BATCH,
	};

	for (unsigned i = 0; i < KNOWN_BATCH; i++) {
		struct node *node = fs->known.names;

		prune.nodes[i] = node_ino(fs, node);
		known_drop(fs, node);
	}
	/* An unmounted one has forgotten all. */
	if (write(fuse_session_fd(fs->session->fuse), &prune, sizeof(prune)) <
		    0 &&
	    (errno == EINVAL || errno == ENOSYS))
		fs->known.cannot = true;
	fs->known.too_many =
		!fs->known.cannot && fs->known.size > KNOWN_SIZE / 2;
}

bool known_let_go(struct fs *fs, uint64_t until_ns)
{
	if (fs->peer)
		return false;
	while (fs->known.too_many && uv_hrtime() < until_ns)
		let_go(fs);
	return fs->known.too_many;
}

bool known_is_full(const struct fs *fs)
{
	return fs->known.size >= KNOWN_SIZE + KNOWN_SIZE / 4;
}

bool known_has_room(const struct fs *fs)
{
	return !fs->peer || fs->known.size < KNOWN_SIZE;
}

void known_given(struct fs *fs, struct node *node)
{
	struct known *known = &fs->known;

	known_drop(fs, node);
	if (known->cannot)
		return;
	node->is_known = true;
	DL_APPEND2(known->names, node, known_prev, known_next);
	known->size += size_of(node);
	if (fs->peer)
		return;
	known->too_many |= known->size >= KNOWN_SIZE;
	/* No listing has come to do it. */
	if (known->size >= KNOWN_SIZE / 8 * 9)
		let_go(fs);
}
