// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <utlist.h>

#include "fs/listed.h"
#include "fs/session.h"

/* So many are forgotten at once: a tenth of a millisecond at most. */
#define AT_ONCE 16
/* After so many, a look at the clock. */
#define FORGOTTEN_LOOK 8

/* Nodes of an anchor whose attributes the kernel may believe. */
struct listed {
	UT_hash_handle hh;  /* in fs->listed */
	uint64_t anchor;    /* its id */
	struct node *nodes; /* utlist, in the order in which they were given */
	size_t count;
	unsigned forgettings;
	struct turns_lane lane; /* they */
};

/* A change that waits until they are forgotten. */
struct forgetting {
	struct turn turn;
	struct fs *fs;
	struct listed *listed;
	const void *origin;
	size_t left; /* nodes; what was given since is new */
	void (*told)(void *arg);
	void *arg;
};

static struct listed *find(const struct fs *fs, const struct anchor *anchor)
{
	struct listed *listed;

	HASH_FIND(hh, fs->listed, &anchor->id, sizeof(anchor->id), listed);
	return listed;
}

static struct listed *find_or_make(struct fs *fs, const struct anchor *anchor)
{
	struct listed *listed = find(fs, anchor);

	if (listed)
		return listed;
	listed = calloc(1, sizeof(*listed));
	if (!listed)
		return NULL;
	listed->anchor = anchor->id;
	HASH_ADD(hh, fs->listed, anchor, sizeof(listed->anchor), listed);
	return listed;
}

static void free_if_empty(struct fs *fs, struct listed *listed)
{
	if (listed->nodes || listed->forgettings)
		return;
	HASH_DEL(fs->listed, listed);
	free(listed);
}

static void drop(struct listed *listed, struct node *node)
{
	node->listed_until_ms = 0;
	DL_DELETE2(listed->nodes, node, listed_prev, listed_next);
	listed->count--;
}

void listed_drop(struct fs *fs, struct node *node)
{
	struct listed *listed;

	if (!node->listed_until_ms)
		return;
	listed = find(fs, node->anchor);
	drop(listed, node);
	free_if_empty(fs, listed);
}

bool listed_add(struct fs *fs, struct node *node)
{
	uint64_t now = uv_now(fs->host->loop);
	struct listed *listed = find_or_make(fs, node->anchor);

	if (!listed)
		return false;
	if (node->listed_until_ms)
		drop(listed, node);
	/* Two for one, so that those that are over come to an end. */
	for (int i = 0;
	     i < 2 && listed->nodes && listed->nodes->listed_until_ms <= now;
	     i++)
		drop(listed, listed->nodes);
	/* Twice the time: the kernel's clock starts when it has the answer. */
	node->listed_until_ms = now + 2 * LISTED_SECONDS * 1000;
	DL_APPEND2(listed->nodes, node, listed_prev, listed_next);
	listed->count++;
	return true;
}

static void forget(struct fs *fs, const struct node *node)
{
	/* Only attributes: that is safe from the thread that serves. */
	fuse_lowlevel_notify_inval_inode(fs->session->fuse, node_ino(node), -1,
					 0);
}

/* The oldest one but the origin. Return: whether there was one. */
static bool forget_oldest(struct fs *fs, struct listed *listed,
			  const void *origin)
{
	struct node *node = listed->nodes;

	if (node && node == origin)
		node = node->listed_next;
	if (!node)
		return false;
	if (node->listed_until_ms > uv_now(fs->host->loop))
		forget(fs, node);
	drop(listed, node);
	return true;
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct forgetting *forgetting =
		container_of(turn, struct forgetting, turn);
	struct fs *fs = forgetting->fs;
	struct listed *listed = forgetting->listed;
	void (*told)(void *arg) = forgetting->told;
	void *arg = forgetting->arg;

	while (forgetting->left &&
	       forget_oldest(fs, listed, forgetting->origin))
		if (--forgetting->left % FORGOTTEN_LOOK == 0 &&
		    uv_hrtime() >= until_ns && forgetting->left)
			return TURN_YIELD;
	free(forgetting);
	listed->forgettings--;
	free_if_empty(fs, listed);
	told(arg);
	return TURN_DONE;
}

static void forget_at_once(struct fs *fs, struct listed *listed,
			   const void *origin)
{
	while (forget_oldest(fs, listed, origin))
		continue;
	free_if_empty(fs, listed);
}

/* By none of them anything is believed any more. */
static bool is_over(const struct fs *fs, const struct listed *listed)
{
	return !listed->nodes || listed->nodes->listed_prev->listed_until_ms <=
					 uv_now(fs->host->loop);
}

bool listed_changed(struct fs *fs, struct anchor *anchor, const void *origin,
		    void (*told)(void *arg), void *arg)
{
	struct node *names = node_find(fs, &dir_names, anchor->id, NULL);
	struct listed *listed = find(fs, anchor);
	struct forgetting *forgetting;

	if (names)
		forget(fs, names);
	if (!listed || (!listed->forgettings && is_over(fs, listed)))
		return true;
	forgetting = listed->forgettings || listed->count > AT_ONCE
			     ? calloc(1, sizeof(*forgetting))
			     : NULL;
	if (!forgetting) {
		forget_at_once(fs, listed, origin);
		return true;
	}
	*forgetting = (struct forgetting){
		.turn.go = go_on,
		.fs = fs,
		.listed = listed,
		.origin = origin,
		.left = listed->count,
		.told = told,
		.arg = arg,
	};
	listed->forgettings++;
	turns_add(fs, &listed->lane, &forgetting->turn);
	return false;
}
