/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts_layout.h - what the files that know the hosts share
 *
 * hosts.c the table, and who is alive; hosts_name.c this host's own name and
 * beat; hosts_ask.c who is asked for, and who asks; hosts_shut.c whose messages
 * are heard.
 */
#ifndef FS_FLEET_HOSTS_LAYOUT_H
#define FS_FLEET_HOSTS_LAYOUT_H

#include "fs/fleet/claim.h"
#include "fs/fleet/fleet.h"

struct hosts_sought;
struct hosts_asker;

struct hosts {
	struct fleet *fleet;
	struct claim claim;
	struct wire_beat beat;	     /* this host's, as it was told last */
	enum hosts_state told_state; /* hosts_state()'s */
	uint64_t told_state_ns;
	uint64_t ticked_ms;	     /* the last hosts_tick() */
	bool told_of_rival;	     /* since it has had its name */
	struct live_host *all;	     /* uthash by name */
	bool is_unsorted;	     /* one has been added */
	struct hosts_sought *sought; /* uthash: names that some wait for */
	unsigned asks_count;	     /* who does, all together */
	struct hosts_asker *askers;  /* uthash: who was answered lately */

	/* Till then all are heard; 0: only those that are subscribed to. */
	uint64_t listed_ms;
	uint64_t asked_ms;   /* when all were asked last; 0: never */
	uint64_t settles_ms; /* when they have answered; 0: not asked */
	bool is_settled;     /* those who are there have answered */

	/* hosts_shut.c's. */
	unsigned words;	     /* of all hosts, that are subscribed to */
	bool hears_all;	     /* beats of all are */
	unsigned shut;	     /* hosts that are shut out */
	bool is_narrow;	     /* as some are: others are heard by name */
	bool is_deaf;	     /* beats of unknown hosts are not heard */
	uint64_t widened_ms; /* when that was over; 0: nothing is left of it */
};

/* ---- hosts.c ---- */

/** hosts_add() - into the table, unless it is there; NULL: too many, no memory
 */
struct live_host *hosts_add(struct hosts *hosts, const char *name);

/** hosts_listen() - be told by that host itself until @until_ms, at least
 * Return: 0; -ENOMEM.
 */
int hosts_listen(struct hosts *hosts, struct live_host *host,
		 uint64_t until_ms);

/** hosts_unlisten() - its beats are not heard by its name */
void hosts_unlisten(struct hosts *hosts, struct live_host *host);

/** hosts_lose_all() - nobody can be used, as this host has no name */
void hosts_lose_all(struct hosts *hosts);

/* ---- hosts_name.c ---- */

/** hosts_name_init() - the claim, and its subscription: 0, -ENOMEM */
int hosts_name_init(struct hosts *hosts);

/** hosts_rival() - a beat or a good-bye under this host's name */
void hosts_rival(struct hosts *hosts, const struct wire_head *head,
		 const struct wire_beat *beat);

/** hosts_name_tick() - ten times a second */
void hosts_name_tick(struct hosts *hosts, uint64_t now_ms);

/** hosts_name_changed() - the bus has come up or gone down */
void hosts_name_changed(struct hosts *hosts, bool up);

/* ---- hosts_ask.c ---- */

/** hosts_answered() - who waits for @name goes on */
void hosts_answered(struct hosts *hosts, const char *name);

/** hosts_unsettle() - who is there is to be asked anew; who waits goes on */
void hosts_unsettle(struct hosts *hosts);

/** hosts_ask_tick() - whose time is over goes on */
void hosts_ask_tick(struct hosts *hosts, uint64_t now_ms);

/** hosts_is_asked() - does somebody wait for that host, or for all? */
bool hosts_is_asked(const struct hosts *hosts, const char *name);

/** hosts_ask_end() - all who wait go on; nothing is kept */
void hosts_ask_end(struct hosts *hosts);

/* ---- hosts_shut.c ---- */

/** hosts_let_in() - if others are heard by name, that one is, too */
void hosts_let_in(struct hosts *hosts, struct live_host *host);

/** hosts_let_go() - it is not heard by name */
void hosts_let_go(struct hosts *hosts, struct live_host *host);

/** hosts_hear_all() - subscribe to beats of all, or no more: 0, -ENOMEM */
int hosts_hear_all(struct hosts *hosts);

/** hosts_serve() - messages to this host are heard, of everybody; or none are
 */
void hosts_serve(struct hosts *hosts, bool serves);

/** hosts_shut_tick() - ten times a second */
void hosts_shut_tick(struct hosts *hosts, uint64_t now_ms);

#endif
