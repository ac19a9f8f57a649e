// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <unistd.h>
#include <utlist.h>

#include "dns/serve/spread.h"

static void on_tick(uv_timer_t *timer);

void spreads_init(struct spreads *spreads, uv_loop_t *loop, uv_mutex_t *mutex,
		  uv_async_t *wake)
{
	assert(spreads->workers > 0 && spreads->share <= SOCKET_SPREAD_MAX + 1);
	spreads->mutex = mutex;
	spreads->wake = wake;
	uv_timer_init(loop, &spreads->tick);
	if (!spreads->tick_ms)
		spreads->tick_ms = SPREAD_TICK_MS;
}

unsigned spreads_home(struct spreads *spreads)
{
	return spreads->homes++ % spreads->workers;
}

static uint64_t answered(const struct spread *spread)
{
	uint64_t sum = 0;

	for (unsigned type = 0; type < TRAFFIC_TYPES; type++)
		sum += traffic_sum(spread->traffic,
				   TRAFFIC_QUERIES +
					   ANSWER_UDP * TRAFFIC_TYPES + type);
	return sum;
}

static void activate(struct spreads *spreads, struct spread *spread)
{
	spread->state = SPREAD_OUT;
	spread->answered = answered(spread);
	spread->most = 0;
	spread->quiet = 0;
	if (!spreads->active)
		uv_timer_start(&spreads->tick, on_tick, spreads->tick_ms,
			       spreads->tick_ms);
	DL_APPEND(spreads->active, spread);
	spreads->sockets += spreads->share - 1;
}

static void deactivate(struct spreads *spreads, struct spread *spread)
{
	assert(spreads->sockets >= spreads->share - 1);
	spreads->sockets -= spreads->share - 1;
	spread->state = SPREAD_NOT;
	DL_DELETE(spreads->active, spread);
	if (!spreads->active)
		uv_timer_stop(&spreads->tick);
}

static struct seat *seat_behind_home(const struct spreads *spreads,
				     const struct spread *spread, unsigned i)
{
	return &spread->seats[(spread->home + 1 + i) % spreads->workers];
}

/* What fails here fails again when the home is crowded the next time. */
static void spread_out(struct spreads *spreads, struct spread *spread)
{
	unsigned count = spreads->share - 1;
	int more[SOCKET_SPREAD_MAX];

	assert(atomic_load(&spread->lent) == 0);
	if (socket_spread(spread->sockets, spread->address, count, more) < 0)
		return;
	atomic_store(&spread->lent, count);
	for (unsigned i = 0; i < count; i++)
		worker_lend(seat_behind_home(spreads, spread, i), more[i]);
	activate(spreads, spread);
}

static void take_back(struct spreads *spreads, struct spread *spread)
{
	spread->state = SPREAD_DRAINING;
	for (unsigned i = 0; i + 1 < spreads->share; i++)
		worker_take_back(seat_behind_home(spreads, spread, i));
}

static bool is_quiet(struct spread *spread)
{
	uint64_t now = answered(spread), count = now - spread->answered;

	spread->answered = now;
	if (count > spread->most)
		spread->most = count;
	spread->quiet = count <= spread->most / 4 ? spread->quiet + 1 : 0;
	return spread->quiet >= SPREAD_QUIET;
}

static void look_at(struct spreads *spreads, struct spread *spread)
{
	switch (spread->state) {
	case SPREAD_OUT:
		if (!is_quiet(spread))
			return;
		socket_gather(spread->sockets);
		spread->state = SPREAD_GATHERING;
		return;
	case SPREAD_GATHERING:
		take_back(spreads, spread);
		return;
	case SPREAD_DRAINING:
		if (atomic_load(&spread->lent) == 0)
			deactivate(spreads, spread);
		return;
	case SPREAD_NOT:
	case SPREAD_STOPPED:
		assert(false);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct spreads *spreads = container_of(timer, struct spreads, tick);
	struct spread *spread, *next;

	DL_FOREACH_SAFE (spreads->active, spread, next)
		look_at(spreads, spread);
}

static struct spread *take_wanted(struct spreads *spreads)
{
	struct spread *spread;

	uv_mutex_lock(spreads->mutex);
	spread = spreads->wanted;
	if (spread) {
		DL_DELETE2(spreads->wanted, spread, wanted_prev, wanted_next);
		spread->is_wanted = false;
	}
	uv_mutex_unlock(spreads->mutex);
	return spread;
}

void spreads_look(struct spreads *spreads)
{
	struct spread *spread;

	while ((spread = take_wanted(spreads)))
		if (spread->state == SPREAD_NOT && spreads->share > 1 &&
		    spreads->sockets + spreads->share - 1 <=
			    spreads->sockets_max)
			spread_out(spreads, spread);
}

void spread_stop(struct spreads *spreads, struct spread *spread)
{
	if (spread->state != SPREAD_NOT)
		deactivate(spreads, spread);
	spread->state = SPREAD_STOPPED;
}

void spread_forget(struct spreads *spreads, struct spread *spread)
{
	uv_mutex_lock(spreads->mutex);
	if (spread->is_wanted)
		DL_DELETE2(spreads->wanted, spread, wanted_prev, wanted_next);
	uv_mutex_unlock(spreads->mutex);
}

void spread_crowded(struct spreads *spreads, struct spread *spread)
{
	bool is_new;

	uv_mutex_lock(spreads->mutex);
	is_new = !spread->is_wanted;
	if (is_new)
		DL_APPEND2(spreads->wanted, spread, wanted_prev, wanted_next);
	spread->is_wanted = true;
	uv_mutex_unlock(spreads->mutex);
	if (is_new)
		uv_async_send(spreads->wake);
}

void spread_returned(struct spread *spread)
{
	atomic_fetch_sub(&spread->lent, 1);
}
