// SPDX-License-Identifier: Apache-2.0
/*
 * hosts_name.c - this host's own name, and its beat
 *
 * What others ask is heard only while it serves under the name: the server then
 * says to who asks that nobody is there, where nobody is.
 */
#include <assert.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "dns/wire/util.h"
#include "fs/fleet/hosts_layout.h"

bool hosts_serves(const struct hosts *hosts)
{
	return hosts->claim.state == HOSTS_SERVES;
}

enum hosts_state hosts_state(const struct hosts *hosts, uint64_t *since_ns)
{
	*since_ns = hosts->told_state_ns;
	return hosts->told_state;
}

static void note_state(struct hosts *hosts)
{
	if (hosts->told_state_ns && hosts->told_state == hosts->claim.state)
		return;
	hosts->told_state = hosts->claim.state;
	hosts->told_state_ns = fleet_wall_ns(hosts->fleet);
}

/* ---- The beat ---- */

static void describe(const struct hosts *hosts, struct wire_beat *out)
{
	const struct fleet *fleet = hosts->fleet;

	*out = (struct wire_beat){
		.since_ns = hosts->claim.since_ns,
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION_MAX,
		.serves = hosts_serves(hosts),
	};
	memcpy(out->uuid, fleet->uuid, sizeof(out->uuid));
	fleet_describe(fleet, out);
}

struct beat_message {
	struct wire_head head;
	struct wire_beat beat;
};

static void begin_message(const struct hosts *hosts, struct beat_message *out)
{
	wire_begin(&out->head, WIRE_BEAT, hosts->fleet->incarnation, 0,
		   sizeof(out->beat));
	out->beat = hosts->beat;
}

/*
 * To all by the bus's thread, which sends it soon. What cannot be sent is told
 * with the next one; without memory the last beat is good enough.
 */
static void prepare(struct hosts *hosts, struct beat_message *message)
{
	struct fleet *fleet = hosts->fleet;
	char subject[WIRE_SUBJECT_SIZE];

	describe(hosts, &hosts->beat);
	begin_message(hosts, message);
	wire_subject(subject, "live", fleet->name, NULL);
	bus_set_beat(fleet->bus, subject, message, sizeof(*message));
}

/* Now, too. */
static void tell(struct hosts *hosts)
{
	struct beat_message message;

	prepare(hosts, &message);
	fleet_publish(hosts->fleet, "live", &message.head, &message.beat,
		      sizeof(message.beat));
}

static bool is_changed(const struct hosts *hosts)
{
	struct wire_beat beat;

	if (!hosts_serves(hosts))
		return false;
	describe(hosts, &beat);
	return memcmp(&beat, &hosts->beat, sizeof(beat)) != 0;
}

/* One for each of many answers would be as many for each host that listens. */
void hosts_attr_changed(struct hosts *hosts, const char *to)
{
	struct beat_message message;

	if (!is_changed(hosts))
		return;
	prepare(hosts, &message);
	fleet_send(hosts->fleet, "in", to, &message.head, &message.beat,
		   sizeof(message.beat), false);
}

/* ---- Who has the name ---- */

static void serve(struct hosts *hosts)
{
	if (hosts->told_of_rival)
		fleet_tell(hosts->fleet, LOG_NOTICE,
			   "the name is free: others see this host again",
			   false);
	hosts->told_of_rival = false;
	hosts_serve(hosts, true);
	tell(hosts);
	fleet_serves(hosts->fleet, true);
}

static void stop_serving(struct hosts *hosts)
{
	hosts_serve(hosts, false);
	hosts_lose_all(hosts);
	hosts_unsettle(hosts);
	fleet_serves(hosts->fleet, false);
}

static void claim_anew(struct hosts *hosts)
{
	bool served = hosts_serves(hosts);

	claim_begin(&hosts->claim, bus_now_ms(), fleet_wall_ns(hosts->fleet));
	if (served)
		stop_serving(hosts);
	tell(hosts);
}

