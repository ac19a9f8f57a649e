// SPDX-License-Identifier: Apache-2.0
/*
 * fair.c - a queue for each host, and a ring of those that may go on
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "anchors/transfer/fair.h"
#include "dns/wire/util.h"

/* It is there while somebody waits, or is under way. */
struct fair_queue {
	UT_hash_handle hh;		/* by key */
	struct fair_queue *prev, *next; /* utlist: in ready */
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

/* What waits and may go on is in the ring; nothing else is. */
static void place(struct fair *fair, struct fair_queue *queue)
{
	bool is_ready = queue->waiting && queue->on < fair->most_each;

	if (is_ready && !queue->is_ready)
		DL_APPEND(fair->ready, queue);
	else if (!is_ready && queue->is_ready)
		DL_DELETE(fair->ready, queue);
	queue->is_ready = is_ready;
	if (queue->waiting || queue->on)
		return;
	HASH_DEL(fair->queues, queue);
	free(queue);
}

static struct fair_queue *queue_of(struct fair *fair,
				   const struct address *host)
{
	uint8_t key[sizeof(struct address)];
	size_t len = queue_key(key, host);
	struct fair_queue *queue;

	HASH_FIND(hh, fair->queues, key, len, queue);
	if (queue)
		return queue;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	memcpy(queue->key, key, len);
	HASH_ADD(hh, fair->queues, key, len, queue);
	return queue;
}

int fair_wait(struct fair *fair, struct fair_turn *turn,
	      const struct address *host)
{
	struct fair_queue *queue = queue_of(fair, host);

	assert(!turn->queue);
	if (!queue)
		return -ENOMEM;
	turn->queue = queue;
	DL_APPEND(queue->waiting, turn);
	place(fair, queue);
	return 0;
}

struct fair_turn *fair_next(struct fair *fair)
{
	struct fair_queue *queue = fair->ready;
	struct fair_turn *turn;

	if (!queue || fair->on >= fair->most)
		return NULL;
	turn = queue->waiting;
	DL_DELETE(queue->waiting, turn);
	turn->is_on = true;
	queue->on++;
	fair->on++;
	/* To the end of the ring, if it stays in it. */
	DL_DELETE(fair->ready, queue);
	queue->is_ready = false;
	place(fair, queue);
	return turn;
}

void fair_end(struct fair *fair, struct fair_turn *turn)
{
	struct fair_queue *queue = turn->queue;

	if (!queue)
		return;
	if (turn->is_on) {
		assert(queue->on && fair->on);
		queue->on--;
		fair->on--;
	} else {
		DL_DELETE(queue->waiting, turn);
	}
	*turn = (struct fair_turn){0};
	place(fair, queue);
}
