// SPDX-License-Identifier: Apache-2.0
/*
 * hosts.c - the table of hosts, and who of them is alive
 *
 * A host is in the table for as long as its beats are heard: because somebody
 * holds it, because it was asked for lately, or because all are. So what is in
 * it is true; nothing else is kept of hosts that nobody here has to do with.
 */
#include <assert.h>
#include <errno.h>

#include "fs/fleet/hosts_layout.h"

#define HOSTS_NO_VERSION 255

/* ---- The table ---- */

struct live_host *hosts_find(struct hosts *hosts, const char *name)
{
	struct live_host *host;

	HASH_FIND_STR(hosts->all, name, host);
	return host;
}

struct live_host *hosts_add(struct hosts *hosts, const char *name)
{
	struct live_host *host = hosts_find(hosts, name);

	if (host || HASH_COUNT(hosts->all) >= HOSTS_MAX)
		return host;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	assert(strlen(name) <= WIRE_NAME_MAX);
	strcpy(host->name, name);
	host->since_ns = fleet_wall_ns(hosts->fleet);
	HASH_ADD_STR(hosts->all, name, host);
	hosts->is_unsorted = true;
	return host;
}

void hosts_unlisten(struct hosts *hosts, struct live_host *host)
{
	char subject[WIRE_SUBJECT_SIZE];

	if (!host->is_subscribed)
		return;
	wire_subject(subject, "live", host->name, NULL);
	bus_unsubscribe(hosts->fleet->bus, subject);
	host->is_subscribed = false;
}

static void forget(struct hosts *hosts, struct live_host *host)
{
	assert(!host->in_use);
	hosts_unlisten(hosts, host);
	hosts_let_go(hosts, host);
	HASH_DEL(hosts->all, host);
	free(host);
}

static int by_name(const struct live_host *a, const struct live_host *b)
{
	return strcmp(a->name, b->name);
}

struct live_host *hosts_known(struct hosts *hosts)
{
	if (hosts->is_unsorted)
		HASH_SORT(hosts->all, by_name);
	hosts->is_unsorted = false;
	return hosts->all;
}

static bool speaks(const struct wire_beat *beat)
{
	return beat->version_min <= WIRE_VERSION_MAX &&
	       beat->version_max >= WIRE_VERSION_MIN;
}

bool hosts_speaks(const struct live_host *host)
{
	return !host->has_beat || speaks(&host->beat);
}

static struct live_host *usable(struct live_host *host)
{
	while (host && (!host->is_alive || !hosts_speaks(host)))
		host = host->hh.next;
	return host;
}

struct live_host *hosts_first(struct hosts *hosts)
{
	return usable(hosts_known(hosts));
}

struct live_host *hosts_next(struct live_host *host)
{
	return usable(host->hh.next);
}

/* ---- Whose beats are heard ---- */

int hosts_listen(struct hosts *hosts, struct live_host *host, uint64_t until_ms)
{
	char subject[WIRE_SUBJECT_SIZE];
	int r;

	if (host->until_ms < until_ms)
		host->until_ms = until_ms;
	if (host->is_subscribed || host->shut_ms)
		return 0;
	wire_subject(subject, "live", host->name, NULL);
	r = bus_subscribe(hosts->fleet->bus, subject);
	host->is_subscribed = r == 0;
	return r;
}

struct live_host *hosts_hold(struct hosts *hosts, const char *name)
{
	struct live_host *host = hosts_add(hosts, name);

	if (!host || hosts_listen(hosts, host, 0) < 0)
		return NULL;
	hosts_let_in(hosts, host);
	host->in_use++;
	return host;
}

/* A while longer, as who comes back soon would have to ask again. */
void hosts_drop(struct hosts *hosts, struct live_host *host)
{
	assert(host->in_use > 0);
	host->in_use--;
	hosts_listen(hosts, host, bus_now_ms() + HOSTS_LISTED_MS);
}

/* ---- Who is alive ---- */

static void set_alive(struct hosts *hosts, struct live_host *host,
		      bool is_alive)
{
	if (host->is_alive != is_alive)
		host->since_ns = fleet_wall_ns(hosts->fleet);
	host->is_alive = is_alive;
}

void hosts_lose_all(struct hosts *hosts)
{
	for (struct live_host *host = hosts->all; host; host = host->hh.next)
		set_alive(hosts, host, false);
}

void hosts_heard(struct hosts *hosts, const char *name, uint64_t incarnation)
{
	struct live_host *host = hosts_find(hosts, name);

	/* Of another start only its beat tells what is to be known. */
	if (!host || !host->has_beat || host->incarnation != incarnation)
		return;
	host->heard_ms = bus_now_ms();
	set_alive(hosts, host, true);
}

