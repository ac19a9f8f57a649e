/* SPDX-License-Identifier: Apache-2.0 */
/*
 * due.h - things that wait for their time, and one timer for all of them
 *
 * A heap: what is due next is found at once, and one more among ten thousand
 * costs a dozen comparisons. A struct due stands in what waits.
 *
 * Threading: the loop's.
 */
#ifndef ANCHORS_TRANSFER_DUE_H
#define ANCHORS_TRANSFER_DUE_H

#include <stdbool.h>
#include <uv.h>

struct due {
	uint64_t ms; /* by uv_now() */
	size_t at;   /* its place in the heap, from 1 on; 0: it does not wait */
};

struct dues {
	uv_timer_t *timer; /* borrowed; its callback calls dues_begin() */
	struct due **heap;
	size_t count, room;
	uint64_t until_ns; /* by uv_hrtime(), when this turn ends */
};

/* However many are due, so long others wait for them. */
#define DUES_TURN_NS 1000000

/** dues_init() - nothing waits; @timer is initialised, with @callback */
void dues_init(struct dues *dues, uv_timer_t *timer, uv_timer_cb callback);

/** dues_deinit() - nothing waits any more */
void dues_deinit(struct dues *dues);

static inline bool due_waits(const struct due *due)
{
	return due->at != 0;
}

/**
 * dues_reserve() - have room for so many: 0, -ENOMEM
 *
 * For who makes what will wait, so that dues_wait() cannot fail.
 */
int dues_reserve(struct dues *dues, size_t count);

/** dues_wait() - @due is due in @ms, whatever was said before */
void dues_wait(struct dues *dues, struct due *due, uint64_t ms);

/** dues_leave() - it does not wait any more; fine if it does not */
void dues_leave(struct dues *dues, struct due *due);

/** dues_begin() - the timer's callback begins a turn */
void dues_begin(struct dues *dues);

/**
 * dues_next() - one whose time has come, which waits no more
 *
 * NULL: there is none, or the turn is over; and the timer is set to the next
 * one's time, or to the next turn.
 */
struct due *dues_next(struct dues *dues);

#endif
