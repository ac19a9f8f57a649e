// SPDX-License-Identifier: Apache-2.0
/*
 * fair.c - users with a queue for each host, and rings of those that may go on
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "anchors/transfer/fair.h"
#include "dns/wire/util.h"

/* Both are there while somebody waits, or is under way. */
struct fair_user {
	UT_hash_handle hh;	       /* by uid */
	struct fair_user *prev, *next; /* utlist: in the ring of users */
	uint32_t uid;
	bool is_ready; /* some queue of his is */
	unsigned on;
	struct fair_queue *queues; /* uthash: by address */
	struct fair_queue *ready;  /* utlist: the ring of these */
};

struct fair_queue {
	UT_hash_handle hh;		/* by key */
	struct fair_queue *prev, *next; /* utlist: in the user's ring */
	struct fair_user *user;
	bool is_ready;
	unsigned on;
	struct fair_turn *waiting; /* utlist */
	uint8_t key[sizeof(struct address)];
};

static size_t queue_key(uint8_t key[sizeof(struct address)],
			const struct address *host)
{
	key[0] = host->kind;
	memcpy(key + 1, &host->port, 2);
	memcpy(key + 3, host->ip, sizeof(host->ip));
	return 3 + sizeof(host->ip);
}

static void place_user(struct fair *fair, struct fair_user *user)
{
	bool is_ready = user->ready != NULL;

	if (is_ready && !user->is_ready)
		DL_APPEND(fair->ready, user);
	else if (!is_ready && user->is_ready)
		DL_DELETE(fair->ready, user);
	user->is_ready = is_ready;
	if (user->queues)
		return;
	assert(!user->on);
	HASH_DEL(fair->users, user);
	free(user);
}

/* What waits and may go on is in the rings; nothing else is. */
static void place(struct fair *fair, struct fair_queue *queue)
{
	bool is_ready = queue->waiting && queue->on < fair->most_each;
	struct fair_user *user = queue->user;

	if (is_ready && !queue->is_ready)
		DL_APPEND(user->ready, queue);
	else if (!is_ready && queue->is_ready)
		DL_DELETE(user->ready, queue);
	queue->is_ready = is_ready;
	if (!queue->waiting && !queue->on) {
		HASH_DEL(user->queues, queue);
		free(queue);
	}
	place_user(fair, user);
}

static struct fair_user *user_of(struct fair *fair, uint32_t uid)
{
	struct fair_user *user;

	HASH_FIND(hh, fair->users, &uid, sizeof(uid), user);
	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	HASH_ADD(hh, fair->users, uid, sizeof(user->uid), user);
	return user;
}

static struct fair_queue *queue_of(struct fair_user *user,
				   const struct address *host)
{
	uint8_t key[sizeof(struct address)];
	size_t len = queue_key(key, host);
	struct fair_queue *queue;

	HASH_FIND(hh, user->queues, key, len, queue);
	if (queue)
		return queue;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	queue->user = user;
	memcpy(queue->key, key, len);
	HASH_ADD(hh, user->queues, key, len, queue);
	return queue;
}

int fair_wait(struct fair *fair, struct fair_turn *turn, uint32_t uid,
	      const struct address *host)
{
	struct fair_user *user = user_of(fair, uid);
	struct fair_queue *queue = user ? queue_of(user, host) : NULL;

	assert(!turn->queue);
	if (!queue) {
		if (user)
			place_user(fair, user);
		return -ENOMEM;
	}
	turn->queue = queue;
	DL_APPEND(queue->waiting, turn);
	place(fair, queue);
	return 0;
}

/* Users are few, whatever each has waiting. */
static struct fair_user *next_user(const struct fair *fair)
{
	struct fair_user *user;

	DL_FOREACH (fair->ready, user)
		if (user->on < fair->most - fair->on)
			return user;
	return NULL;
}

struct fair_turn *fair_next(struct fair *fair)
{
	struct fair_user *user = next_user(fair);
	struct fair_queue *queue;
	struct fair_turn *turn;

	if (!user)
		return NULL;
	queue = user->ready;
	turn = queue->waiting;
	DL_DELETE(queue->waiting, turn);
	turn->is_on = true;
	queue->on++;
	user->on++;
	fair->on++;
	/* To the ends of the rings, if they stay in them. */
	DL_DELETE(user->ready, queue);
	queue->is_ready = false;
	DL_DELETE(fair->ready, user);
	user->is_ready = false;
	place(fair, queue);
	return turn;
}

void fair_end(struct fair *fair, struct fair_turn *turn)
{
	struct fair_queue *queue = turn->queue;

	if (!queue)
		return;
	if (turn->is_on) {
		assert(queue->on && queue->user->on && fair->on);
		queue->on--;
		queue->user->on--;
		fair->on--;
	} else {
		DL_DELETE(queue->waiting, turn);
	}
	*turn = (struct fair_turn){0};
	place(fair, queue);
}
