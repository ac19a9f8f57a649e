// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <utlist.h>

#include "fs/node.h"
#include "fs/relay.h"
#include "fs/session.h"

/* How soon the kernel is told again. */
#define AGAIN_MS 1
/* After so many, a look at the clock. */
#define FORGOTTEN_LOOK 8

/* Nodes of an anchor whose attributes the kernel may believe. */
struct listed {
	UT_hash_handle hh;  /* in fs->listings.all */
	uint64_t anchor;    /* its id */
	struct node *nodes; /* utlist, in the order in which they were given */
	size_t count;
	unsigned forgettings;
	struct turns_lane lane; /* they */
	struct listed *waiting_prev, *waiting_next;
};

/* A change that waits until they are forgotten. */
struct forgetting {
	struct turn turn;
	struct fs *fs;
	struct listed *listed;
	const void *origin;
	size_t left;	   /* nodes; what was given since is new */
	size_t unknown;	   /* of these, so far: to be told again */
	uint64_t until_ms; /* by uv_now() */
	void (*told)(void *arg);
	void *arg;
};

static struct listed *find(const struct fs *fs, const struct anchor *anchor)
{
	struct listed *listed;

	HASH_FIND(hh, fs->listings.all, &anchor->id, sizeof(anchor->id),
		  listed);
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
	HASH_ADD(hh, fs->listings.all, anchor, sizeof(listed->anchor), listed);
	return listed;
}

