// SPDX-License-Identifier: Apache-2.0
/*
 * bus_thread.c - the bus's thread: lives one after another, beats, the pulse
 *
 * All that can happen ends in look(), which does whatever is due: it is called
 * when the main loop or the library wakes the thread, when something was sent
 * or received, and 20 times a second.
 *
 * The pulse: the server is asked to answer three times a second. While a
 * question waits, and nothing else moves either, for PULSE_MS, the server is
 * frozen or gone, and the life ends. So that is noticed within 1.6 s.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include <utlist.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/fleet/bus_inside.h"

#define TICK_MS 50
/* The server is asked so often, and is given up when silent for so long. */
#define ASK_MS	 300
#define PULSE_MS 1200
/* One that takes its time gets so much more, and no more than this. */
#define PULSE_MORE_MS 900
/* Octets that the library may hold; the rest waits here, where it is counted.
 */
#define LINE_FULL ((size_t)1 << 20)
/* A main loop that was not round for so long is stuck. */
#define STUCK_MS 1000
/* Beats that are due at once are not closer than that. */
#define BEAT_LEAST_MS 50
/* Between two rounds of attempts, at first and at last, and a random share. */
#define DELAY_MS     100
#define DELAY_MAX_MS 2000
/*
 * A server gets so long to answer: little while there may be another one, and
 * twice as much after each round, for those that are far away or slow.
 */
#define CONNECT_MS     500
#define CONNECT_MAX_MS 4000
/* A life that was shorter counts as an attempt that has failed. */
#define LIFE_LEAST_MS 1000
/* Failing is told so often. */
#define TELL_MS 60000
/* What waits is sent before the end, in so much time. */
#define LAST_MS 500

struct runner {
	struct bus *bus;
	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t tick;
	struct line *line;

	/* Of the life. */
	uint64_t life; /* 0: none */
	uint64_t since_ms;
	struct bus_item *down; /* so that no want of memory hides its end */
	size_t url;	       /* of bus->urls */
	uint64_t asked_ms;     /* 0: no question waits */
	uint64_t last_asked_ms;
	unsigned answers;
	uint64_t asked_beat_ms; /* the beat before the question */
	uint64_t beat_ms;	/* the last one */
	bool is_paused;		/* it reads nothing */
	uint64_t slowness_ms;	/* that an answer took lately, at most */

	/* Between lives. */
	unsigned failures; /* rounds, one after another */
	uint64_t next_ms;  /* when to try again */
	uint64_t told_ms;
	bool has_lost; /* @url is the one that was lost */

	uint64_t stop_ms; /* 0: go on */
	bool stop_asked;
};

