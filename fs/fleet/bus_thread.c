// SPDX-License-Identifier: Apache-2.0
/*
 * bus_thread.c - the bus's thread: what is due, and its start and end
 *
 * All that can happen ends in look(), which does whatever is due: it is called
 * when the main loop or the library wakes the thread, when something was sent
 * or received, and 20 times a second.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/fleet/bus_runner.h"

#define TICK_MS 50
/* What was read and is not in the queue yet: past that it reads no more. */
#define BEHIND_MAX ((size_t)8 << 20)
/* What waits is sent before the end, in so much time. */
#define LAST_MS 500

void bus_thread_tell(struct runner *runner, int priority, const char *verb,
		     const char *why)
{
	struct bus *bus = runner->bus;
	char line[BUS_URL_SIZE + LINE_WHY_SIZE + 32];
	int len = snprintf(line, sizeof(line), "fleet: %s%s%s%s", verb,
			   bus->urls.urls[runner->url].text, *why ? ": " : "",
			   why);
	struct bus_item *item;

	assert(len > 0 && (size_t)len < sizeof(line));
	item = bus_item_new(BUS_REPORT, NULL, NULL, (size_t)len + 1);
	if (!item)
		return;
	memcpy(item->data, line, (size_t)len + 1);
	item->priority = priority;
	pthread_mutex_lock(&bus->mutex);
	bus_tell(bus, item);
	pthread_mutex_unlock(&bus->mutex);
}

bool bus_thread_stops(const struct runner *runner)
{
	struct bus *bus = runner->bus;
	bool stopping;

	pthread_mutex_lock(&bus->mutex);
	stopping = bus->stopping;
	pthread_mutex_unlock(&bus->mutex);
	return stopping;
}

/* ---- What is due ---- */

static void pace(struct runner *runner)
{
	struct bus *bus = runner->bus;
	size_t behind = line_kind->behind(runner->line), octets;

	pthread_mutex_lock(&bus->mutex);
	octets = bus->in.octets;
	pthread_mutex_unlock(&bus->mutex);
	if (octets > BUS_IN_MAX || behind > BEHIND_MAX)
		runner->is_paused = true;
	else if (octets <= BUS_IN_MAX / 2 && behind <= BEHIND_MAX / 2)
		runner->is_paused = false;
	line_kind->pause(runner->line, runner->is_paused);
}

static bool is_good(struct runner *runner, char why[LINE_WHY_SIZE])
{
	line_kind->turn(runner->line);
	if (line_kind->complains(runner->line, why))
		bus_thread_tell(runner, LOG_ERR, "told by ", why);
	if (line_kind->has_ended(runner->line, why))
		return false;
	if (bus_pulse_take(runner, bus_now_ms()))
		return true;
	snprintf(why, LINE_WHY_SIZE, "the server does not answer");
	return false;
}

static void live(struct runner *runner)
{
	char why[LINE_WHY_SIZE];

	if (!is_good(runner, why)) {
		bus_life_end(runner, why);
		return;
	}
	pace(runner);
	bus_out_beat(runner, bus_now_ms());
	bus_out_send(runner);
}

/* Return: whether all that waited was sent, or time is over. */
static bool is_sent(struct runner *runner)
{
	char why[LINE_WHY_SIZE];
	uint64_t now = bus_now_ms();

	if (!runner->stop_ms)
		runner->stop_ms = now;
	if (now > runner->stop_ms + LAST_MS || !runner->life)
		return true;
	line_kind->turn(runner->line);
	if (line_kind->has_ended(runner->line, why))
		return true;
	bus_pulse_hear(runner);
	if (runner->stop_asked)
		return !runner->asked_ms;
	if (bus_out_send(runner) && !runner->asked_ms) {
		runner->stop_asked = true;
		bus_pulse_ask(runner, now);
	}
	return false;
}

static void look(struct runner *runner)
{
	if (bus_thread_stops(runner)) {
		if (is_sent(runner))
			uv_stop(&runner->loop);
		return;
	}
	if (!runner->life)
		bus_life_try(runner);
	if (runner->life)
		live(runner);
}

