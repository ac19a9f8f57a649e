/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.h - long work on the main loop, a slice at a time
 *
 * To print a part of a large file, or to come to a place in the middle of a
 * table, takes the longer the more there is. So it is done in turns: in each
 * round of the loop for a moment, with the requests of others in between. What
 * takes less is done at once, as long as nobody waits.
 *
 * The work of one open file is a lane: one turn after the other. Lanes take
 * turns, those of all views, but for one that has text half printed: there is
 * one buffer for that, and it goes on with it to the end.
 *
 * A turn is a request that its view's session counts as pending.
 *
 * Threading: the main loop.
 */
#ifndef FS_TURNS_H
#define FS_TURNS_H

#include <uv.h>

#include "dns/wire/buffer.h"

struct fs;
struct turn;

enum turn_result {
	TURN_DONE,  /* the request was answered; it and its lane may be gone */
	TURN_YIELD, /* time was up; the others first */
	TURN_KEEP,  /* the same, with something in the text of turns */
	TURN_WAIT,  /* the lane waits for turns_resume() */
};

/* @until_ns: by uv_hrtime(), when to return at the latest */
typedef enum turn_result turn_go(struct turn *turn, uint64_t until_ns);

/* A piece of work; part of what it needs, and owned by who begins it. */
struct turn {
	struct turn *next; /* in its lane */
	turn_go *go;
};

/*
 * Part of an open file; all zero: nothing is to be done. It may be no more once
 * its last turn is done.
 */
struct turns_lane {
	struct turns_lane *prev, *next; /* in turns->lanes */
	struct fs *fs;			/* whose work it is; from the first */
	struct turn *turns; /* utlist: they wait; not the one at work */
};

/* In struct commons. */
struct turns {
	uv_loop_t *loop;
	uv_idle_t idle;		    /* active while there are lanes */
	struct turns_lane *lanes;   /* utlist: the first one is next */
	struct turns_lane *at_work; /* the one whose turn it is, or NULL */
	struct buffer text; /* to print in; empty unless a turn keeps it */

	/* What was done at once, between two looks at the clock by the loop. */
	uint64_t now_ms;
	uint64_t spent_ns;
};

/** turns_start() - 0, -errno */
int turns_start(struct turns *turns, uv_loop_t *loop);

/** turns_end() - when no request is pending any more */
void turns_end(struct turns *turns);

/** turns_add() - do that, now or later: turn->go() is called until it is done
 *
 * @lane must stay until then. What it does adds no turn to its own lane.
 */
void turns_add(struct fs *fs, struct turns_lane *lane, struct turn *turn);

/** turns_add_later() - the same, when what is at hand is over */
void turns_add_later(struct fs *fs, struct turns_lane *lane, struct turn *turn);

/** turns_resume() - the lane's turn may go on, after TURN_WAIT */
void turns_resume(struct turns_lane *lane);

#endif
