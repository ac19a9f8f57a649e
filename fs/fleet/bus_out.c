// SPDX-License-Identifier: Apache-2.0
/*
 * bus_out.c - what goes out: subscriptions, messages, beats
 */
#include <assert.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_runner.h"

/* Octets that the library may hold; the rest waits here, where it is counted.
 */
#define LINE_FULL ((size_t)1 << 20)
/* A main loop that was not round for so long is stuck. */
#define STUCK_MS 1000
/* Beats that are due at once are not closer than that. */
#define BEAT_LEAST_MS 50

/* ---- Subscriptions ---- */

/* Return: one that has changed; @wanted as of now; NULL: none. */
static struct bus_want *next_change(struct bus *bus, bool *wanted)
{
	struct bus_want *want;

	pthread_mutex_lock(&bus->mutex);
	want = bus->changes;
	if (want) {
		DL_DELETE(bus->changes, want);
		want->is_changed = false;
		*wanted = want->count;
	}
	pthread_mutex_unlock(&bus->mutex);
	return want;
}

static void forget_want(struct bus *bus, struct bus_want *want)
{
	pthread_mutex_lock(&bus->mutex);
	if (!want->count && !want->is_changed) {
		HASH_DEL(bus->wants, want);
		free(want);
	}
	pthread_mutex_unlock(&bus->mutex);
}

/* The library says itself, later, that it has failed. */
void bus_out_subscribe(struct runner *runner)
{
	struct bus_want *want;
	bool wanted;

	while ((want = next_change(runner->bus, &wanted))) {
		if (wanted && !want->is_subscribed)
			want->is_subscribed =
				line_kind->subscribe(runner->line,
						     want->subject) == 0;
		if (wanted)
			continue;
		if (want->is_subscribed)
			line_kind->unsubscribe(runner->line, want->subject);
		want->is_subscribed = false;
		forget_want(runner->bus, want);
	}
}

static void change_all(struct bus *bus)
{
	struct bus_want *want, *next;

	pthread_mutex_lock(&bus->mutex);
	HASH_ITER (hh, bus->wants, want, next) {
		want->is_subscribed = false;
		if (!want->is_changed)
			DL_APPEND(bus->changes, want);
		want->is_changed = true;
	}
	pthread_mutex_unlock(&bus->mutex);
}

void bus_out_subscribe_all(struct runner *runner)
{
	change_all(runner->bus);
	bus_out_subscribe(runner);
}

/* ---- What is sent ---- */

/* With the mutex held. */
static struct bus_item *unqueue(struct bus *bus)
{
	struct bus_item *item = bus->out;

	if (item) {
		DL_DELETE(bus->out, item);
		assert(bus->out_octets >= bus_item_octets(item));
		bus->out_octets -= bus_item_octets(item);
	}
	return item;
}

/*
 * What is of another life is dropped. Nothing is taken before what changes
 * subscriptions: who has subscribed before he has asked, hears the answer.
 */
static struct bus_item *take_out(struct runner *runner)
{
	struct bus *bus = runner->bus;
	struct bus_item *item = NULL;

	pthread_mutex_lock(&bus->mutex);
	while (!bus->changes && (item = unqueue(bus)) &&
	       item->life != runner->life) {
		bus->dropped++;
		free(item);
	}
	bus->sent += !!item;
	pthread_mutex_unlock(&bus->mutex);
	return item;
}

bool bus_out_send(struct runner *runner)
{
	struct bus_item *item;

	while (line_kind->waiting(runner->line) < LINE_FULL) {
		bus_out_subscribe(runner);
		item = take_out(runner);
		if (!item)
			return true;
		line_kind->publish(runner->line, item->subject, item->reply,
				   item->data, item->len);
		free(item);
	}
	return false;
}

void bus_out_drop(struct bus *bus)
{
	struct bus_item *item;

	pthread_mutex_lock(&bus->mutex);
	while ((item = unqueue(bus))) {
		bus->dropped++;
		free(item);
	}
	pthread_mutex_unlock(&bus->mutex);
}

/* ---- Beats ---- */

/* With the mutex held. */
static bool beat_is_due(const struct runner *runner, uint64_t now)
{
	struct bus *bus = runner->bus;
	uint64_t round = atomic_load(&bus->round_ms);

	if (!bus->beat_subject || now > round + STUCK_MS ||
	    now < runner->beat_ms + BEAT_LEAST_MS)
		return false;
	return bus->beat_is_due || now >= runner->beat_ms + BUS_BEAT_MS;
}

static struct bus_item *take_beat(struct runner *runner, uint64_t now)
{
	struct bus *bus = runner->bus;
	struct bus_item *item = NULL;

	pthread_mutex_lock(&bus->mutex);
	if (beat_is_due(runner, now))
		item = bus_item_new(BUS_MESSAGE, bus->beat_subject, NULL,
				    bus->beat_len);
	if (item) {
		memcpy(item->data, bus->beat, bus->beat_len);
		bus->beat_is_due = false;
		bus->sent++;
	}
	pthread_mutex_unlock(&bus->mutex);
	return item;
}

void bus_out_beat(struct runner *runner, uint64_t now)
{
	struct bus_item *item = take_beat(runner, now);

	if (!item)
		return;
	line_kind->publish(runner->line, item->subject, NULL, item->data,
			   item->len);
	runner->beat_ms = now;
	free(item);
}