/*
 * Numbers are the sender's, and are put into what this kernel may be told. One
 * that makes no sense of its versions is one that cannot be spoken with.
 */
static struct wire_beat checked(const struct wire_beat *sent)
{
	struct wire_beat beat = *sent;

	beat.mode &= 07777;
	if (beat.links < 2)
		beat.links = 2;
	if (beat.version_min > beat.version_max)
		beat.version_min = beat.version_max = HOSTS_NO_VERSION;
	return beat;
}

/* Has it been asked for, or is it one that is to be heard? */
static struct live_host *host_of_beat(struct hosts *hosts, const char *from)
{
	struct live_host *host = hosts_find(hosts, from);

	if (host)
		return host;
	return hosts->listed_ms || hosts->is_narrow ||
			       hosts_is_asked(hosts, from)
		       ? hosts_add(hosts, from)
		       : NULL;
}

static bool on_beat(struct hosts *hosts, const char *from, uint64_t incarnation,
		    const struct wire_beat *sent)
{
	struct wire_beat beat = checked(sent);
	struct live_host *host;

	/* Who only claims it may be the other one, that has not got it. */
	if (!beat.serves || !hosts_serves(hosts))
		return false;
	host = host_of_beat(hosts, from);
	if (!host)
		return speaks(&beat);
	host->beat = beat;
	host->has_beat = true;
	if (host->incarnation != incarnation)
		host->since_ns = fleet_wall_ns(hosts->fleet);
	host->incarnation = incarnation;
	host->heard_ms = bus_now_ms();
	set_alive(hosts, host, true);
	hosts_let_in(hosts, host);
	if (hosts_is_asked(hosts, from))
		hosts_listen(hosts, host, bus_now_ms() + HOSTS_LISTED_MS);
	hosts_answered(hosts, from);
	return speaks(&beat);
}

/* It may come behind the beat of the next start of it. */
static bool on_bye(struct hosts *hosts, const char *from, uint64_t incarnation)
{
	struct live_host *host = hosts_find(hosts, from);

	if (!host)
		return true;
	if (host->incarnation != incarnation)
		return false;
	set_alive(hosts, host, false);
	return true;
}

bool hosts_message(struct hosts *hosts, const char *from,
		   const struct wire_head *head, const void *body)
{
	bool is_beat = head->kind == WIRE_BEAT;

	if (!is_beat && head->kind != WIRE_BYE)
		return false;
	if (!strcmp(from, hosts->fleet->name)) {
		hosts_rival(hosts, head, is_beat ? body : NULL);
		return false;
	}
	return is_beat ? on_beat(hosts, from, head->incarnation, body)
		       : on_bye(hosts, from, head->incarnation);
}

/* ---- Time ---- */

static void look_at(struct hosts *hosts, struct live_host *host,
		    uint64_t now_ms)
{
	if (host->is_alive && now_ms >= host->heard_ms + HOSTS_GONE_MS)
		set_alive(hosts, host, false);
	if (host->in_use || host->shut_ms || now_ms < host->until_ms ||
	    (hosts->is_narrow && host->is_alive))
		return;
	hosts_unlisten(hosts, host);
	if (!hosts->listed_ms)
		forget(hosts, host);
}

static void end_listing(struct hosts *hosts)
{
	hosts->listed_ms = 0;
	hosts_unsettle(hosts);
	hosts_hear_all(hosts);
}

void hosts_tick(struct hosts *hosts)
{
	uint64_t now_ms = bus_now_ms();
	struct live_host *host, *next;

	hosts_name_tick(hosts, now_ms);
	hosts_ask_tick(hosts, now_ms);
	hosts_shut_tick(hosts, now_ms);
	if (hosts->listed_ms && now_ms >= hosts->listed_ms)
		end_listing(hosts);
	HASH_ITER (hh, hosts->all, host, next)
		look_at(hosts, host, now_ms);
}

void hosts_changed(struct hosts *hosts, bool up)
{
	hosts_name_changed(hosts, up);
	/* Those of the other side of what was cut have not been heard. */
	hosts_unsettle(hosts);
}

/* ---- Begin and end ---- */

int hosts_new(struct hosts **out, struct fleet *fleet)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));
	int r;

	if (!hosts)
		return -ENOMEM;
	hosts->fleet = fleet;
	r = hosts_name_init(hosts);
	if (r < 0) {
		free(hosts);
		return r;
	}
	*out = hosts;
	return 0;
}

struct hosts *hosts_free(struct hosts *hosts)
{
	struct live_host *host, *next;

	if (!hosts)
		return NULL;
	hosts_ask_end(hosts);
	HASH_ITER (hh, hosts->all, host, next)
		forget(hosts, host);
	free(hosts);
	return NULL;
}
