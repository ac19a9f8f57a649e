/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_runner.h - the bus's thread, for the files that it runs
 *
 *   bus_thread.c what is due, and the thread's start and end
 *   bus_life.c   lives: they begin, they end, and what is tried in between
 *   bus_pulse.c  is the server there, and how slow is it?
 *   bus_out.c    what goes out: subscriptions, messages, beats
 *
 * Threading: the bus's thread; what is shared with the main loop is in
 * bus_inside.h.
 */
#ifndef FS_FLEET_BUS_RUNNER_H
#define FS_FLEET_BUS_RUNNER_H

#include "fs/fleet/bus_inside.h"

struct runner {
	struct bus *bus;
	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t tick;
	struct line *line;

	/* Of the life. */
	uint64_t life; /* 0: none */
	uint64_t since_ms;
	struct bus_item *down; /* so that no want of memory hides its end */
	size_t url;	       /* of bus->urls */
	uint64_t asked_ms;     /* 0: no question waits */
	uint64_t last_asked_ms;
	unsigned answers;
	uint64_t asked_beat_ms; /* the beat before the question */
	uint64_t beat_ms;	/* the last one */
	bool is_paused;		/* it reads nothing */
	uint64_t slowness_ms;	/* that an answer took lately, at most */

	/* Between lives. */
	unsigned failures; /* rounds, one after another */
	uint64_t next_ms;  /* when to try again */
	uint64_t told_ms;
	uint64_t took_ms; /* the last one that was made, until it was there */
	bool has_lost;	  /* @url is the one that was lost */

	uint64_t stop_ms; /* 0: go on */
	bool stop_asked;
};

/* ---- bus_thread.c ---- */

/** bus_thread_tell() - a line for the log, about the server at hand
 * @verb: with a blank behind it; @why: "" for none
 */
void bus_thread_tell(struct runner *runner, int priority, const char *verb,
		     const char *why);

/** bus_thread_stops() - is it to end? */
bool bus_thread_stops(const struct runner *runner);

/* ---- bus_life.c ---- */

/** bus_life_try() - begin one, if it is time to: at any of the servers */
void bus_life_try(struct runner *runner);

/** bus_life_end() - the connection is over, with all that waited for it */
void bus_life_end(struct runner *runner, const char *why);

/** bus_life_tell_up() - the main loop hears of a life, once; with the mutex
 * held
 *
 * That is when the server has answered what followed the subscriptions, or a
 * message has come by one.
 */
void bus_life_tell_up(struct bus *bus);

/* ---- bus_pulse.c ---- */

/** bus_pulse_ask() - the server is to answer */
void bus_pulse_ask(struct runner *runner, uint64_t now);

/** bus_pulse_hear() - has it? */
void bus_pulse_hear(struct runner *runner);

/** bus_pulse_take() - ask again and again; return: the server is as it should
 * be */
bool bus_pulse_take(struct runner *runner, uint64_t now);

/* ---- bus_out.c ---- */

/** bus_out_subscribe() - tell the server what is wanted now, and was not before
 */
void bus_out_subscribe(struct runner *runner);

/** bus_out_subscribe_all() - in a new life everything is */
void bus_out_subscribe_all(struct runner *runner);

/** bus_out_send() - return: whether all that waited is with the library */
bool bus_out_send(struct runner *runner);

/** bus_out_drop() - what waits is not sent any more */
void bus_out_drop(struct bus *bus);

/** bus_out_beat() - if one is due; it goes past what waits, which may be much
 */
void bus_out_beat(struct runner *runner, uint64_t now);

#endif