static void on_async(uv_async_t *async)
{
	look(async->data);
}

static void on_tick(uv_timer_t *tick)
{
	look(tick->data);
}

static void on_moved(void *arg)
{
	look(arg);
}

static void on_wake(void *arg)
{
	struct runner *runner = arg;

	uv_async_send(&runner->async);
}

static bool on_stops(void *arg)
{
	struct runner *runner = arg;

	return bus_thread_stops(runner);
}

static int on_message(void *arg, const char *subject, const void *data,
		      size_t len, bool nobody)
{
	struct runner *runner = arg;
	struct bus *bus = runner->bus;
	struct bus_item *item = bus_item_new(BUS_MESSAGE, subject, NULL, len);

	if (!item)
		return -ENOMEM;
	if (len)
		memcpy(item->data, data, len);
	item->nobody = nobody;
	pthread_mutex_lock(&bus->mutex);
	bus_life_tell_up(bus);
	bus_tell(bus, item);
	/* Then it is to stop reading. */
	if (bus->in.octets > BUS_IN_MAX)
		uv_async_send(&runner->async);
	pthread_mutex_unlock(&bus->mutex);
	return 0;
}

/* ---- Start and end ---- */

static void runner_free(struct runner *runner)
{
	uv_close((uv_handle_t *)&runner->async, NULL);
	uv_close((uv_handle_t *)&runner->tick, NULL);
	uv_run(&runner->loop, UV_RUN_DEFAULT);
	uv_loop_close(&runner->loop);
	free(runner->down);
	free(runner);
}

static void end(struct runner *runner)
{
	struct bus *bus = runner->bus;
	bool is_last;

	line_kind->disconnect(runner->line);
	uv_run(&runner->loop, UV_RUN_NOWAIT);
	line_kind->free(runner->line);
	pthread_mutex_lock(&bus->mutex);
	bus->to_thread = NULL;
	is_last = !bus->to_main;
	pthread_cond_broadcast(&bus->cond);
	pthread_mutex_unlock(&bus->mutex);
	runner_free(runner);
	if (is_last)
		bus_delete(bus);
}

static void *thread_main(void *arg)
{
	struct runner *runner = arg;

	/* A first look, without waiting for a tick. */
	uv_async_send(&runner->async);
	uv_run(&runner->loop, UV_RUN_DEFAULT);
	end(runner);
	return NULL;
}

static int open_line(struct runner *runner)
{
	struct bus *bus = runner->bus;
	const struct line_options options = {
		.loop = &runner->loop,
		.credentials = bus->has_credentials ? &bus->credentials : NULL,
		.ca = bus->ca,
		.name = bus->name,
		.message = on_message,
		.wake = on_wake,
		.stops = on_stops,
		.moved = on_moved,
		.arg = runner,
	};

	return line_kind->new (&runner->line, &options);
}

static int open_handles(struct runner *runner)
{
	int r = uv_loop_init(&runner->loop);

	if (r < 0)
		return r;
	r = uv_async_init(&runner->loop, &runner->async, on_async);
	if (r < 0) {
		uv_loop_close(&runner->loop);
		return r;
	}
	uv_timer_init(&runner->loop, &runner->tick);
	uv_timer_start(&runner->tick, on_tick, TICK_MS, TICK_MS);
	runner->async.data = runner->tick.data = runner;
	return 0;
}

int bus_thread_start(struct bus *bus)
{
	struct runner *runner = calloc(1, sizeof(*runner));
	int r;

	if (!runner)
		return -ENOMEM;
	runner->bus = bus;
	r = open_handles(runner);
	if (r < 0) {
		free(runner);
		return r;
	}
	r = open_line(runner);
	if (r == 0)
		bus->to_thread = &runner->async;
	if (r == 0)
		r = thread_start(NULL, thread_main, runner);
	if (r < 0) {
		bus->to_thread = NULL;
		if (runner->line)
			line_kind->free(runner->line);
		runner_free(runner);
	}
	return r;
}
