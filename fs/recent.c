// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/file_name.h"
#include "fs/recent.h"

/* For how long it counts. Who is refused may try again before it cleans up. */
#define UNLINKED_MS 1000
#define REPLACED_MS 1000
#define REFUSED_MS  5000

enum recent_kind {
	RECENT_UNLINKED, /* a control file */
	RECENT_REMOVED,	 /* a name */
	RECENT_REFUSED,
	RECENT_REPLACED,
};

struct recent_key {
	pid_t pid;
	int kind; /* enum recent_kind */
};

struct recent {
	UT_hash_handle hh; /* in fs->recent, by key; the oldest first */
	struct recent_key key;
	uid_t uid;
	uint64_t anchor; /* id */
	const struct node_kind *node_kind;
	struct name owner;  /* of a name's file */
	struct buffer text; /* of a name that was removed: its records */
	uint64_t until_ms;  /* by uv_now() */
};

static void forget(struct fs *fs, struct recent *recent)
{
	HASH_DEL(fs->recent, recent);
	buffer_deinit(&recent->text);
	free(recent);
}

static struct recent *find(struct fs *fs, enum recent_kind kind, pid_t pid)
{
	struct recent_key key = {.pid = pid, .kind = (int)kind};
	struct recent *recent;

	HASH_FIND(hh, fs->recent, &key, sizeof(key), recent);
	return recent;
}

static bool is_of(const struct fs *fs, const struct recent *recent,
		  const struct node *node)
{
	struct name owner;

	if (!recent || !node->anchor || recent->anchor != node->anchor->id ||
	    recent->node_kind != node->kind ||
	    uv_now(fs->host->loop) >= recent->until_ms)
		return false;
	if (!node_has_owner(node))
		return true;
	node_owner(node, &owner);
	return name_equal(&owner, &recent->owner);
}

/* Those whose time is over go; then the oldest, the user's own before others'.
 */
static void make_room(struct fs *fs, uid_t uid)
{
	struct recent *recent, *next, *own = NULL;
	uint64_t now = uv_now(fs->host->loop);
	unsigned owned = 0;
	size_t octets = 0;

	HASH_ITER (hh, fs->recent, recent, next) {
		if (now >= recent->until_ms) {
			forget(fs, recent);
			continue;
		}
		if (recent->uid != uid)
			continue;
		if (!own)
			own = recent;
		owned++;
		octets += recent->text.len;
	}
	if (owned >= RECENT_PER_USER || octets > RECENT_TEXT_MAX)
		forget(fs, own);
	else if (HASH_COUNT(fs->recent) >= RECENT_MAX)
		forget(fs, fs->recent);
}

/* Without memory nothing is remembered: NULL. */
static struct recent *remember(struct fs *fs, enum recent_kind kind,
			       const struct node *node, pid_t pid, uid_t uid,
			       uint64_t for_ms)
{
	struct recent *recent = find(fs, kind, pid);

	if (recent)
		forget(fs, recent);
	make_room(fs, uid);
	recent = calloc(1, sizeof(*recent));
	if (!recent)
		return NULL;
	recent->key.pid = pid;
	recent->key.kind = (int)kind;
	recent->uid = uid;
	recent->anchor = node->anchor->id;
	recent->node_kind = node->kind;
	recent->until_ms = uv_now(fs->host->loop) + for_ms;
	if (node_has_owner(node))
		node_owner(node, &recent->owner);
	HASH_ADD(hh, fs->recent, key, sizeof(recent->key), recent);
	return recent;
}

static enum recent_kind unlinked(const struct node *node)
{
	return node_has_owner(node) ? RECENT_REMOVED : RECENT_UNLINKED;
}

void recent_unlinked(struct fs *fs, const struct node *node,
		     const struct fuse_ctx *caller)
{
	struct recent *recent = remember(fs, unlinked(node), node, caller->pid,
					 caller->uid, UNLINKED_MS);

	if (recent && node_has_owner(node) &&
	    file_name_render(fs, node, RECENT_TEXT_MAX, &recent->text) < 0)
		buffer_deinit(&recent->text);
}

bool recent_was_unlinked(struct fs *fs, pid_t pid, const struct node *node)
{
	return pid && is_of(fs, find(fs, unlinked(node), pid), node);
}

void recent_take(struct fs *fs, pid_t pid, const struct node *node,
		 struct buffer *text)
{
	struct recent *recent = find(fs, unlinked(node), pid);

	if (!is_of(fs, recent, node))
		return;
	*text = recent->text;
	recent->text = (struct buffer){0};
	forget(fs, recent);
}

void recent_refused(struct fs *fs, const struct node *node, pid_t process,
		    uid_t uid)
{
	if (process)
		remember(fs, RECENT_REFUSED, node, process, uid, REFUSED_MS);
}

bool recent_any_refused(struct fs *fs, const struct node *node)
{
	struct recent *recent, *next;

	HASH_ITER (hh, fs->recent, recent, next) {
		if (recent->key.kind == RECENT_REFUSED &&
		    is_of(fs, recent, node))
			return true;
	}
	return false;
}

bool recent_forgive(struct fs *fs, pid_t process, const struct node *node)
{
	struct recent *recent = find(fs, RECENT_REFUSED, process);

	if (!process || !is_of(fs, recent, node))
		return false;
	forget(fs, recent);
	return true;
}

void recent_replaced(struct fs *fs, const struct node *node, pid_t pid,
		     uid_t uid)
{
	remember(fs, RECENT_REPLACED, node, pid, uid, REPLACED_MS);
}

bool recent_has_replaced(struct fs *fs, pid_t pid, const struct node *node)
{
	return pid && is_of(fs, find(fs, RECENT_REPLACED, pid), node);
}

void recent_free_all(struct fs *fs)
{
	while (fs->recent)
		forget(fs, fs->recent);
}
