// SPDX-License-Identifier: Apache-2.0
/*
 * fleet.c - start and stop, and what hosts.c wants of the rest
 */
#include <assert.h>
#include <errno.h>

#include "anchors/host.h"
#include "fs/commons.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/remote.h"

#define FLEET_TICK_MS 100

/* ---- What hosts.c wants to know, and to have told ---- */

void fleet_describe(const struct fleet *fleet, struct wire_beat *beat)
{
	const struct anchor *anchor = fleet->commons->host->root;

	beat->uid = anchor->uid;
	beat->gid = anchor->gid;
	beat->mode = anchor->mode;
	beat->links = 2 + HASH_COUNT(anchor->children);
	beat->mtime_ns = anchor->mtime_ns;
}

void fleet_serves(struct fleet *fleet, bool serves)
{
	if (!fleet->is_over)
		remotes_changed(fleet, serves && bus_is_up(fleet->bus));
}

void fleet_tell(struct fleet *fleet, int priority, const char *reason,
		bool fails)
{
	struct anchor *anchor = fleet->commons->host->root;

	if (fails)
		anchor_fail(anchor, "fleet", 0, fleet->name, reason);
	host_log(anchor, priority, "%s", reason);
}

uint64_t fleet_wall_ns(const struct fleet *fleet)
{
	(void)fleet;
	return (uint64_t)host_now_ns();
}

static void on_changed(void *arg, bool up)
{
	struct fleet *fleet = arg;

	if (!fleet->hosts || fleet->is_over)
		return;
	hosts_changed(fleet->hosts, up);
	/* The name is asked for first, and then fleet_serves() says so. */
	if (!up || hosts_serves(fleet->hosts))
		remotes_changed(fleet, up);
}

/* ---- Start and stop ---- */

static void on_tick(uv_timer_t *timer)
{
	struct fleet *fleet = timer->data;

	/* Who wakes up looks at the time before the bus's thread beats again.
	 */
	hosts_tick(fleet->hosts);
	bus_round(fleet->bus);
	guests_tick(fleet);
	remotes_tick(fleet);
}

static int start_bus(struct fleet *fleet, uv_loop_t *loop,
		     const struct fleet_options *options)
{
	const struct bus_options bus = {
		.urls = options->urls,
		.credentials = options->credentials,
		.ca = options->ca,
		.name = options->name,
		.message = fleet_message,
		.floods = fleet_floods,
		.changed = on_changed,
		.report = options->report,
		.arg = fleet,
	};

	return bus_new(&fleet->bus, loop, &bus);
}

int fleet_start(struct fleet **out, struct commons *commons,
		struct session *session, const struct fleet_options *options)
{
	uv_loop_t *loop = commons->host->loop;
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	int r;

	if (!fleet)
		return -ENOMEM;
	assert(wire_name_is_good(options->name));
	fleet->commons = commons;
	fleet->session = session;
	fleet->grants = options->grants;
	fleet->name = options->name;
	fleet->report = options->report;
	fleet->incarnation = commons->host->identity.incarnation;
	assert(fleet->incarnation);
	memcpy(fleet->uuid, commons->host->identity.uuid, sizeof(fleet->uuid));
	r = start_bus(fleet, loop, options);
	if (r == 0)
		r = hosts_new(&fleet->hosts, fleet);
	if (r < 0) {
		bus_free(fleet->bus);
		free(fleet);
		return r;
	}
	uv_timer_init(loop, &fleet->timer);
	fleet->timer.data = fleet;
	uv_timer_start(&fleet->timer, on_tick, 0, FLEET_TICK_MS);
	*out = fleet;
	return 0;
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

static void on_closed(uv_handle_t *handle)
{
	set_flag(handle->data);
}

static void close_timer(struct fleet *fleet)
{
	bool is_closed = false;

	fleet->timer.data = &is_closed;
	uv_close((uv_handle_t *)&fleet->timer, on_closed);
	while (!is_closed)
		uv_run(fleet->commons->host->loop, UV_RUN_ONCE);
}

/*
 * Nobody waits for the end of a close, as that of `: > records`, which clears
 * them; at home it is done before this. Our kernel tells of the last ones in
 * the round that comes first.
 */
static void await_closes(struct fleet *fleet)
{
	uv_loop_t *loop = fleet->commons->host->loop;
	uint64_t until_ms = bus_now_ms() + FLEET_CLOSES_MS;

	uv_run(loop, UV_RUN_NOWAIT);
	while (remotes_closing(fleet) && bus_now_ms() < until_ms)
		uv_run(loop, UV_RUN_ONCE);
}

/*
 * What others have asked for is done and answered while they still hear us;
 * then it says good-bye.
 */
struct fleet *fleet_end(struct fleet *fleet)
{
	bool ended = false;

	if (!fleet)
		return NULL;
	fleet->is_ending = true;
	guests_end(fleet, set_flag, &ended);
	while (!ended)
		uv_run(fleet->commons->host->loop, UV_RUN_ONCE);
	await_closes(fleet);
	remotes_end(fleet);
	fleet->is_over = true;
	fleet->commons->fleet = NULL;
	hosts_bye(fleet->hosts);
	close_timer(fleet);
	fleet->hosts = hosts_free(fleet->hosts);
	bus_free(fleet->bus);
	free(fleet);
	return NULL;
}
