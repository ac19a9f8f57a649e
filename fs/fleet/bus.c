// SPDX-License-Identifier: Apache-2.0
/*
 * bus.c - the main loop's side of the bus: its queues, and what it is told
 */
#include <assert.h>
#include <errno.h>
#include <time.h>
#include <utlist.h>

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

/* ---- Items ---- */

struct bus_item *bus_item_new(enum bus_item_kind kind, const char *subject,
			      const char *reply, size_t len)
{
	size_t subject_size = subject ? strlen(subject) + 1 : 0;
	size_t reply_size = reply ? strlen(reply) + 1 : 0;
	struct bus_item *item =
		malloc(sizeof(*item) + len + subject_size + reply_size);
	char *texts;

	if (!item)
		return NULL;
	*item = (struct bus_item){.kind = kind, .len = len};
	texts = (char *)item->data + len;
	if (subject)
		item->subject = memcpy(texts, subject, subject_size);
	if (reply)
		item->reply = memcpy(texts + subject_size, reply, reply_size);
	return item;
}

size_t bus_item_octets(const struct bus_item *item)
{
	/* Also a message without a body takes memory. */
	return sizeof(*item) + item->len;
}

void bus_tell(struct bus *bus, struct bus_item *item)
{
	if (!bus->to_main) {
		free(item);
		return;
	}
	bus->in_octets += bus_item_octets(item);
	DL_APPEND(bus->in, item);
	uv_async_send(bus->to_main);
}

static void free_items(struct bus_item *list)
{
	struct bus_item *item, *next;

	DL_FOREACH_SAFE (list, item, next)
		free(item);
}

void bus_delete(struct bus *bus)
{
	struct bus_want *want, *next;

	assert(!bus->to_main && !bus->to_thread);
	free_items(bus->in);
	free_items(bus->out);
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

/* ---- What has come ---- */

static struct bus_item *take_in(struct bus *bus)
{
	struct bus_item *item;
	size_t before;

	pthread_mutex_lock(&bus->mutex);
	before = bus->in_octets;
	item = bus->in;
	if (item) {
		DL_DELETE(bus->in, item);
		bus->in_octets -= bus_item_octets(item);
		bus->received += item->kind == BUS_MESSAGE;
	}
	/* The thread has stopped to read, and goes on from here. */
	if (before > BUS_IN_MAX / 2 && bus->in_octets <= BUS_IN_MAX / 2 &&
	    bus->to_thread)
		uv_async_send(bus->to_thread);
	pthread_mutex_unlock(&bus->mutex);
	return item;
}

static void hear(struct bus *bus, struct bus_item *item)
{
	switch (item->kind) {
	case BUS_MESSAGE:
		bus->message(bus->arg, &(struct bus_message){
					       .subject = item->subject,
					       .data = item->data,
					       .len = item->len,
					       .nobody = item->nobody,
				       });
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

/* ---- What is wanted ---- */

/* With the mutex held. */
static void want_changed(struct bus *bus, struct bus_want *want)
{
	if (!want->is_changed)
		DL_APPEND(bus->changes, want);
	want->is_changed = true;
	if (bus->to_thread)
		uv_async_send(bus->to_thread);
}

static struct bus_want *want_new(struct bus *bus, const char *subject)
{
	size_t size = strlen(subject) + 1;
	struct bus_want *want = calloc(1, sizeof(*want) + size);

	if (!want)
		return NULL;
	memcpy(want->subject, subject, size);
	HASH_ADD_STR(bus->wants, subject, want);
	return want;
}

int bus_subscribe(struct bus *bus, const char *subject)
{
	struct bus_want *want;

	pthread_mutex_lock(&bus->mutex);
	HASH_FIND_STR(bus->wants, subject, want);
	if (!want)
		want = want_new(bus, subject);
	if (want && want->count++ == 0)
		want_changed(bus, want);
	pthread_mutex_unlock(&bus->mutex);
	return want ? 0 : -ENOMEM;
}

void bus_unsubscribe(struct bus *bus, const char *subject)
{
	struct bus_want *want;

	pthread_mutex_lock(&bus->mutex);
	HASH_FIND_STR(bus->wants, subject, want);
	assert(want && want->count);
	if (--want->count == 0)
		want_changed(bus, want);
	pthread_mutex_unlock(&bus->mutex);
}

/* ---- What is sent ---- */

static size_t octets_of(const struct iovec *pieces, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += pieces[i].iov_len;
	return len;
}

static struct bus_item *outgoing(const char *subject, const char *reply,
				 const struct iovec *pieces, int count,
				 size_t len)
{
	struct bus_item *item = bus_item_new(BUS_MESSAGE, subject, reply, len);
	size_t at = 0;

	for (int i = 0; item && i < count; at += pieces[i++].iov_len)
		if (pieces[i].iov_len)
			memcpy(item->data + at, pieces[i].iov_base,
			       pieces[i].iov_len);
	return item;
}

int bus_send(struct bus *bus, const char *subject, const char *reply,
	     const struct iovec *pieces, int count)
{
	size_t len = octets_of(pieces, count);
	CLEANUP(freep) struct bus_item *item = NULL;
	int r = 0;

	if (!bus->life)
		return -ENOTCONN;
	if (len > bus->size_max)
		return -EMSGSIZE;
	item = outgoing(subject, reply, pieces, count, len);
	if (!item)
		return -ENOMEM;
	item->life = bus->life;
	pthread_mutex_lock(&bus->mutex);
	if (!bus->to_thread)
		r = -ENOTCONN;
	else if (bus->out_octets + bus_item_octets(item) > BUS_OUT_MAX)
		r = -ENOBUFS;
	if (r == 0) {
		bus->out_octets += bus_item_octets(item);
		DL_APPEND(bus->out, item);
		item = NULL;
		uv_async_send(bus->to_thread);
	}
	pthread_mutex_unlock(&bus->mutex);
	return r;
}

size_t bus_size_max(const struct bus *bus)
{
	return bus->life ? bus->size_max : 0;
}

bool bus_is_up(const struct bus *bus)
{
	return bus->life;
}

int bus_set_beat(struct bus *bus, const char *subject, const void *data,
		 size_t len)
{
	CLEANUP(freep) char *new_subject = subject ? strdup(subject) : NULL;
	CLEANUP(freep) void *new_beat = subject ? malloc(len ? len : 1) : NULL;
	char *old_subject;
	void *old_beat;

	if (subject && (!new_subject || !new_beat))
		return -ENOMEM;
	if (subject && len)
		memcpy(new_beat, data, len);
	pthread_mutex_lock(&bus->mutex);
	old_subject = bus->beat_subject;
	old_beat = bus->beat;
	bus->beat_subject = steal(&new_subject);
	bus->beat = steal(&new_beat);
	bus->beat_len = len;
	bus->beat_is_due = subject;
	if (bus->to_thread)
		uv_async_send(bus->to_thread);
	pthread_mutex_unlock(&bus->mutex);
	free(old_subject);
	free(old_beat);
	return 0;
}

void bus_round(struct bus *bus)
{
	atomic_store(&bus->round_ms, bus_now_ms());
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
		.waiting_out = bus->out_octets,
		.waiting_in = bus->in_octets,
	};
	pthread_mutex_unlock(mutex);
}