/* Once, until it has had its name again. */
static void tell_of_rival(struct hosts *hosts, uint64_t since_ns)
{
	time_t since = (time_t)(since_ns / 1000000000);
	char when[32] = "before", reason[256];
	struct tm tm;

	if (hosts->told_of_rival)
		return;
	hosts->told_of_rival = true;
	if (gmtime_r(&since, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(reason, sizeof(reason),
		 "another host of the fleet has had that name since %s: this "
		 "one stays by itself until the name is free; give it another "
		 "one with -o host=",
		 when);
	fleet_tell(hosts->fleet, LOG_ERR, reason, true);
}

/* A host that stays local is not heard: the name is the other one's. */
static void yield(struct hosts *hosts, bool served, uint64_t since_ns)
{
	bus_set_beat(hosts->fleet->bus, NULL, NULL, 0);
	if (served)
		stop_serving(hosts);
	tell_of_rival(hosts, since_ns);
}

static void act(struct hosts *hosts, enum claim_news news, bool served,
		uint64_t rival_since_ns)
{
	if (news == CLAIM_NOTHING)
		return;
	if (news == CLAIM_BEATS || hosts->claim.state == HOSTS_CLAIMS)
		tell(hosts);
	else if (hosts_serves(hosts))
		serve(hosts);
	else
		yield(hosts, served, rival_since_ns);
}

/* ---- Time ---- */

/*
 * For so long others have not heard this host, or it cannot know: they take it
 * for gone by now, and another one may have taken its name.
 */
static bool is_lost(const struct hosts *hosts, uint64_t now_ms)
{
	uint64_t beaten_ms = bus_beaten_ms(hosts->fleet->bus);

	if (beaten_ms < hosts->claim.since_ms)
		beaten_ms = hosts->claim.since_ms;
	/* Who wakes is heard at once, and was not for long all the same. */
	if (beaten_ms > hosts->ticked_ms)
		beaten_ms = hosts->ticked_ms;
	return now_ms >= beaten_ms + HOSTS_GONE_MS;
}

static bool claimed_anew(struct hosts *hosts, uint64_t now_ms)
{
	if (!hosts_serves(hosts) || !is_lost(hosts, now_ms))
		return false;
	claim_anew(hosts);
	return true;
}

void hosts_name_tick(struct hosts *hosts, uint64_t now_ms)
{
	bool is_new =
		bus_is_up(hosts->fleet->bus) && claimed_anew(hosts, now_ms);

	hosts->ticked_ms = now_ms;
	note_state(hosts);
	if (is_new || !bus_is_up(hosts->fleet->bus))
		return;
	act(hosts,
	    claim_tick(&hosts->claim, now_ms, fleet_wall_ns(hosts->fleet)),
	    hosts_serves(hosts), 0);
	if (is_changed(hosts))
		tell(hosts);
}

void hosts_rival(struct hosts *hosts, const struct wire_head *head,
		 const struct wire_beat *beat)
{
	uint64_t now_ms = bus_now_ms();
	struct claim_rank rank = {.incarnation = head->incarnation};
	bool served;

	/* An echo of this host's own. */
	if (head->incarnation == hosts->fleet->incarnation)
		return;
	if (!beat) {
		claim_bye(&hosts->claim, head->incarnation, now_ms);
		return;
	}
	claimed_anew(hosts, now_ms);
	served = hosts_serves(hosts);
	rank.since_ns = beat->since_ns;
	rank.uuid = beat->uuid;
	rank.serves = beat->serves != 0;
	act(hosts, claim_heard(&hosts->claim, &rank, now_ms), served,
	    rank.since_ns);
}

/* Who was away for a moment only goes on. */
void hosts_name_changed(struct hosts *hosts, bool up)
{
	if (!up)
		return;
	if (hosts_serves(hosts) && !is_lost(hosts, bus_now_ms()))
		tell(hosts);
	else
		claim_anew(hosts);
}

int hosts_name_init(struct hosts *hosts)
{
	const struct fleet *fleet = hosts->fleet;
	char subject[WIRE_SUBJECT_SIZE];

	hosts->claim.incarnation = fleet->incarnation;
	hosts->claim.uuid = fleet->uuid;
	hosts->claim.since_ms = hosts->ticked_ms = bus_now_ms();
	note_state(hosts);
	wire_subject(subject, "live", fleet->name, NULL);
	return bus_subscribe(fleet->bus, subject);
}

void hosts_bye(struct hosts *hosts)
{
	struct fleet *fleet = hosts->fleet;
	bool served = hosts_serves(hosts);
	struct wire_head head;

	bus_set_beat(fleet->bus, NULL, NULL, 0);
	claim_end(&hosts->claim, bus_now_ms());
	if (!served)
		return;
	stop_serving(hosts);
	wire_begin(&head, WIRE_BYE, fleet->incarnation, 0, 0);
	fleet_publish(fleet, "live", &head, NULL, 0);
}