static void tell(struct runner *runner, int priority, const char *verb,
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

/*
 * With the mutex held. A life begins for the main loop when the server has
 * answered what followed the subscriptions, or a message has come by one.
 */
static void tell_up(struct bus *bus)
{
	if (bus->up)
		bus_tell(bus, steal(&bus->up));
}

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
static void apply_changes(struct runner *runner)
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

/* In a new life everything is. */
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

/* Return: whether all is with the library. */
static bool send_out(struct runner *runner)
{
	struct bus_item *item;

	while (line_kind->waiting(runner->line) < LINE_FULL) {
		apply_changes(runner);
		item = take_out(runner);
		if (!item)
			return true;
		line_kind->publish(runner->line, item->subject, item->reply,
				   item->data, item->len);
		free(item);
	}
	return false;
}

static void drop_out(struct bus *bus)
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

/* It goes past what is queued: that may be much. */
static void beat(struct runner *runner, uint64_t now)
{
	struct bus_item *item = take_beat(runner, now);

	if (!item)
		return;
	line_kind->publish(runner->line, item->subject, NULL, item->data,
			   item->len);
	runner->beat_ms = now;
	free(item);
}

/* ---- A life ---- */

static void ask(struct runner *runner, uint64_t now)
{
	runner->asked_ms = runner->last_asked_ms = now;
	runner->asked_beat_ms = runner->beat_ms;
	line_kind->ask(runner->line);
}

static void hear_answer(struct runner *runner)
{
	unsigned answers = line_kind->answers(runner->line);

	if (answers == runner->answers)
		return;
	runner->answers = answers;
	runner->slowness_ms -= runner->slowness_ms / 8;
	if (bus_now_ms() > runner->asked_ms + runner->slowness_ms)
		runner->slowness_ms = bus_now_ms() - runner->asked_ms;
	if (runner->slowness_ms > PULSE_MORE_MS)
		runner->slowness_ms = PULSE_MORE_MS;
	runner->asked_ms = 0;
	pthread_mutex_lock(&runner->bus->mutex);
	tell_up(runner->bus);
	pthread_mutex_unlock(&runner->bus->mutex);
	if (runner->asked_beat_ms)
		atomic_store(&runner->bus->beaten_ms, runner->asked_beat_ms);
}

static void begin_life(struct runner *runner)
{
	struct bus *bus = runner->bus;
	struct bus_item *up = bus_item_new(BUS_UP, NULL, NULL, 0);

	runner->down = bus_item_new(BUS_DOWN, NULL, NULL, 0);
	if (!up || !runner->down) {
		free(up);
		free(steal(&runner->down));
		line_kind->disconnect(runner->line);
		return;
	}
	runner->since_ms = bus_now_ms();
	runner->asked_ms = runner->last_asked_ms = 0;
	runner->answers = 0;
	runner->is_paused = false;
	runner->slowness_ms = 0;
	runner->asked_beat_ms = runner->beat_ms = 0;
	up->len = line_kind->size_max(runner->line);
	pthread_mutex_lock(&bus->mutex);
	runner->life = up->life = runner->down->life = ++bus->lives;
	bus->up = up;
	pthread_mutex_unlock(&bus->mutex);
	tell(runner, LOG_NOTICE, "connected to ", "");
	change_all(bus);
	apply_changes(runner);
}

static void end_life(struct runner *runner, const char *why)
{
	struct bus *bus = runner->bus;
	uint64_t now = bus_now_ms();

	assert(runner->life && runner->down);
	runner->life = 0;
	line_kind->disconnect(runner->line);
	drop_out(bus);
	tell(runner, LOG_WARNING, "lost ", why);
	pthread_mutex_lock(&bus->mutex);
	/* One that was never heard of has no end. */
	if (bus->up)
		free(steal(&runner->down));
	else
		bus_tell(bus, steal(&runner->down));
	free(steal(&bus->up));
	pthread_mutex_unlock(&bus->mutex);
	runner->has_lost = true;
	if (now >= runner->since_ms + LIFE_LEAST_MS)
		runner->failures = 0;
	else
		runner->failures++;
	runner->next_ms = now;
	if (runner->failures)
		runner->next_ms += DELAY_MS + randombytes_uniform(DELAY_MS);
	runner->told_ms = 0;
}

/* The one that was lost comes last; the others in any order. */
static void order(const struct runner *runner, size_t *out)
{
	size_t count = runner->bus->urls.count;

	for (size_t i = 0; i < count; i++) {
		size_t j = randombytes_uniform((uint32_t)i + 1);

		out[i] = out[j];
		out[j] = i;
	}
	for (size_t i = 0; runner->has_lost && i + 1 < count; i++)
		if (out[i] == runner->url) {
			out[i] = out[i + 1];
			out[i + 1] = runner->url;
		}
}

static bool is_stopping(struct bus *bus)
{
	bool stopping;

	pthread_mutex_lock(&bus->mutex);
	stopping = bus->stopping;
	pthread_mutex_unlock(&bus->mutex);
	return stopping;
}

static bool try_one(struct runner *runner, size_t url, bool is_told)
{
	char why[LINE_WHY_SIZE] = "";
	unsigned within_ms = runner->failures < 3
				     ? CONNECT_MS << runner->failures
				     : CONNECT_MAX_MS;
	int r = line_kind->connect(runner->line, &runner->bus->urls.urls[url],
				   within_ms, why);

	runner->url = url;
	if (r == 0)
		begin_life(runner);
	else if (is_told)
		tell(runner, r == -EACCES ? LOG_ERR : LOG_WARNING,
		     "cannot connect to ", why);
	return runner->life;
}

static void back_off(struct runner *runner, bool is_told)
{
	uint64_t delay = DELAY_MAX_MS;

	if (runner->failures < 5)
		delay = (uint64_t)DELAY_MS << runner->failures;
	if (delay > DELAY_MAX_MS)
		delay = DELAY_MAX_MS;
	runner->failures++;
	runner->next_ms = bus_now_ms() + delay / 2 +
			  randombytes_uniform((uint32_t)delay / 2);
	if (is_told)
		runner->told_ms = bus_now_ms();
}

static void try_all(struct runner *runner)
{
	size_t urls[BUS_URLS_MAX], count = runner->bus->urls.count;
	uint64_t now = bus_now_ms();
	bool is_told = !runner->told_ms || now >= runner->told_ms + TELL_MS;

	if (now < runner->next_ms)
		return;
	order(runner, urls);
	for (size_t i = 0; i < count; i++)
		if (is_stopping(runner->bus) ||
		    try_one(runner, urls[i], is_told))
			return;
	back_off(runner, is_told);
}

/* ---- What is due ---- */

static void pace(struct runner *runner)
{
	struct bus *bus = runner->bus;
	size_t octets;

	pthread_mutex_lock(&bus->mutex);
	octets = bus->in_octets;
	pthread_mutex_unlock(&bus->mutex);
	if (octets > BUS_IN_MAX)
		line_kind->pause(runner->line, true);
	else if (octets <= BUS_IN_MAX / 2)
		line_kind->pause(runner->line, false);
	else
		return;
	runner->is_paused = octets > BUS_IN_MAX;
}

/* Return: whether the server is as it should be. */
static bool take_pulse(struct runner *runner, uint64_t now)
{
	uint64_t quiet;

	hear_answer(runner);
	if (!runner->asked_ms) {
		if (now >= runner->last_asked_ms + ASK_MS ||
		    runner->beat_ms != runner->asked_beat_ms)
			ask(runner, now);
		return true;
	}
	/* Nobody has listened to the answer. A server cuts that off itself. */
	if (runner->is_paused)
		return true;
	quiet = line_kind->moved_ms(runner->line);
	if (quiet < runner->asked_ms)
		quiet = runner->asked_ms;
	return now < quiet + PULSE_MS + runner->slowness_ms;
}

static bool is_good(struct runner *runner, char why[LINE_WHY_SIZE])
{
	line_kind->turn(runner->line);
	if (line_kind->complains(runner->line, why))
		tell(runner, LOG_ERR, "told by ", why);
	if (line_kind->has_ended(runner->line, why))
		return false;
	if (take_pulse(runner, bus_now_ms()))
		return true;
	snprintf(why, LINE_WHY_SIZE, "the server does not answer");
	return false;
}

static void live(struct runner *runner)
{
	char why[LINE_WHY_SIZE];

	if (!is_good(runner, why)) {
		end_life(runner, why);
		return;
	}
	pace(runner);
	beat(runner, bus_now_ms());
	send_out(runner);
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
	hear_answer(runner);
	if (runner->stop_asked)
		return !runner->asked_ms;
	if (send_out(runner) && !runner->asked_ms) {
		runner->stop_asked = true;
		ask(runner, now);
	}
	return false;
}

static void look(struct runner *runner)
{
	if (is_stopping(runner->bus)) {
		if (is_sent(runner))
			uv_stop(&runner->loop);
		return;
	}
	if (!runner->life)
		try_all(runner);
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

	return is_stopping(runner->bus);
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
	tell_up(bus);
	bus_tell(bus, item);
	/* Then it is to stop reading. */
	if (bus->in_octets > BUS_IN_MAX)
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
