// SPDX-License-Identifier: Apache-2.0
/*
 * secondary_ask.c - a round: a zone's primaries are asked, one after the other,
 * until one has said that we have the newest, or has sent it
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <utlist.h>

#include "anchors/task.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary_layout.h"
#include "dns/store/serial.h"

/* A datagram may be lost: so often a primary is asked. */
#define ASK_TIMES 2

static void ask(struct secondary_zone *zone);
static void note(struct secondary_zone *zone, bool is_dark);

static struct primary *primary_of(const struct secondary_zone *zone)
{
	assert(zone->at < zone->count);
	return &zone->primaries[zone->at];
}

static void PRINTF(2, 3)
	say(struct secondary_zone *zone, const char *format, ...)
{
	struct primary *primary = primary_of(zone);
	va_list args;

	primary->is_current = !*format;
	primary->since_ns = host_now_ns();
	va_start(args, format);
	vsnprintf(primary->reason, sizeof(primary->reason), format, args);
	va_end(args);
	host_status_changed(zone->secondaries->host, zone->server);
}

static void try_next(struct secondary_zone *zone)
{
	zone->step = SECONDARY_RESTS;
	zone->asked_times = 0;
	zone->wants_all = false;
	zone->at = (zone->at + 1) % zone->count;
	if (++zone->asked < zone->count)
		ask(zone);
	else if (zone->is_newest)
		note(zone, false);
	else
		secondary_rest(zone, true);
}

/* ---- What it has found out, in the store ---- */

struct note_task {
	struct task task;
	struct name apex;
	int64_t checked_ns;
	bool is_dark;
};

static int run_note(struct job *job, MDB_txn *txn)
{
	struct note_task *on = container_of(job, struct note_task, task.job);
	const struct tables *tables = task_tables(&on->task);
	struct served served;
	int r = table_served(tables, txn, on->task.anchor->id, &served);

	if (r == 0 && served.home)
		r = zone_row_checked(tables, txn, served.home, &on->apex,
				     on->checked_ns, on->is_dark);
	return r == -ENOENT ? ENODEV : r;
}

static void noted(void *arg, int result, const struct refusal *refusal)
{
	struct secondary_zone *zone = arg;
	bool was_dark = zone->is_dark;

	(void)refusal;
	assert(zone->step == SECONDARY_NOTES);
	zone->step = SECONDARY_RESTS;
	if (zone->is_gone) {
		secondary_rest(zone, true);
		return;
	}
	if (result == 0 && !zone->notes_dark)
		zone->checked_ms = uv_now(zone->secondaries->host->loop);
	secondary_rest(zone, result < 0);
	/* Its own secondaries are told of one that is not dark. */
	if (result == 0 && was_dark != zone->notes_dark)
		notifier_look_at(zone->secondaries->host->notifier,
				 zone->server, &zone->apex);
}

static void note(struct secondary_zone *zone, bool is_dark)
{
	struct anchor *anchor =
		anchor_by_id(zone->secondaries->host, zone->server);
	struct note_task *on;

	zone->step = SECONDARY_NOTES;
	zone->notes_dark = is_dark;
	if (!anchor) {
		noted(zone, -ENODEV, NULL);
		return;
	}
	on = task_new_live(sizeof(*on), anchor, noted, zone);
	if (!on)
		return;
	on->apex = zone->apex;
	on->checked_ns = is_dark ? zone->checked_ns : host_now_ns();
	on->is_dark = is_dark;
	task_submit(&on->task, run_note);
}

/* The primary at hand says that what is here is the newest. */
static void is_newest(struct secondary_zone *zone)
{
	say(zone, "%s", "");
	primary_of(zone)->is_current = true;
	/* A NOTIFY says that another one has more. */
	if (zone->seeks && serial_is_ahead(zone->sought, zone->serial)) {
		zone->is_newest = true;
		try_next(zone);
		return;
	}
	note(zone, false);
}

/* ---- Transfer ---- */

