// SPDX-License-Identifier: Apache-2.0
/*
 * bus_pulse.c - is the server there, and how slow is it?
 *
 * It is asked to answer three times a second. While a question waits, and
 * nothing else moves either, for PULSE_MS, the server is frozen or gone, and
 * the life ends. So that is noticed within 1.6 s; of one that took its time to
 * answer lately, within PULSE_MORE_MS more.
 */
#include "fs/fleet/bus_runner.h"

/* The server is asked so often, and is given up when silent for so long. */
#define ASK_MS	 300
#define PULSE_MS 1200
/* One that takes its time gets so much more, and no more than this. */
#define PULSE_MORE_MS 900

void bus_pulse_ask(struct runner *runner, uint64_t now)
{
	runner->asked_ms = runner->last_asked_ms = now;
	runner->asked_beat_ms = runner->beat_ms;
	line_kind->ask(runner->line);
}

void bus_pulse_hear(struct runner *runner)
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
	bus_life_tell_up(runner->bus);
	pthread_mutex_unlock(&runner->bus->mutex);
	if (runner->asked_beat_ms)
		atomic_store(&runner->bus->beaten_ms, runner->asked_beat_ms);
}

bool bus_pulse_take(struct runner *runner, uint64_t now)
{
	uint64_t quiet;

	bus_pulse_hear(runner);
	if (!runner->asked_ms) {
		if (now >= runner->last_asked_ms + ASK_MS ||
		    runner->beat_ms != runner->asked_beat_ms)
			bus_pulse_ask(runner, now);
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
