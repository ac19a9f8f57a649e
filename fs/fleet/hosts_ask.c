// SPDX-License-Identifier: Apache-2.0
/*
 * hosts_ask.c - who is there? asked, and answered
 *
 * All are asked once for each time in which all are heard; and again when the
 * bus was away, at most once a second. One is asked by its name, where the
 * server says at once that nobody is there.
 */
#include <errno.h>
#include <utlist.h>

#include "fs/fleet/hosts_layout.h"

/* All are asked at most so often, and each that asks all is answered so. */
#define ASK_AGAIN_MS	1000
#define ASK_ANSWERED_MS 900 /* messages do not come as evenly as they go */
/* Who waits; requests of this machine's kernel. */
#define ASKS_MAX 1024

struct hosts_ask {
	struct hosts_ask *prev, *next; /* in its name's waiters */
	uint64_t until_ms;
	hosts_done *done;
	void *arg;
};

/* A name that somebody waits for. Each beat looks for its own. */
struct hosts_sought {
	UT_hash_handle hh;	      /* in hosts->sought */
	char name[WIRE_NAME_MAX + 1]; /* "": all */
	struct hosts_ask *waiters;    /* utlist, never empty */
};

/* A host that was answered within ASK_ANSWERED_MS. */
struct hosts_asker {
	UT_hash_handle hh; /* in hosts->askers; the oldest is the first */
	char name[WIRE_NAME_MAX + 1];
	uint64_t answered_ms;
};

/* ---- Asking ---- */

static struct hosts_sought *find_sought(const struct hosts *hosts,
					const char *name)
{
	struct hosts_sought *sought;

	HASH_FIND_STR(hosts->sought, name, sought);
	return sought;
}

bool hosts_is_asked(const struct hosts *hosts, const char *name)
{
	return find_sought(hosts, name);
}

static struct hosts_sought *seek(struct hosts *hosts, const char *name)
{
	struct hosts_sought *sought = find_sought(hosts, name);

	if (sought)
		return sought;
	sought = calloc(1, sizeof(*sought));
	if (!sought)
		return NULL;
	strcpy(sought->name, name);
	HASH_ADD_STR(hosts->sought, name, sought);
	return sought;
}

static void end_if_found(struct hosts *hosts, struct hosts_sought *sought)
{
	if (sought->waiters)
		return;
	HASH_DEL(hosts->sought, sought);
	free(sought);
}

/* Who goes on may ask again. */
static void go_on(struct hosts *hosts, struct hosts_ask *list)
{
	struct hosts_ask *ask;

	while ((ask = list)) {
		DL_DELETE(list, ask);
		hosts->asks_count--;
		ask->done(ask->arg);
		free(ask);
	}
}

/* Move those of a name whose time is over; @now_ms 0: all. */
static void take_over(struct hosts *hosts, struct hosts_sought *sought,
		      uint64_t now_ms, struct hosts_ask **ended)
{
	struct hosts_ask *ask, *next;

	DL_FOREACH_SAFE (sought->waiters, ask, next) {
		if (now_ms && now_ms < ask->until_ms)
			continue;
		DL_DELETE(sought->waiters, ask);
		DL_APPEND(*ended, ask);
	}
	end_if_found(hosts, sought);
}

/* Those whose time is over; @now_ms 0: all. */
static void end_asks(struct hosts *hosts, uint64_t now_ms)
{
	struct hosts_sought *sought, *next;
	struct hosts_ask *ended = NULL;

	HASH_ITER (hh, hosts->sought, sought, next)
		take_over(hosts, sought, now_ms, &ended);
	go_on(hosts, ended);
}

void hosts_answered(struct hosts *hosts, const char *name)
{
	struct hosts_sought *sought = find_sought(hosts, name);
	struct hosts_ask *ended = NULL;

	if (sought)
		take_over(hosts, sought, 0, &ended);
	go_on(hosts, ended);
}

void hosts_nobody(struct hosts *hosts, const char *name)
{
	hosts_answered(hosts, name);
}

static void wait_for(struct hosts *hosts, const char *name, uint64_t until_ms,
		     hosts_done *done, void *arg)
{
	struct hosts_ask *ask =
		hosts->asks_count < ASKS_MAX ? calloc(1, sizeof(*ask)) : NULL;

	struct hosts_sought *sought = ask ? seek(hosts, name) : NULL;

	if (!sought) {
		free(ask);
		done(arg);
		return;
	}
	ask->until_ms = until_ms;
	ask->done = done;
	ask->arg = arg;
	DL_APPEND(sought->waiters, ask);
	hosts->asks_count++;
}

static bool may_ask(const struct hosts *hosts)
{
	return hosts_serves(hosts) && bus_is_up(hosts->fleet->bus);
}