static int find_key(struct secondary_zone *zone, bool *has,
		    struct tsig_key *out)
{
	struct snapshot *snapshot = zone->secondaries->host->snapshot;
	const struct primary *primary = primary_of(zone);
	char text[NAME_TEXT_SIZE];
	struct served served;
	int r;

	*has = primary->has_key;
	if (!primary->has_key)
		return 0;
	r = snapshot_begin(snapshot);
	if (r < 0)
		return r;
	r = snapshot_served(snapshot, zone->server, &served);
	if (r == 0)
		r = snapshot_key(snapshot, served.home, &primary->key, out);
	snapshot_end(snapshot);
	if (r == -ENOENT) {
		name_to_text(&primary->key, text);
		say(zone, "no key %.150s", text);
	} else if (r < 0) {
		say(zone, "%s", strerror(-r));
	}
	return r;
}

static void want(struct secondary_zone *zone)
{
	struct secondaries *secondaries = zone->secondaries;

	const struct anchor *anchor =
		anchor_by_id(secondaries->host, zone->server);

	if (fair_wait(&secondaries->turns, &zone->turn,
		      anchor ? anchor->uid : 0,
		      &primary_of(zone)->address) < 0) {
		say(zone, "%s", strerror(ENOMEM));
		try_next(zone);
		return;
	}
	zone->step = SECONDARY_WAITS;
	dues_wait(&secondaries->dues, &secondaries->wake, 0);
}

static void fetched(void *arg, int result, const char *reason)
{
	struct secondary_zone *zone = arg;
	struct secondaries *secondaries = zone->secondaries;
	bool was_all = zone->wants_all;
	bool was_zone = fetch_was_zone(zone->fetch);

	assert(zone->step == SECONDARY_FETCHES_IT);
	zone->fetch = NULL;
	fair_end(&secondaries->turns, &zone->turn);
	zone->step = SECONDARY_RESTS;
	if (result == 0)
		zone->began_ms = 0;
	/* What it has brought is not what was read before. */
	zone->seeks = zone->seeks && result < 0;
	secondaries->figures.zones += result == 0 && was_zone;
	secondaries->figures.increments += result == 0 && !was_zone;
	secondaries->figures.failed += result < 0 && result != -EALREADY;
	if (result == 0 || result == -EALREADY) {
		is_newest(zone);
	} else if (!was_all && zone->has_soa && result != -ECONNREFUSED &&
		   result != -ERANGE) {
		/* Whatever has gone wrong with differences, all may come. */
		zone->wants_all = true;
		want(zone);
	} else {
		say(zone, "%s", reason);
		try_next(zone);
	}
	secondary_fetch_waiting(secondaries);
}

static void fetch(struct secondary_zone *zone)
{
	struct secondaries *secondaries = zone->secondaries;
	bool asks_all = zone->wants_all || !zone->has_soa || zone->is_dark;
	struct fetch_request request = {
		.anchor = anchor_by_id(secondaries->host, zone->server),
		.apex = zone->apex,
		.type = asks_all ? RR_AXFR : RR_IXFR,
		.has_serial = zone->has_soa && !zone->is_dark,
		.serial = zone->serial,
		.primary = primary_of(zone)->address,
	};
	int r = request.anchor ? find_key(zone, &request.has_key, &request.key)
			       : -ENODEV;

	zone->wants_all = asks_all;
	zone->step = SECONDARY_FETCHES_IT;
	if (r == 0) {
		r = fetch_new(&zone->fetch, &request, fetched, zone);
		if (r < 0)
			say(zone, "%s", strerror(-r));
	}
	sodium_memzero(&request.key, sizeof(request.key));
	if (r == 0)
		return;
	fair_end(&secondaries->turns, &zone->turn);
	try_next(zone);
}

void secondary_fetch_waiting(struct secondaries *secondaries)
{
	struct fair_turn *turn;

	while ((turn = fair_next(&secondaries->turns)))
		fetch(container_of(turn, struct secondary_zone, turn));
}

/* ---- The SOA ---- */

