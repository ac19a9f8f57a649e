// SPDX-License-Identifier: Apache-2.0
/*
 * due.c - a binary heap, by time
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "anchors/transfer/due.h"

void dues_init(struct dues *dues, uv_timer_t *timer, uv_timer_cb callback)
{
	*dues = (struct dues){.timer = timer};
	timer->timer_cb = callback;
}

void dues_deinit(struct dues *dues)
{
	for (size_t i = 0; i < dues->count; i++)
		dues->heap[i]->at = 0;
	free(dues->heap);
	*dues = (struct dues){.timer = dues->timer};
}

int dues_reserve(struct dues *dues, size_t count)
{
	size_t room = dues->room ? dues->room : 64;
	struct due **heap;

	if (count <= dues->room)
		return 0;
	while (room < count)
		room *= 2;
	heap = reallocarray(dues->heap, room, sizeof(struct due *));
	if (!heap)
		return -ENOMEM;
	dues->heap = heap;
	dues->room = room;
	return 0;
}

/* Places are counted from 1 on, so that those below i are 2i and 2i + 1. */
static void put(struct dues *dues, struct due *due, size_t at)
{
	dues->heap[at - 1] = due;
	due->at = at;
}

static struct due *there(const struct dues *dues, size_t at)
{
	return dues->heap[at - 1];
}

static void rise(struct dues *dues, struct due *due)
{
	size_t at = due->at;

	while (at > 1 && due->ms < there(dues, at / 2)->ms) {
		put(dues, there(dues, at / 2), at);
		at /= 2;
	}
	put(dues, due, at);
}

static void sink(struct dues *dues, struct due *due)
{
	size_t at = due->at, below;

	while ((below = 2 * at) <= dues->count) {
		if (below < dues->count &&
		    there(dues, below + 1)->ms < there(dues, below)->ms)
			below++;
		if (due->ms <= there(dues, below)->ms)
			break;
		put(dues, there(dues, below), at);
		at = below;
	}
	put(dues, due, at);
}

void dues_leave(struct dues *dues, struct due *due)
{
	struct due *last;
	size_t at = due->at;

	if (!at)
		return;
	assert(at <= dues->count && there(dues, at) == due);
	due->at = 0;
	last = there(dues, dues->count--);
	if (last == due)
		return;
	put(dues, last, at);
	rise(dues, last);
	sink(dues, last);
}

static void set_timer(struct dues *dues)
{
	uint64_t now = uv_now(dues->timer->loop), first;

	if (!dues->count) {
		uv_timer_stop(dues->timer);
		return;
	}
	first = there(dues, 1)->ms;
	/* Not at once, which may be in this turn of the loop. */
	uv_timer_start(dues->timer, dues->timer->timer_cb,
		       first > now ? first - now : 1, 0);
}

void dues_wait(struct dues *dues, struct due *due, uint64_t ms)
{
	assert(due->at || dues->count < dues->room);
	due->ms = uv_now(dues->timer->loop) + ms;
	if (!due->at)
		put(dues, due, ++dues->count);
	rise(dues, due);
	sink(dues, due);
	if (due->at == 1)
		set_timer(dues);
}

void dues_begin(struct dues *dues)
{
	dues->until_ns = uv_hrtime() + DUES_TURN_NS;
}

struct due *dues_next(struct dues *dues)
{
	struct due *due = dues->count ? there(dues, 1) : NULL;

	if (!due || due->ms > uv_now(dues->timer->loop) ||
	    uv_hrtime() >= dues->until_ns) {
		set_timer(dues);
		return NULL;
	}
	dues_leave(dues, due);
	return due;
}
