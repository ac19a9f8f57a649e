// SPDX-License-Identifier: Apache-2.0
/*
 * hosts_shut.c - who floods is not listened to
 *
 * All messages to this host come by one connection, in order: what one sends
 * too much of is before everybody's, and in the bus's server already. What
 * nobody has subscribed to is dropped there. So while somebody is shut out this
 * host has no subscription to all hosts at once, but one to each that it knows,
 * and it knows whoever beats. Where it is beats that are too many, these too
 * are heard of known hosts only, and who is new has to wait.
 *
 * Who is shut out is listened to again after SHUT_MS. If it goes on then, a
 * fraction of a second's messages tells. Its sessions end meanwhile, as those
 * of any host that is not heard.
 *
 * New subscriptions come before old ones go. In between messages come twice,
 * which those who take them know: a call has a number, and a part its place.
 * What had come by an old one that was to all is still heard. Those to each go
 * WIDE_MS after that to all is back: what waits has come by both.
 */
#include <stdio.h>
#include <syslog.h>

#include "dns/wire/util.h"
#include "fs/fleet/hosts_layout.h"

#define SHUT_MS 10000
#define WIDE_MS 2000

/* ---- Messages to this host, and questions to all ---- */

static const char *const words[] = {"rpc", "in", "ask"};

/* @have: a bit for each word; without memory that is not heard. */
static void set_words(struct hosts *hosts, const char *from, unsigned *have,
		      bool wanted)
{
	const struct fleet *fleet = hosts->fleet;
	char subject[WIRE_SUBJECT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		bool is_to_all = !strcmp(words[i], "ask");

		if (wanted == (*have >> i & 1))
			continue;
		wire_subject(subject, words[i], is_to_all ? from : fleet->name,
			     is_to_all ? NULL : from);
		if (!wanted)
			bus_unsubscribe(fleet->bus, subject);
		else if (bus_subscribe(fleet->bus, subject) < 0)
			continue;
		*have ^= 1u << i;
	}
}

void hosts_let_in(struct hosts *hosts, struct live_host *host)
{
	if (!hosts->is_narrow || host->shut_ms)
		return;
	set_words(hosts, host->name, &host->words, true);
	hosts_listen(hosts, host, 0);
}

void hosts_let_go(struct hosts *hosts, struct live_host *host)
{
	set_words(hosts, host->name, &host->words, false);
}

static void let_all_go(struct hosts *hosts)
{
	for (struct live_host *host = hosts->all; host; host = host->hh.next)
		hosts_let_go(hosts, host);
	hosts->widened_ms = 0;
}

/* ---- Beats ---- */

int hosts_hear_all(struct hosts *hosts)
{
	bool wanted = (hosts->listed_ms || hosts->is_narrow) && !hosts->is_deaf;
	int r = 0;

	if (wanted == hosts->hears_all)
		return 0;
	if (wanted)
		r = bus_subscribe(hosts->fleet->bus, "c.live.*");
	else
		bus_unsubscribe(hosts->fleet->bus, "c.live.*");
	if (r == 0)
		hosts->hears_all = wanted;
	return r;
}

/* ---- To all, or to each ---- */

static void narrow(struct hosts *hosts)
{
	hosts->is_narrow = true;
	hosts->widened_ms = 0;
	for (struct live_host *host = hosts->all; host; host = host->hh.next)
		hosts_let_in(hosts, host);
	set_words(hosts, "*", &hosts->words, false);
}

static void widen(struct hosts *hosts)
{
	hosts->is_narrow = hosts->is_deaf = false;
	hosts->widened_ms = bus_now_ms();
	set_words(hosts, "*", &hosts->words, true);
	hosts_hear_all(hosts);
}

static void pardon(struct hosts *hosts, struct live_host *host)
{
	host->shut_ms = 0;
	hosts->shut--;
	bus_forgive(hosts->fleet->bus, host->name);
	/* As it may be unknown else, and beats of the unknown not heard. */
	hosts_listen(hosts, host, bus_now_ms() + HOSTS_LISTED_MS);
	if (hosts->shut)
		hosts_let_in(hosts, host);
	else if (hosts->is_narrow)
		widen(hosts);
}

void hosts_serve(struct hosts *hosts, bool serves)
{
	for (struct live_host *host = hosts->all; host; host = host->hh.next)
		if (host->shut_ms)
			pardon(hosts, host);
	let_all_go(hosts);
	set_words(hosts, "*", &hosts->words, serves);
}

/* ---- Somebody floods ---- */

static void tell(struct hosts *hosts, struct live_host *host)
{
	char line[WIRE_NAME_MAX + 128];

	if (host->was_shut)
		return;
	host->was_shut = true;
	snprintf(line, sizeof(line),
		 "%s floods this host with messages: it is not listened to "
		 "until it stops",
		 host->name);
	fleet_tell(hosts->fleet, LOG_WARNING, line, true);
}

static bool is_from(const struct hosts *hosts, const char *subject,
		    char from[WIRE_NAME_MAX + 1], bool *is_beat)
{
	char to[WIRE_NAME_MAX + 1];

	*is_beat = wire_subject_hosts(subject, "live", from, NULL);
	return (*is_beat || wire_subject_hosts(subject, "ask", from, NULL) ||
		wire_subject_hosts(subject, "rpc", to, from) ||
		wire_subject_hosts(subject, "in", to, from)) &&
	       strcmp(from, hosts->fleet->name) != 0;
}

/* What cannot be kept away is taken as it comes, in turns. */
void hosts_flooded(struct hosts *hosts, const char *subject)
{
	char from[WIRE_NAME_MAX + 1];
	struct live_host *host = NULL;
	bool is_beat;

	if (is_from(hosts, subject, from, &is_beat) && hosts_serves(hosts))
		host = hosts_add(hosts, from);
	if (!host) {
		bus_forgive(hosts->fleet->bus, strrchr(subject, '.') + 1);
		return;
	}
	hosts->shut += !host->shut_ms;
	host->shut_ms = bus_now_ms() + SHUT_MS;
	tell(hosts, host);
	hosts_unlisten(hosts, host);
	hosts_let_go(hosts, host);
	hosts->is_deaf |= is_beat;
	if (!hosts->is_narrow)
		narrow(hosts);
	hosts_hear_all(hosts);
}

void hosts_shut_tick(struct hosts *hosts, uint64_t now_ms)
{
	struct live_host *host = hosts->shut ? hosts->all : NULL;

	for (; host; host = host->hh.next)
		if (host->shut_ms && now_ms >= host->shut_ms)
			pardon(hosts, host);
	if (hosts->widened_ms && now_ms >= hosts->widened_ms + WIDE_MS)
		let_all_go(hosts);
}
