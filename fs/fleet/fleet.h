/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - this host among others: the parts, and who hears what
 *
 *   local kernel -- session.c -- remote_takes() --+        +-- guest.c -- view
 *                                                 bus.h ---+
 *   hosts.h: who is alive                         -- dispatch by subject
 *
 * A host without -o fleet= has none of it: the pointer is NULL.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_FLEET_H
#define FS_FLEET_FLEET_H

#include "anchors/histogram.h"
#include "fs/fleet/bus.h"
#include "fs/fleet/grants.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/hosts.h"

struct commons;
struct guest;
struct remote;
struct remotes;
struct session;

/* A host that stops waits so long for closes at their owners: see fleet_end();
 * others see it go within a second. */
#define FLEET_CLOSES_MS 800

struct fleet_options {
	const char *urls;
	const char *credentials; /* the text */
	const char *ca;		 /* the text */
	const struct grants *grants;
	const char *name; /* this host's */
	void (*report)(int priority, const char *line);
};

struct fleet {
	struct commons *commons;
	struct session *session; /* this machine's kernel's */
	struct bus *bus;
	struct hosts *hosts;
	struct guest *guests;		   /* guest.c's: uthash by name */
	struct guest_figures guest_counts; /* the same */
	unsigned guests_closing;	 /* sessions that are not closed yet */
	void (*guests_ended)(void *arg); /* NULL: they are not to end */
	void *guests_ended_arg;
	struct remotes *remotes; /* remote.c's */
	const struct grants *grants;
	const char *name;
	uint64_t incarnation; /* of this start, and greater than all before */
	uint8_t uuid[16];     /* of the state */
	uv_timer_t timer;     /* ten times a second */
	void (*report)(int priority, const char *line);
	bool is_over;	    /* nothing is heard, and nobody is told */
	bool is_ending;	    /* nothing is asked of it any more */
	uint64_t malformed; /* messages that were none */
	/* Of each call to another host that was answered. */
	struct histogram calls;
};

/** fleet_start() - 0, -errno; it connects by and by */
int fleet_start(struct fleet **out, struct commons *commons,
		struct session *session, const struct fleet_options *options);

/**
 * fleet_end() - stop to serve others, and say good-bye; NULL is fine
 *
 * It runs the loop. It comes before requests of this machine's kernel are
 * finished: what others are to answer is answered EHOSTDOWN, but closes that
 * have returned and still do something there end first, within FLEET_CLOSES_MS.
 */
struct fleet *fleet_end(struct fleet *fleet);

/* ---- post.c ---- */

/**
 * fleet_send() - a message to one host, in one piece
 *
 * @word: "rpc" or "in"; @reply: whether to hear that nobody listens.
 * Errors as bus_send().
 */
int fleet_send(struct fleet *fleet, const char *word, const char *to,
	       const struct wire_head *head, const void *body, size_t len,
	       bool reply);

/** fleet_message() - bus_options.message; @fleet is the argument */
bool fleet_message(void *fleet, const struct bus_message *message);

/** fleet_floods() - bus_options.floods; @fleet is the argument */
void fleet_floods(void *fleet, const char *subject);

/** fleet_publish() - a message to who hears c.WORD.ME: "live" or "ask" */
int fleet_publish(struct fleet *fleet, const char *word,
		  const struct wire_head *head, const void *body, size_t len);

/* ---- fleet.c: what hosts.c wants of the rest ---- */

/** fleet_describe() - the attributes of this host's anchor, into a beat */
void fleet_describe(const struct fleet *fleet, struct wire_beat *beat);

/** fleet_serves() - the host has its name from here on, or has not */
void fleet_serves(struct fleet *fleet, bool serves);

/** fleet_tell() - about its name: a line in the log
 * @fails: and one in the host's `error`
 */
void fleet_tell(struct fleet *fleet, int priority, const char *reason,
		bool fails);

/** fleet_wall_ns() - the wall clock */
uint64_t fleet_wall_ns(const struct fleet *fleet);

#endif
