// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "fs/listed.h"
#include "fs/node.h"
#include "fs/programs/programs.h"
#include "fs/scratch.h"

/* After so many that are freed at the end, a look at the clock. */
#define FREED_LOOK 64

/* ---- Identity ---- */

/* Anchor (8 octets), serial number (8), kind (1), and the owner in wire form.
 */
#define KEY_SCRATCH 8
#define KEY_HEAD    (NODE_KEY_KIND + 1)
#define KEY_SIZE    (KEY_HEAD + NAME_WIRE_SIZE)

static size_t make_key(uint8_t key[KEY_SIZE], const struct node_kind *kind,
		       uint64_t anchor, const struct name *owner,
		       uint64_t scratch)
{
	memcpy(key, &anchor, 8);
	memcpy(key + KEY_SCRATCH, &scratch, 8);
	key[NODE_KEY_KIND] = (uint8_t)kind->number;
	if (!owner)
		return KEY_HEAD;
	memcpy(key + KEY_HEAD, owner->wire, owner->len);
	return KEY_HEAD + owner->len;
}

struct node *node_find(struct fs *fs, const struct node_kind *kind,
		       uint64_t anchor, const struct name *owner)
{
	uint8_t key[KEY_SIZE];
	size_t len = make_key(key, kind, anchor, owner, 0);
	struct node *node;

	HASH_FIND(hh, fs->nodes, key, len, node);
	return node;
}

struct node *node_get(struct fs *fs, const struct node_kind *kind,
		      struct anchor *anchor, const struct name *owner,
		      struct scratch *scratch)
{
	uint8_t key[KEY_SIZE];
	size_t len = make_key(key, kind, anchor ? anchor->id : 0, owner,
			      scratch ? scratch->serial : 0);
	struct node *node;

	HASH_FIND(hh, fs->nodes, key, len, node);
	if (!node) {
		if (fs->peer && HASH_COUNT(fs->nodes) >= NODES_OF_PEER)
			return NULL;
		node = calloc(1, sizeof(*node) + len);
		if (!node)
			return NULL;
		memcpy(node->key, key, len);
		node->key_len = (uint16_t)len;
		node->kind = kind;
		node->anchor = anchor ? anchor_ref(anchor) : NULL;
		node->scratch = scratch ? scratch_ref(scratch) : NULL;
		HASH_ADD_KEYPTR(hh, fs->nodes, node->key, len, node);
	}
	assert(node->kind == kind && node->scratch == scratch);
	node->lookups++;
	return node;
}

static void node_free(struct fs *fs, struct node *node)
{
	assert(!node->opens && !node->handles);
	HASH_DEL(fs->nodes, node);
	listed_drop(fs, node);
	known_drop(fs, node);
	scratch_unref(node->scratch);
	programs_forget_dir(node);
	anchor_unref(node->anchor);
	free(node);
}

void node_put(struct fs *fs, struct node *node, uint64_t lookups)
{
	assert(node->lookups >= lookups);
	node->lookups -= lookups;
	if (!node->lookups)
		node_free(fs, node);
}

bool node_free_all(struct fs *fs, uint64_t until_ns)
{
	while (fs->nodes && uv_hrtime() < until_ns)
		for (int i = 0; fs->nodes && i < FREED_LOOK; i++)
			node_free(fs, fs->nodes);
	return !fs->nodes;
}

/* The root is a node like any other, but its number is libfuse's. */
struct node *node_of(struct fs *fs, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return fs->top;
	return (struct node *)(uintptr_t)ino;
}

fuse_ino_t node_ino(const struct fs *fs, const struct node *node)
{
	if (node == fs->top)
		return FUSE_ROOT_ID;
	return (fuse_ino_t)(uintptr_t)node;
}

bool node_has_owner(const struct node *node)
{
	return node->key_len > KEY_HEAD;
}

const struct name *node_owner(const struct node *node, struct name *out)
{
	if (!node_has_owner(node))
		return NULL;
	out->len = (uint8_t)(node->key_len - KEY_HEAD);
	memcpy(out->wire, node->key + KEY_HEAD, out->len);
	return out;
}

void node_scope(const struct node *node, struct scope *out)
{
	*out = (struct scope){.kind = node->kind->scope};
	assert(out->kind == SCOPE_ALL || node_has_owner(node));
	node_owner(node, &out->name);
}

bool node_is_of_many(const struct node *node)
{
	static const uint8_t none[NODE_KEY_KIND - KEY_SCRATCH];

	return node_has_owner(node) ||
	       memcmp(node->key + KEY_SCRATCH, none, sizeof(none)) != 0;
}

void node_label(const struct node *node, char *out, size_t size)
{
	if (node->kind->label)
		node->kind->label(node, out, size);
	else
		snprintf(out, size, "%s", node->kind->name);
}

void node_fail(struct fs *fs, const struct node *node, const char *act,
	       const char *name, const char *reason)
{
	/* The root has no `error`; its host's is the nearest. */
	anchor_fail(node->anchor ? node->anchor : fs->host->root, act, 0, name,
		    reason);
}

void node_refuse(struct fs *fs, const struct node *node, const char *act,
		 const char *reason)
{
	char label[NODE_LABEL_SIZE];

	node_label(node, label, sizeof(label));
	node_fail(fs, node, act, label, reason);
}

int node_served(struct fs *fs, const struct anchor *anchor, struct served *out)
{
	struct snapshot *snapshot = fs->host->snapshot;
	int r;

	if (anchor->gone)
		return -ENODEV;
	r = snapshot_begin(snapshot);
	if (r < 0)
		return r;
	r = snapshot_served(snapshot, anchor->id, out);
	if (r < 0)
		snapshot_end(snapshot);
	return r == -ENOENT ? -ENODEV : r;
}

int node_table(struct fs *fs, const struct anchor *anchor, uint32_t *out)
{
	struct served served;
	int r = node_served(fs, anchor, &served);

	if (r == 0)
		*out = served.table;
	return r;
}
