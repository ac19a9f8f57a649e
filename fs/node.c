// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <utlist.h>

#include "fs/files.h"
#include "fs/node.h"
#include "fs/scratch.h"

const struct node_file node_files[NODE_FILES] = {
	{"help", NODE_HELP, 0444, true, false},
	{"addr", NODE_ADDR, 0666, false, true},
	{"error", NODE_ERROR, 0666, true, true},
	{"names", NODE_NAMES, 0777, false, true},
	{"records", NODE_RECORDS, 0666, false, true},
	{"stat", NODE_STAT, 0444, false, true},
};

/* Names that later files will have. */
static const char *const reserved[] = {
	"log",
	"metrics",
	"keys",
	"transfer",
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

/* Anchor (8 octets), serial number (8), kind (1), and the owner in wire form. */
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

struct node *node_get(struct fs *fs, enum node_kind kind,
		      struct anchor *anchor, const struct name *owner,
		      uint64_t scratch)
{
	uint8_t key[KEY_SIZE];
	size_t len = make_key(key, kind, anchor ? anchor->id : 0, owner,
			      scratch);
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
	if (node->scratch)
		scratch_free(fs, node->scratch);
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

	fs->scratches = NULL;
	HASH_ITER(hh, fs->nodes, node, next)
	{
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

/* st_ino: the same for the same thing as long as the anchor lives. */
static ino_t stable_ino(const struct node *node)
{
	uint64_t ino = 0xcbf29ce484222325;

	if (node->kind != NODE_NAME && node->kind != NODE_SCRATCH)
		return node->anchor ? node->anchor->id << 4 | node->kind : 1;
	/* FNV-1a, 64 bits, in the half that no anchor's number reaches. */
	for (size_t i = 0; i < node->key_len; i++)
		ino = (ino ^ node->key[i]) * 0x100000001b3;
	return ino | (uint64_t)1 << 63;
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
		snprintf(out, size, "%s", node->anchor ? node->anchor->name
						       : "/");
		return;
	default:
		for (size_t i = 0; i < NODE_FILES; i++)
			if (node_files[i].kind == node->kind)
				snprintf(out, size, "%s", node_files[i].name);
	}
}

/* ---- Attributes ---- */

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

static mode_t file_mask(enum node_kind kind)
{
	for (size_t i = 0; i < NODE_FILES; i++)
		if (node_files[i].kind == kind)
			return node_files[i].mask;
	return kind == NODE_ANCHOR ? 07777 : 0666;
}

static void set_times(struct stat *st, int64_t ns)
{
	st->st_mtim.tv_sec = ns / 1000000000;
	st->st_mtim.tv_nsec = ns % 1000000000;
	st->st_atim = st->st_ctim = st->st_mtim;
}

/* How many directories are in it, "." and ".." too. */
static nlink_t links(const struct node *node)
{
	const struct anchor *anchor = node->anchor;

	switch (node->kind) {
	case NODE_ROOT:
		return 3;
	case NODE_ANCHOR:
		return 2 + HASH_COUNT(anchor->children) +
		       (anchor->parent ? 1 : 0);
	case NODE_NAMES:
		return 2;
	default:
		return 1;
	}
}

static int table_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;
	struct rrsets rrsets = {0};
	struct name owner;
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_counts(fs->host->snapshot, table, &counts);
	if (r == 0 && node->kind == NODE_NAME) {
		node_owner(node, &owner);
		r = snapshot_get(fs->host->snapshot, table, &owner, &rrsets);
		if (r == -ENOENT && node->created)
			r = 0;
		st->st_size = rrsets_size(&owner, rrsets).text;
	}
	snapshot_end(fs->host->snapshot);
	if (r < 0)
		return r;
	set_times(st, counts.changed_ns);
	if (node->kind == NODE_RECORDS)
		st->st_size = (off_t)counts.text;
	if (node->kind == NODE_STAT)
		st->st_size = (off_t)stat_size(node->anchor, &counts);
	return 0;
}

static void scratch_attr(const struct scratch *scratch, struct stat *st)
{
	st->st_mode = S_IFREG | scratch->mode;
	st->st_uid = scratch->uid;
	st->st_gid = scratch->gid;
	st->st_size = (off_t)scratch->size;
	set_times(st, scratch->mtime_ns);
}

int node_attr(struct fs *fs, struct node *node, struct stat *out)
{
	enum node_kind kind = node->kind;
	struct anchor *anchor = node->anchor;
	bool is_dir = kind == NODE_ROOT || kind == NODE_ANCHOR ||
		      kind == NODE_NAMES;
	struct stat st = {
		.st_ino = stable_ino(node),
		.st_nlink = links(node),
		.st_mode = S_IFDIR | 0755,
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_blksize = 128 * 1024,
	};
	int r = 0;

	if (anchor && anchor->gone)
		return -ENODEV;
	set_times(&st, anchor ? anchor->mtime_ns : fs->started_ns);
	if (anchor) {
		st.st_mode = (is_dir ? S_IFDIR : S_IFREG) |
			     (anchor->mode & file_mask(kind));
		st.st_uid = anchor->uid;
		st.st_gid = anchor->gid;
	}
	if (kind == NODE_HELP || kind == NODE_ERROR || kind == NODE_ADDR)
		st.st_size = (off_t)small_file_size(node);
	else if (kind == NODE_SCRATCH)
		scratch_attr(node->scratch, &st);
	else if (kind != NODE_ROOT && kind != NODE_ANCHOR)
		r = table_attr(fs, node, &st);
	st.st_blocks = (st.st_size + 511) / 512;
	if (r == 0)
		*out = st;
	return r;
}