/* From here on all are heard; they need not be asked when they were just. */
static int ask_all(struct hosts *hosts, uint64_t now_ms)
{
	struct fleet *fleet = hosts->fleet;
	struct wire_head head;
	uint64_t listed_ms = hosts->listed_ms;
	int r;

	hosts->listed_ms = now_ms + HOSTS_LISTED_MS;
	r = hosts_hear_all(hosts);
	if (r < 0) {
		hosts->listed_ms = listed_ms;
		return r;
	}
	hosts->settles_ms = now_ms + HOSTS_ASK_MS;
	if (hosts->asked_ms && now_ms < hosts->asked_ms + ASK_AGAIN_MS)
		return 0;
	hosts->asked_ms = now_ms;
	wire_begin(&head, WIRE_WHO, fleet->incarnation, 0, 0);
	return fleet_publish(fleet, "ask", &head, NULL, 0);
}

void hosts_ask_all(struct hosts *hosts, hosts_done *done, void *arg)
{
	uint64_t now_ms = bus_now_ms();

	if (!may_ask(hosts)) {
		done(arg);
		return;
	}
	if (hosts->listed_ms && hosts->is_settled) {
		hosts->listed_ms = now_ms + HOSTS_LISTED_MS;
		done(arg);
		return;
	}
	if (!hosts_is_asked(hosts, "") && ask_all(hosts, now_ms) < 0) {
		done(arg);
		return;
	}
	wait_for(hosts, "", now_ms + HOSTS_ASK_MS, done, arg);
}

static int ask_one(struct hosts *hosts, const char *name)
{
	struct fleet *fleet = hosts->fleet;
	struct live_host *host =
		hosts->is_narrow ? hosts_add(hosts, name) : NULL;
	struct wire_head head;

	/* Else its answer would not come. */
	if (host)
		hosts_let_in(hosts, host);
	wire_begin(&head, WIRE_WHO, fleet->incarnation, 0, 0);
	return fleet_send(fleet, "rpc", name, &head, NULL, 0, true);
}

/* One that is frozen must not cost each look at its name half a second. */
static bool was_asked_just_now(struct hosts *hosts, const char *name,
			       uint64_t now_ms)
{
	struct live_host *host = hosts_find(hosts, name);

	if (!host)
		return false;
	if (host->asked_ms && now_ms < host->asked_ms + ASK_AGAIN_MS)
		return true;
	host->asked_ms = now_ms;
	return false;
}

void hosts_ask_one(struct hosts *hosts, const char *name, hosts_done *done,
		   void *arg)
{
	struct live_host *host = hosts_find(hosts, name);
	bool is_asked = hosts_is_asked(hosts, name);
	uint64_t now_ms = bus_now_ms();

	if (!may_ask(hosts) || !wire_name_is_good(name) ||
	    !strcmp(name, hosts->fleet->name) || (host && host->is_alive) ||
	    (!is_asked && was_asked_just_now(hosts, name, now_ms)) ||
	    (!is_asked && ask_one(hosts, name) < 0)) {
		done(arg);
		return;
	}
	wait_for(hosts, name, now_ms + HOSTS_LOOKUP_MS, done, arg);
}

/* ---- Being asked ---- */

static void forget_askers(struct hosts *hosts, uint64_t now_ms)
{
	struct hosts_asker *asker, *next;

	HASH_ITER (hh, hosts->askers, asker, next) {
		if (now_ms && now_ms < asker->answered_ms + ASK_ANSWERED_MS)
			return;
		HASH_DEL(hosts->askers, asker);
		free(asker);
	}
}

/* Notes that it is answered now. */
static bool may_be_answered(struct hosts *hosts, const char *from)
{
	uint64_t now_ms = bus_now_ms();
	struct hosts_asker *asker;

	forget_askers(hosts, now_ms);
	HASH_FIND_STR(hosts->askers, from, asker);
	if (asker || HASH_COUNT(hosts->askers) >= HOSTS_MAX)
		return false;
	asker = calloc(1, sizeof(*asker));
	if (!asker)
		return false;
	strcpy(asker->name, from);
	asker->answered_ms = now_ms;
	HASH_ADD_STR(hosts->askers, name, asker);
	return true;
}

void hosts_asked(struct hosts *hosts, const char *from, bool all)
{
	struct fleet *fleet = hosts->fleet;
	struct wire_head head;

	if (!hosts_serves(hosts) || !strcmp(from, fleet->name))
		return;
	if (all && !may_be_answered(hosts, from))
		return;
	wire_begin(&head, WIRE_BEAT, fleet->incarnation, 0,
		   sizeof(hosts->beat));
	fleet_send(fleet, "in", from, &head, &hosts->beat, sizeof(hosts->beat),
		   false);
}

/* ---- Time ---- */

void hosts_unsettle(struct hosts *hosts)
{
	hosts->is_settled = false;
	hosts->settles_ms = 0;
	end_asks(hosts, 0);
}

void hosts_ask_tick(struct hosts *hosts, uint64_t now_ms)
{
	if (hosts->settles_ms && now_ms >= hosts->settles_ms) {
		hosts->settles_ms = 0;
		hosts->is_settled = true;
	}
	end_asks(hosts, now_ms);
	forget_askers(hosts, now_ms);
}

void hosts_ask_end(struct hosts *hosts)
{
	end_asks(hosts, 0);
	forget_askers(hosts, 0);
}
