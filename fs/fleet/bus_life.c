// SPDX-License-Identifier: Apache-2.0
/*
 * bus_life.c - lives: they begin, they end, and what is tried in between
 */
#include <assert.h>
#include <errno.h>
#include <syslog.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_runner.h"

/* Between two rounds of attempts, at first and at last, and a random share. */
#define DELAY_MS     100
#define DELAY_MAX_MS 2000
/*
 * A server gets so long to answer: little while there may be another one, and
 * twice as much after each round, for those that are far away or slow; and no
 * less than twice what the last one took, up to CONNECT_KNOWN_MS.
 */
#define CONNECT_MS	 500
#define CONNECT_KNOWN_MS 2000
#define CONNECT_MAX_MS	 4000
/* A life that was shorter counts as an attempt that has failed. */
#define LIFE_LEAST_MS 1000
/* Failing is told so often. */
#define TELL_MS 60000

/* ---- A life ---- */

void bus_life_tell_up(struct bus *bus)
{
	if (bus->up)
		bus_tell(bus, steal(&bus->up));
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
	bus_thread_tell(runner, LOG_NOTICE, "connected to ", "");
	bus_out_subscribe_all(runner);
}

void bus_life_end(struct runner *runner, const char *why)
{
	struct bus *bus = runner->bus;
	uint64_t now = bus_now_ms();

	assert(runner->life && runner->down);
	runner->life = 0;
	line_kind->disconnect(runner->line);
	bus_out_drop(bus);
	bus_thread_tell(runner, LOG_WARNING, "lost ", why);
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

/* ---- Attempts ---- */

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

static unsigned time_for(const struct runner *runner)
{
	uint64_t known_ms = 2 * runner->took_ms;
	unsigned within_ms = runner->failures < 3
				     ? CONNECT_MS << runner->failures
				     : CONNECT_MAX_MS;

	if (known_ms > CONNECT_KNOWN_MS)
		known_ms = CONNECT_KNOWN_MS;
	return known_ms > within_ms ? (unsigned)known_ms : within_ms;
}

static bool try_one(struct runner *runner, size_t url, bool is_told)
{
	char why[LINE_WHY_SIZE] = "";
	uint64_t begun_ms = bus_now_ms();
	int r = line_kind->connect(runner->line, &runner->bus->urls.urls[url],
				   time_for(runner), why);

	runner->url = url;
	if (r == 0) {
		runner->took_ms = bus_now_ms() - begun_ms;
		begin_life(runner);
	} else if (is_told) {
		bus_thread_tell(runner, r == -EACCES ? LOG_ERR : LOG_WARNING,
				"cannot connect to ", why);
	}
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

void bus_life_try(struct runner *runner)
{
	size_t urls[BUS_URLS_MAX], count = runner->bus->urls.count;
	uint64_t now = bus_now_ms();
	bool is_told = !runner->told_ms || now >= runner->told_ms + TELL_MS;

	if (now < runner->next_ms)
		return;
	order(runner, urls);
	for (size_t i = 0; i < count; i++)
		if (bus_thread_stops(runner) ||
		    try_one(runner, urls[i], is_told))
			return;
	back_off(runner, is_told);
}