static void take_serial(struct secondary_zone *zone, uint32_t serial)
{
	/* Who has nothing to answer takes what there is. */
	if (!zone->has_soa || zone->is_dark ||
	    serial_is_ahead(serial, zone->serial)) {
		want(zone);
	} else if (serial == zone->serial) {
		is_newest(zone);
	} else {
		say(zone, "it has serial %u, which is behind %u", serial,
		    zone->serial);
		try_next(zone);
	}
}

static void tell_of_answer(struct secondary_zone *zone, int result,
			   const uint8_t *message)
{
	const char *rcode;

	if (result == -EKEYREJECTED) {
		say(zone, "it does not take the key");
	} else if (result == -ETIME) {
		say(zone, "its clock or ours is wrong");
	} else if (result < 0) {
		say(zone, "its answer is not signed by the key");
	} else {
		rcode = rcode_text(get_u16(message + MESSAGE_FLAGS) &
				   MESSAGE_RCODE);
		say(zone, "it says %s", rcode ? rcode : "no");
	}
}

static void answered(void *arg, int result, const uint8_t *message, size_t len)
{
	struct secondary_zone *zone = arg;
	uint32_t serial;

	zone->question = NULL;
	assert(zone->step == SECONDARY_ASKS);
	if (!message) {
		/* Over TCP there may be an answer, where UDP does not pass. */
		if (++zone->asked_times < ASK_TIMES)
			ask(zone);
		else
			want(zone);
		return;
	}
	if (result == 0 &&
	    querier_read_serial(message, len, &zone->apex, &serial)) {
		take_serial(zone, serial);
		return;
	}
	tell_of_answer(zone, result, message);
	try_next(zone);
}

static void ask(struct secondary_zone *zone)
{
	struct querier_message message = {.to = primary_of(zone)->address};
	const struct anchor *anchor =
		anchor_by_id(zone->secondaries->host, zone->server);
	int r;

	if (anchor) {
		message.from = anchor->address;
		message.uid = anchor->uid;
	}
	querier_write(&message, MESSAGE_OPCODE_QUERY, &zone->apex);
	zone->step = SECONDARY_ASKS;
	r = find_key(zone, &message.has_key, &message.key);
	if (r == 0)
		r = querier_send(&zone->question, zone->secondaries->querier,
				 &message, answered, zone);
	sodium_memzero(&message.key, sizeof(message.key));
	if (r < 0)
		try_next(zone);
}

/* ---- A round ---- */

static bool has_expired(const struct secondary_zone *zone)
{
	return zone->has_soa && !zone->is_dark && !secondary_left_ms(zone);
}

void secondary_run(struct secondary_zone *zone)
{
	assert(zone->step == SECONDARY_RESTS && zone->count);
	if (zone->is_wanted)
		zone->began_ms = uv_now(zone->secondaries->host->loop);
	zone->seeks = zone->has_wanted;
	zone->sought = zone->wanted;
	zone->is_newest = false;
	zone->is_wanted = zone->has_wanted = false;
	if (secondary_read(zone) < 0) {
		secondary_rest(zone, true);
		return;
	}
	/* It is asked for all the same, right after. */
	if (has_expired(zone)) {
		zone->is_wanted = true;
		zone->began_ms = 0;
		note(zone, true);
		return;
	}
	zone->at = zone->first;
	zone->first = 0;
	zone->asked = 0;
	zone->asked_times = 0;
	zone->wants_all = false;
	ask(zone);
}

void secondary_stop(struct secondary_zone *zone)
{
	struct secondaries *secondaries = zone->secondaries;

	querier_forget(secondaries->querier, zone->question);
	zone->question = NULL;
	fetch_cancel(zone->fetch);
	zone->fetch = NULL;
	/* Others may have its turn; but not now, in the midst of a look. */
	fair_end(&secondaries->turns, &zone->turn);
	if (secondaries->turns.ready)
		dues_wait(&secondaries->dues, &secondaries->wake, 0);
	/* The store's task comes back. */
	if (zone->step != SECONDARY_NOTES)
		zone->step = SECONDARY_RESTS;
}
