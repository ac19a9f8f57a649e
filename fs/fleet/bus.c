// SPDX-License-Identifier: Apache-2.0
/*
 * bus.c - the main loop's side of the bus: its start, what it is told, its end
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/fleet/bus_inside.h"

/* Of what has come, so much at a time: the loop has others to serve. */
#define BATCH_MESSAGES 128
#define BATCH_OCTETS   ((size_t)4 << 20)
/* bus_free() leaves a thread behind that takes longer. */
#define STOP_MS 2000

uint64_t bus_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool bus_is_built(void)
{
	return line_kind;
}

/* ---- What has come ---- */

void bus_tell(struct bus *bus, struct bus_item *item)
{
	if (!bus->to_main) {
		free(item);
		return;
	}
	bus_in_put(&bus->in, item, bus_now_ms());
	uv_async_send(bus->to_main);
}

static struct bus_item *take_in(struct bus *bus)
{
	struct bus_item *item;
	size_t before;

	pthread_mutex_lock(&bus->mutex);
	before = bus->in.octets;
	item = bus_in_take(&bus->in);
	if (item)
		bus->received += item->kind == BUS_MESSAGE;
	/* The thread has stopped to read, and goes on from here. */
	if (before > BUS_IN_MAX / 2 && bus->in.octets <= BUS_IN_MAX / 2 &&
	    bus->to_thread)
		uv_async_send(bus->to_thread);
	pthread_mutex_unlock(&bus->mutex);
	return item;
}

static void hear_message(struct bus *bus, struct bus_item *item)
{
	const struct bus_message message = {
		.subject = item->subject,
		.data = item->data,
		.len = item->len,
		.nobody = item->nobody,
	};

	if (bus->message(bus->arg, &message))
		return;
	pthread_mutex_lock(&bus->mutex);
	bus_in_vain(&bus->in, item, bus_now_ms());
	pthread_mutex_unlock(&bus->mutex);
}

static void hear(struct bus *bus, struct bus_item *item)
{
	switch (item->kind) {
	case BUS_MESSAGE:
		hear_message(bus, item);
		return;
	case BUS_FLOOD:
		bus->floods(bus->arg, item->subject);
		return;
	case BUS_UP:
		bus->life = item->life;
		bus->size_max = item->len;
		bus->changed(bus->arg, true);
		return;
	case BUS_DOWN:
		assert(bus->life == item->life);
		bus->life = 0;
		bus->changed(bus->arg, false);
		return;
	case BUS_REPORT:
		bus->report(item->priority, (const char *)item->data);
		return;
	}
	assert(!"a kind of item");
}

static void on_wake(uv_async_t *async)
{
	struct bus *bus = async->data;
	struct bus_item *item = NULL;
	size_t octets = 0;

	for (int i = 0; i < BATCH_MESSAGES && octets < BATCH_OCTETS; i++) {
		item = take_in(bus);
		if (!item)
			return;
		octets += bus_item_octets(item);
		hear(bus, item);
		free(item);
	}
	uv_async_send(async);
}

/* ---- Start and end ---- */

void bus_delete(struct bus *bus)
{
	struct bus_want *want, *next;

	assert(!bus->to_main && !bus->to_thread);
	bus_in_deinit(&bus->in);
	bus_items_free(bus->out);
	free(bus->up);
	HASH_ITER (hh, bus->wants, want, next) {
		HASH_DEL(bus->wants, want);
		free(want);
	}
	credentials_deinit(&bus->credentials);
	free(bus->ca);
	free(bus->name);
	free(bus->beat_subject);
	free(bus->beat);
	pthread_cond_destroy(&bus->cond);
	pthread_mutex_destroy(&bus->mutex);
	free(bus);
}

static int take_texts(struct bus *bus, const struct bus_options *options)
{
	const char *bad;
	size_t bad_len;
	int r = bus_urls_parse(&bus->urls, options->urls, &bad, &bad_len);

	if (r < 0)
		return -EINVAL;
	if (options->credentials) {
		r = credentials_parse(&bus->credentials, options->credentials);
		if (r < 0)
			return r;
		bus->has_credentials = true;
	}
	bus->name = strdup(options->name);
	bus->ca = options->ca ? strdup(options->ca) : NULL;
	return bus->name && (bus->ca || !options->ca) ? 0 : -ENOMEM;
}