static void free_if_empty(struct fs *fs, struct listed *listed)
{
	if (listed->nodes || listed->forgettings)
		return;
	HASH_DEL(fs->listings.all, listed);
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

/* Twice the time: the kernel's clock starts when it has the answer. */
static uint64_t end_of_belief(const struct fs *fs)
{
	return uv_now(fs->host->loop) + 2 * LISTED_SECONDS * 1000;
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
	node->listed_until_ms = end_of_belief(fs);
	DL_APPEND2(listed->nodes, node, listed_prev, listed_next);
	listed->count++;
	return true;
}

/* Return: false: the kernel does not know it, or not yet. */
static bool forget(struct fs *fs, const struct node *node)
{
	struct fs *before = relay_enter(fs);
	/* Only attributes: that is safe from the thread that serves. */
	int r = fuse_lowlevel_notify_inval_inode(fs->session->fuse,
						 node_ino(fs, node), -1, 0);

	relay_leave(fs, before);
	return r != -ENOENT;
}

void listed_dir(struct fs *fs)
{
	fs->listings.dirs_until_ms = end_of_belief(fs);
}

static bool has_dirs(const struct fs *fs)
{
	return !fs->peer || uv_now(fs->host->loop) < fs->listings.dirs_until_ms;
}

bool listed_given(struct fs *fs, struct node *node)
{
	return node->kind->is_listed &&
	       uv_now(fs->host->loop) < fs->listings.dirs_until_ms &&
	       listed_add(fs, node);
}

bool listed_any(const struct fs *fs)
{
	return fs->listings.all || has_dirs(fs);
}

void listed_forget_dir(struct fs *fs, const struct node_kind *kind,
		       const struct anchor *anchor)
{
	struct node *node = NULL;

	if (has_dirs(fs))
		node = node_find(fs, kind, anchor->id, NULL);
	if (node)
		forget(fs, node);
}

/* The oldest one but the origin. Return: whether there was one. */
static bool forget_oldest(struct forgetting *forgetting)
{
	uint64_t now = uv_now(forgetting->fs->host->loop);
	struct listed *listed = forgetting->listed;
	struct node *node = listed->nodes;

	if (node && node == forgetting->origin)
		node = node->listed_next;
	if (!node)
		return false;
	if (node->listed_until_ms > now && !forget(forgetting->fs, node) &&
	    now < forgetting->until_ms) {
		DL_DELETE2(listed->nodes, node, listed_prev, listed_next);
		DL_APPEND2(listed->nodes, node, listed_prev, listed_next);
		forgetting->unknown++;
	} else {
		drop(listed, node);
	}
	return true;
}

static void on_timer(uv_timer_t *timer)
{
	struct fs *fs = timer->data;
	struct listed *list = steal(&fs->listings.waiting), *listed, *next;

	DL_FOREACH_SAFE2 (list, listed, next, waiting_next)
		turns_resume(&listed->lane);
}

int listed_start(struct fs *fs)
{
	fs->listings.timer.data = fs;
	return uv_timer_init(fs->host->loop, &fs->listings.timer);
}

static enum turn_result wait(struct forgetting *forgetting)
{
	struct listings *listings = &forgetting->fs->listings;

	/* Those that were not known stand behind what was given since. */
	forgetting->left = forgetting->listed->count;
	forgetting->unknown = 0;
	DL_APPEND2(listings->waiting, forgetting->listed, waiting_prev,
		   waiting_next);
	uv_timer_start(&listings->timer, on_timer, AGAIN_MS, 0);
	return TURN_WAIT;
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct forgetting *forgetting =
		container_of(turn, struct forgetting, turn);
	struct fs *fs = forgetting->fs;
	struct listed *listed = forgetting->listed;
	void (*told)(void *arg) = forgetting->told;
	void *arg = forgetting->arg;

	while (forgetting->left && forget_oldest(forgetting))
		if (--forgetting->left % FORGOTTEN_LOOK == 0 &&
		    uv_hrtime() >= until_ns && forgetting->left)
			return TURN_YIELD;
	if (forgetting->unknown)
		return wait(forgetting);
	free(forgetting);
	listed->forgettings--;
	free_if_empty(fs, listed);
	told(arg);
	return TURN_DONE;
}

/* Without memory for a turn: what the kernel does not know yet is left. */
static void forget_all(struct fs *fs, struct listed *listed, const void *origin)
{
	struct forgetting forgetting = {
		.fs = fs, .listed = listed, .origin = origin};

	while (forget_oldest(&forgetting))
		continue;
	free_if_empty(fs, listed);
}

/* By none of them anything is believed any more. */
static bool is_over(const struct fs *fs, const struct listed *listed)
{
	return !listed->nodes || listed->nodes->listed_prev->listed_until_ms <=
					 uv_now(fs->host->loop);
}

/* Of those that are fleeting, this machine's kernel believes nothing. */
static void forget_dirs(struct fs *fs, const struct anchor *anchor)
{
	listed_forget_dir(fs, &dir_names, anchor);
	if (!fs->peer)
		return;
	listed_forget_dir(fs, &dir_keys, anchor);
	listed_forget_dir(fs, &dir_transfer, anchor);
	listed_forget_dir(fs, &dir_zones, anchor);
}

bool listed_changed(struct fs *fs, struct anchor *anchor, const void *origin,
		    void (*told)(void *arg), void *arg)
{
	struct listed *listed = find(fs, anchor);
	struct forgetting *forgetting;

	forget_dirs(fs, anchor);
	if (!listed || (!listed->forgettings && is_over(fs, listed)))
		return true;
	forgetting = calloc(1, sizeof(*forgetting));
	if (!forgetting) {
		forget_all(fs, listed, origin);
		return true;
	}
	*forgetting = (struct forgetting){
		.turn.go = go_on,
		.fs = fs,
		.listed = listed,
		.origin = origin,
		.left = listed->count,
		.until_ms = uv_now(fs->host->loop) + LISTED_PATIENCE_MS,
		.told = told,
		.arg = arg,
	};
	listed->forgettings++;
	turns_add(fs, &listed->lane, &forgetting->turn);
	return false;
}

void listed_forget_at_once(struct fs *fs, struct anchor *anchor,
			   const void *origin)
{
	struct listed *listed = find(fs, anchor);

	forget_dirs(fs, anchor);
	if (listed)
		forget_all(fs, listed, origin);
}
