// SPDX-License-Identifier: Apache-2.0
/*
 * memory.c - what programs did a moment ago
 *
 * All memories stand in one hash by number and kind, in the order in which
 * they came: the oldest is at its head. Who made a directory stands with its
 * node instead: a copier may have made thousands, and comes back to each.
 */
#include <assert.h>
#include <stdlib.h>

#include "fs/file_name.h"
#include "fs/programs/memory.h"

/*
 * For how long it counts, in milliseconds. Who is refused may try again before
 * it cleans up; who copies may be long in one directory before the next look.
 */
static const uint64_t lasts_ms[] = {
	[MEMORY_UNLINKED] = 1000, [MEMORY_REMOVED] = 1000,
	[MEMORY_REFUSED] = 5000,  [MEMORY_REPLACED] = 1000,
	[MEMORY_MADE] = 60000,
};

struct memory_key {
	pid_t pid;
	int kind; /* enum memory_kind */
};

struct memory {
	UT_hash_handle hh; /* in fs->memory, by key; the oldest first */
	struct memory_key key;
	uid_t uid;
	uint64_t anchor; /* id */
	const struct node_kind *node_kind;
	struct name owner;  /* of a name's file */
	struct buffer text; /* of a name that was removed: its records */
	uint64_t until_ms;  /* by uv_now() */
};

static uint64_t end_of(const struct fs *fs, enum memory_kind kind)
{
	return uv_now(fs->host->loop) + lasts_ms[kind];
}

static bool is_over(const struct fs *fs, uint64_t until_ms)
{
	return uv_now(fs->host->loop) >= until_ms;
}

void memory_forget(struct fs *fs, struct memory *memory)
{
	HASH_DEL(fs->memory, memory);
	buffer_deinit(&memory->text);
	free(memory);
}

void memory_forget_all(struct fs *fs)
{
	while (fs->memory)
		memory_forget(fs, fs->memory);
}

static struct memory *find(struct fs *fs, enum memory_kind kind, pid_t pid)
{
	struct memory_key key = {.pid = pid, .kind = (int)kind};
	struct memory *memory;

	HASH_FIND(hh, fs->memory, &key, sizeof(key), memory);
	return memory;
}

static bool is_of(const struct fs *fs, const struct memory *memory,
		  const struct node *node)
{
	struct name owner;

	if (!node->anchor || memory->anchor != node->anchor->id ||
	    memory->node_kind != node->kind || is_over(fs, memory->until_ms))
		return false;
	if (!node_owner(node, &owner))
		return true;
	return name_equal(&owner, &memory->owner);
}

/* Those whose time is over go; then the oldest, the user's own before others'.
 */
static void make_room(struct fs *fs, uid_t uid)
{
	struct memory *memory, *next, *own = NULL;
	unsigned owned = 0;

	HASH_ITER (hh, fs->memory, memory, next) {
		if (is_over(fs, memory->until_ms)) {
			memory_forget(fs, memory);
			continue;
		}
		if (memory->uid != uid)
			continue;
		if (!own)
			own = memory;
		owned++;
	}
	if (owned >= MEMORY_PER_USER)
		memory_forget(fs, own);
	else if (HASH_COUNT(fs->memory) >= MEMORY_MAX)
		memory_forget(fs, fs->memory);
	assert(HASH_COUNT(fs->memory) < MEMORY_MAX);
}

struct memory *memory_add(struct fs *fs, enum memory_kind kind,
			  const struct node *node, pid_t pid, uid_t uid)
{
	struct memory *memory = find(fs, kind, pid);

	assert(kind != MEMORY_MADE && node->anchor);
	if (memory)
		memory_forget(fs, memory);
	make_room(fs, uid);
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return NULL;
	memory->key.pid = pid;
	memory->key.kind = (int)kind;
	memory->uid = uid;
	memory->anchor = node->anchor->id;
	memory->node_kind = node->kind;
	memory->until_ms = end_of(fs, kind);
	node_owner(node, &memory->owner);
	HASH_ADD(hh, fs->memory, key, sizeof(memory->key), memory);
	return memory;
}

/* Another host can speak for any number of users: they have one's room. */
static bool shares_room(const struct fs *fs, const struct memory *memory,
			const struct memory *newest)
{
	return fs->peer || memory->uid == newest->uid;
}

/* The oldest texts of the user's go, as many as it takes for the newest. */
static void make_room_for_text(struct fs *fs, const struct memory *newest)
{
	struct memory *memory, *next;
	size_t octets = 0;

	HASH_ITER (hh, fs->memory, memory, next) {
		if (shares_room(fs, memory, newest))
			octets += memory->text.len;
	}
	HASH_ITER (hh, fs->memory, memory, next) {
		if (octets <= MEMORY_TEXT_MAX)
			return;
		if (memory == newest || !shares_room(fs, memory, newest))
			continue;
		octets -= memory->text.len;
		if (memory->text.len)
			memory_forget(fs, memory);
	}
}

void memory_keep_text(struct fs *fs, struct memory *memory,
		      const struct node *node)
{
	assert(memory->key.kind == MEMORY_REMOVED && !memory->text.len);
	if (file_name_render(fs, node, MEMORY_TEXT_MAX, &memory->text) < 0)
		buffer_deinit(&memory->text);
	make_room_for_text(fs, memory);
}

struct memory *memory_find(struct fs *fs, enum memory_kind kind,
			   const struct node *node, pid_t pid)
{
	struct memory *memory = find(fs, kind, pid);

	return memory && is_of(fs, memory, node) ? memory : NULL;
}

bool memory_has_any(struct fs *fs, enum memory_kind kind,
		    const struct node *node)
{
	struct memory *memory, *next;

	HASH_ITER (hh, fs->memory, memory, next) {
		if (memory->key.kind == (int)kind && is_of(fs, memory, node))
			return true;
	}
	return false;
}

struct buffer memory_take_text(struct memory *memory)
{
	struct buffer text = memory->text;

	memory->text = (struct buffer){0};
	return text;
}

/* ---- Who has made a directory ---- */

struct memory_maker {
	pid_t pid; /* a thread */
	uid_t uid;
	bool copies;
	uint64_t until_ms; /* by uv_now() */
};

void memory_set_maker(struct fs *fs, struct node *dir,
		      const struct fuse_ctx *by, bool copies)
{
	struct memory_maker *maker = dir->maker;

	if (!maker)
		maker = dir->maker = malloc(sizeof(*maker));
	if (!maker)
		return;
	*maker = (struct memory_maker){
		.pid = by->pid,
		.uid = by->uid,
		.copies = copies,
		.until_ms = end_of(fs, MEMORY_MADE),
	};
}

bool memory_is_maker(struct fs *fs, const struct node *dir,
		     const struct fuse_ctx *by)
{
	struct memory_maker *maker = dir->maker;

	if (!maker || !by->pid || maker->pid != by->pid ||
	    maker->uid != by->uid || is_over(fs, maker->until_ms))
		return false;
	maker->until_ms = end_of(fs, MEMORY_MADE);
	return true;
}

bool memory_is_copier(struct fs *fs, const struct node *dir,
		      const struct fuse_ctx *by)
{
	return dir->maker && dir->maker->copies && memory_is_maker(fs, dir, by);
}

void memory_forget_maker(struct node *dir)
{
	free(dir->maker);
	dir->maker = NULL;
}