static void async_closed(uv_handle_t *handle)
{
	free(handle);
}

static void close_async(uv_async_t **async)
{
	if (*async)
		uv_close((uv_handle_t *)steal(async), async_closed);
}

static void bus_undo(struct bus **bus)
{
	if (!*bus)
		return;
	close_async(&(*bus)->to_main);
	bus_delete(*bus);
}

static int open_async(uv_loop_t *loop, struct bus *bus, uv_async_cb callback,
		      uv_async_t **out)
{
	CLEANUP(freep) uv_async_t *async = calloc(1, sizeof(*async));
	int r;

	if (!async)
		return -ENOMEM;
	r = uv_async_init(loop, async, callback);
	if (r < 0)
		return r;
	async->data = bus;
	*out = steal(&async);
	return 0;
}

static int init(struct bus *bus)
{
	int r = thread_cond_init(&bus->cond);

	return r < 0 ? r : -pthread_mutex_init(&bus->mutex, NULL);
}

int bus_new(struct bus **out, uv_loop_t *loop,
	    const struct bus_options *options)
{
	CLEANUP(bus_undo) struct bus *bus = NULL;
	int r;

	if (!bus_is_built())
		return -EOPNOTSUPP;
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return -ENOMEM;
	bus->message = options->message;
	bus->floods = options->floods;
	bus->changed = options->changed;
	bus->report = options->report;
	bus->arg = options->arg;
	atomic_store(&bus->round_ms, bus_now_ms());
	r = init(bus);
	if (r == 0)
		r = take_texts(bus, options);
	if (r == 0)
		r = open_async(loop, bus, on_wake, &bus->to_main);
	if (r == 0)
		r = bus_thread_start(bus);
	if (r < 0)
		return r;
	*out = steal(&bus);
	return 0;
}

/* With the mutex held. Return: whether the thread has ended. */
static bool wait_for_thread(struct bus *bus)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_MS / 1000;
	while (bus->to_thread &&
	       pthread_cond_timedwait(&bus->cond, &bus->mutex, &until) == 0)
		;
	return !bus->to_thread;
}

struct bus *bus_free(struct bus *bus)
{
	uv_async_t *to_main;
	bool has_ended;

	if (!bus)
		return NULL;
	pthread_mutex_lock(&bus->mutex);
	bus->stopping = true;
	if (bus->to_thread)
		uv_async_send(bus->to_thread);
	has_ended = wait_for_thread(bus);
	to_main = steal(&bus->to_main);
	pthread_mutex_unlock(&bus->mutex);
	close_async(&to_main);
	/* Else the thread does, if it ever ends. */
	if (has_ended)
		bus_delete(bus);
	return NULL;
}

/* ---- Told ---- */

size_t bus_size_max(const struct bus *bus)
{
	return bus->life ? bus->size_max : 0;
}

bool bus_is_up(const struct bus *bus)
{
	return bus->life;
}

void bus_round(struct bus *bus)
{
	uint64_t now_ms = bus_now_ms();

	atomic_store(&bus->round_ms, now_ms);
	pthread_mutex_lock(&bus->mutex);
	bus_in_sweep(&bus->in, now_ms);
	pthread_mutex_unlock(&bus->mutex);
}

void bus_forgive(struct bus *bus, const char *sender)
{
	pthread_mutex_lock(&bus->mutex);
	bus_in_forgive(&bus->in, sender, bus_now_ms());
	pthread_mutex_unlock(&bus->mutex);
}

uint64_t bus_beaten_ms(const struct bus *bus)
{
	return atomic_load(&bus->beaten_ms);
}

void bus_figures(const struct bus *bus, struct bus_figures *out)
{
	pthread_mutex_t *mutex = &((struct bus *)(uintptr_t)bus)->mutex;

	pthread_mutex_lock(mutex);
	*out = (struct bus_figures){
		.up = bus->life,
		.lives = bus->lives,
		.sent = bus->sent,
		.received = bus->received,
		.dropped = bus->dropped,
		.refused = bus->in.refused,
		.floods = bus->in.shut,
		.waiting_out = bus->out_octets,
		.waiting_in = bus->in.octets,
	};
	pthread_mutex_unlock(mutex);
}
