/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - which hosts are alive, and whose name is whose
 *
 * Each host beats (struct wire_beat). All beats are always sent, and heard on
 * demand: those of this host's own name always; those of a host that something
 * here is in use of, or that uses something here; all of them for a minute
 * after somebody has listed the root, who asks all once. A host is there until
 * it was not heard for HOSTS_GONE_MS, or has said good-bye.
 *
 * Of two that claim one name, the one that serves under it longer keeps it; the
 * other one stays local, says so in its log and in its `error`, and tries again
 * when the name is free.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_HOSTS_H
#define FS_FLEET_HOSTS_H

#include <uthash.h>

#include "fs/fleet/bus.h"
#include "fs/fleet/wire.h"

#define HOSTS_GONE_MS	5000  /* not heard for so long */
#define HOSTS_LISTED_MS 60000 /* all are heard, after a listing */
#define HOSTS_ASK_MS	300   /* how long a listing waits for answers */
#define HOSTS_LOOKUP_MS 500   /* the same, for one name */
#define HOSTS_MAX	20000 /* known at once */

struct fleet;

/* Another host. Lives while its beats are heard, or somebody holds it. */
struct live_host {
	UT_hash_handle hh; /* in hosts->all, by name */
	char name[WIRE_NAME_MAX + 1];
	struct wire_beat beat; /* the last one, if has_beat */
	uint64_t incarnation;
	uint64_t heard_ms; /* by bus_now_ms(); 0: never */
	uint64_t since_ns; /* that it is there, or gone; the wall clock */
	unsigned in_use;   /* hosts_hold() */
	bool has_beat;
	bool is_alive; /* it is there and has its name */

	/* hosts.c's own. */
	uint64_t until_ms; /* its beats are heard till then, held or not */
	uint64_t asked_ms; /* hosts_ask_one() */
	bool is_subscribed;

	/* hosts_shut.c's own. */
	uint64_t shut_ms; /* it floods, and is not heard till then; 0: heard */
	unsigned words;	  /* of its messages, that are subscribed to by name */
	bool was_shut;	  /* since it is known */
};

struct hosts;

int hosts_new(struct hosts **out, struct fleet *fleet);
struct hosts *hosts_free(struct hosts *hosts);

/** hosts_serves() - does this host have its name? else it stays local */
bool hosts_serves(const struct hosts *hosts);

/** hosts_find() - by name, if it is alive or was; NULL; no reference */
struct live_host *hosts_find(struct hosts *hosts, const char *name);

/**
 * hosts_speaks() - is there a version that both know?
 *
 * One of which that is not true is known and not listed, and to look it up is
 * EPROTONOSUPPORT. Nothing is known of one that has not beaten: true.
 */
bool hosts_speaks(const struct live_host *host);

/**
 * hosts_hold(), hosts_drop() - its beats are heard, and it stays known
 *
 * It need not be alive, nor known before. Return: NULL: too many, or no memory.
 */
struct live_host *hosts_hold(struct hosts *hosts, const char *name);
void hosts_drop(struct hosts *hosts, struct live_host *host);

/** hosts_heard() - anything has come from it: as good as a beat */
void hosts_heard(struct hosts *hosts, const char *name, uint64_t incarnation);

/**
 * hosts_message() - WIRE_BEAT, WIRE_BYE; from c.live, c.in
 *
 * Return: whether it is news of a host that others can use: false: it is about
 * this host's own name, or from who has not got its name.
 */
bool hosts_message(struct hosts *hosts, const char *from,
		   const struct wire_head *head, const void *body);

/**
 * hosts_asked() - WIRE_WHO: who is there?
 * @all: it was asked of all, from c.ask; else of this host, from c.rpc
 */
void hosts_asked(struct hosts *hosts, const char *from, bool all);

/** hosts_nobody() - nobody listens under that name */
void hosts_nobody(struct hosts *hosts, const char *name);

/** hosts_changed() - the bus has come up or gone down */
void hosts_changed(struct hosts *hosts, bool up);

/** hosts_flooded() - who sends messages of that subject is not listened to
 *
 * For ten seconds; then again, if it has not stopped. See bus_options.floods.
 */
void hosts_flooded(struct hosts *hosts, const char *subject);

/** hosts_tick() - ten times a second */
void hosts_tick(struct hosts *hosts);

/** hosts_attr_changed() - if this host's anchor has other attributes, beat anew
 *
 * To that host at once, so what it is sent after it comes behind the beat; the
 * others hear it soon.
 */
void hosts_attr_changed(struct hosts *hosts, const char *to);

typedef void hosts_done(void *arg);

/**
 * hosts_ask_all() - @done when it is known who is there, HOSTS_ASK_MS at most
 *
 * Called in this call if it is known already, or the bus is down.
 */
void hosts_ask_all(struct hosts *hosts, hosts_done *done, void *arg);

/** hosts_ask_one() - the same for one name, HOSTS_LOOKUP_MS at most */
void hosts_ask_one(struct hosts *hosts, const char *name, hosts_done *done,
		   void *arg);

/** hosts_first(), hosts_next() - all that can be used, by name */
struct live_host *hosts_first(struct hosts *hosts);
struct live_host *hosts_next(struct live_host *host);

/** hosts_known() - the first of all that are known, by name; then hh.next */
struct live_host *hosts_known(struct hosts *hosts);

/* What this host's own name is doing. */
enum hosts_state {
	HOSTS_UNNAMED, /* the bus has not been up, or was down for long */
	HOSTS_CLAIMS,  /* it asks whether the name is free */
	HOSTS_SERVES,
	HOSTS_YIELDS, /* another one has it */
};

/** hosts_state() - and since when, by the wall clock */
enum hosts_state hosts_state(const struct hosts *hosts, uint64_t *since_ns);

/** hosts_bye() - others hear that this host stops; it has no name after it */
void hosts_bye(struct hosts *hosts);

#endif
