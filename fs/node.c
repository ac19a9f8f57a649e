// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "fs/drafts.h"
#include "fs/listed.h"
#include "fs/node.h"
#include "fs/programs/programs.h"
#include "fs/scratch.h"

const struct node_file node_files[NODE_FILES] = {
	{"help", NODE_HELP, 0444, true, false, false},
	/* Of all anchors, whatever theirs allow. */
	{"metrics", NODE_METRICS, 0440, true, false, false},
	{"addr", NODE_ADDR, 0666, false, true, false},
	{"error", NODE_ERROR, 0666, true, true, false},
	{"names", NODE_NAMES, 0777, false, true, false},
	/* Hidden: cp -r and grep -r would wait for the next query for ever. */
	{"log", NODE_LOG, 0440, false, true, true},
	{"records", NODE_RECORDS, 0666, false, true, false},
	{"stat", NODE_STAT, 0444, false, true, false},
};

/* Names that later files will have. */
static const char *const reserved[] = {
	"keys",
	"peers",
	"transfer",
	"zones",
};

bool node_file_in(const struct node_file *file, const struct anchor *anchor)
{
	return anchor->parent ? file->in_server : file->in_host;
}

const struct node_file *node_file_named(const struct anchor *anchor,
					const char *name)
{
	for (size_t i = 0; i < NODE_FILES; i++)
		if (node_file_in(&node_files[i], anchor) &&
		    !strcmp(node_files[i].name, name))
			return &node_files[i];
	return NULL;
}

bool node_name_is_taken(const char *name)
{
	for (size_t i = 0; i < NODE_FILES; i++)
		if (!strcmp(node_files[i].name, name))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (!strcmp(reserved[i], name))
			return true;
	return false;
}

/* ---- Identity ---- */

/* Anchor (8 octets), serial number (8), kind (1), and the owner in wire form.
 */
#define KEY_HEAD 17
#define KEY_SIZE (KEY_HEAD + NAME_WIRE_SIZE)

static size_t make_key(uint8_t key[KEY_SIZE], enum node_kind kind,
		       uint64_t anchor, const struct name *owner,
		       uint64_t scratch)
{
	memcpy(key, &anchor, 8);
	memcpy(key + 8, &scratch, 8);
	key[16] = (uint8_t)kind;
	if (!owner)
		return KEY_HEAD;
	memcpy(key + KEY_HEAD, owner->wire, owner->len);
	return KEY_HEAD + owner->len;
}

struct node *node_find(struct fs *fs, enum node_kind kind, uint64_t anchor,
		       const struct name *owner)
{
	uint8_t key[KEY_SIZE];
	size_t len = make_key(key, kind, anchor, owner, 0);
	struct node *node;

	HASH_FIND(hh, fs->nodes, key, len, node);
	return node;
}

struct node *node_get(struct fs *fs, enum node_kind kind, struct anchor *anchor,
		      const struct name *owner, uint64_t scratch)
{
	uint8_t key[KEY_SIZE];
	size_t len =
		make_key(key, kind, anchor ? anchor->id : 0, owner, scratch);
	struct node *node;

	HASH_FIND(hh, fs->nodes, key, len, node);
	if (!node) {
		node = calloc(1, sizeof(*node) + len);
		if (!node)
			return NULL;
		memcpy(node->key, key, len);
		node->key_len = len;
		node->kind = kind;
		node->anchor = anchor ? anchor_ref(anchor) : NULL;
		HASH_ADD_KEYPTR(hh, fs->nodes, node->key, len, node);
	}
	node->lookups++;
	return node;
}

static void node_free(struct fs *fs, struct node *node)
{
	HASH_DEL(fs->nodes, node);
	listed_drop(fs, node);
	known_drop(fs, node);
	if (node->scratch) {
		drafts_forget(fs, node->scratch);
		scratch_free(fs, node->scratch);
	}
	programs_forget_dir(node);
	anchor_unref(node->anchor);
	free(node);
}

void node_put(struct fs *fs, struct node *node, uint64_t lookups)
{
	assert(node->lookups >= lookups);
	node->lookups -= lookups;
	/* A scratch file with a name is waiting to be looked up. */
	if (node->lookups || (node->scratch && node->scratch->name))
		return;
	node_free(fs, node);
}

void node_free_all(struct fs *fs)
{
	struct node *node, *next;

	HASH_ITER (hh, fs->nodes, node, next) {
		node_free(fs, node);
	}
}

/* The root is a node like any other, but its number is libfuse's. */
struct node *node_of(struct fs *fs, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return node_find(fs, NODE_ROOT, 0, NULL);
	return (struct node *)(uintptr_t)ino;
}

fuse_ino_t node_ino(const struct node *node)
{
	if (node->kind == NODE_ROOT)
		return FUSE_ROOT_ID;
	return (fuse_ino_t)(uintptr_t)node;
}

void node_owner(const struct node *node, struct name *out)
{
	assert(node->kind == NODE_NAME);
	out->len = (uint8_t)(node->key_len - KEY_HEAD);
	memcpy(out->wire, node->key + KEY_HEAD, out->len);
}

bool node_is_read_only(const struct node *node)
{
	return node->kind == NODE_HELP || node->kind == NODE_METRICS ||
	       node->kind == NODE_STAT || node->kind == NODE_LOG;
}

void node_label(const struct node *node, char *out, size_t size)
{
	char file[NAME_TEXT_SIZE];
	struct name owner;

	switch (node->kind) {
	case NODE_NAME:
		node_owner(node, &owner);
		name_to_file(&owner, file);
		snprintf(out, size, "names/%s", file);
		return;
	case NODE_SCRATCH:
		snprintf(out, size, "%s",
			 node->scratch->name ? node->scratch->name : "scratch");
		return;
	case NODE_ROOT:
	case NODE_ANCHOR:
		snprintf(out, size, "%s",
			 node->anchor ? node->anchor->name : "/");
		return;
	default:
		for (size_t i = 0; i < NODE_FILES; i++)
			if (node_files[i].kind == node->kind)
				snprintf(out, size, "%s", node_files[i].name);
	}
}

void node_fail(struct fs *fs, const struct node *node, const char *act,
	       const char *name, const char *reason)
{
	/* The root has no `error`; its host's is the nearest. */
	anchor_fail(node->anchor ? node->anchor : fs->host->root, act, 0, name,
		    reason);
}

int node_table(struct fs *fs, const struct anchor *anchor, uint32_t *out)
{
	struct snapshot *snapshot = fs->host->snapshot;
	int r;

	if (anchor->gone)
		return -ENODEV;
	r = snapshot_begin(snapshot);
	if (r < 0)
		return r;
	r = snapshot_serving(snapshot, anchor->id, out);
	if (r < 0)
		snapshot_end(snapshot);
	return r == -ENOENT ? -ENODEV : r;
}
