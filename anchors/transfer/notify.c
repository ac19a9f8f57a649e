// SPDX-License-Identifier: Apache-2.0
/*
 * notify.c - looking at zones that may have changed
 *
 * The writer says which zone has changed, and a list that is written, that all
 * of a nameserver's zones are to be looked at. Either is gathered for a moment,
 * and then looked at in the store, some at a time.
 */
#include <errno.h>
#include <utlist.h>

#include "anchors/transfer/catalog.h"
#include "anchors/transfer/notify_layout.h"
#include "dns/store/home.h"
#include "dns/store/zone.h"

/* Between two looks for what is not committed yet. */
#define WAIT_MOST_MS 1000

static void on_gathered(uv_timer_t *timer);

static void gather(struct notifier *notifier, uint64_t ms)
{
	uv_timer_t *timer = &notifier->gather;

	if (!uv_is_active((uv_handle_t *)timer) ||
	    uv_timer_get_due_in(timer) > ms)
		uv_timer_start(&notifier->gather, on_gathered, ms, 0);
}

static void on_wake(uv_async_t *wake)
{
	gather(wake->data, NOTIFY_GATHER_MS);
}

/* ---- Looking ---- */

static int served_by(struct notifier *notifier, uint64_t server,
		     struct served *out)
{
	int r = snapshot_served(notifier->host->snapshot, server, out);

	return r == 0 && !out->home ? -ENOENT : r;
}

static void look_at_change(struct notifier *notifier,
			   const struct notify_change *change)
{
	struct snapshot *snapshot = notifier->host->snapshot;
	struct anchor *anchor;
	struct served served;
	struct home home;

	if (snapshot_home(snapshot, change->home, &home) == 0 &&
	    served_by(notifier, home.server, &served) == 0) {
		notifier_catch_up(notifier, &served, home.server,
				  &change->apex);
		anchor = anchor_by_id(notifier->host, home.server);
		if (anchor)
			catalog_zone_changed(anchor, &served, &change->apex);
	}
}

/* Return: whether some are left. */
static bool look_at_changes(struct notifier *notifier, uint64_t until_ns)
{
	struct snapshot *snapshot = notifier->host->snapshot;
	size_t newest = mdb_txn_id(snapshot_txn(snapshot));
	struct notify_change *changes, *change;
	bool too_many, is_left = false;

	changes = notify_take_changes(notifier, &too_many);
	while ((change = changes)) {
		changes = change->next;
		if (change->txn_id > newest || uv_hrtime() >= until_ns) {
			notify_put_back(notifier, change);
			is_left = true;
			continue;
		}
		notifier->wait_ms = 0;
		look_at_change(notifier, change);
		free(change);
	}
	if (too_many)
		notifier_look(notifier, NULL);
	return is_left;
}

/* The next zones of the first nameserver. Return: whether it is through. */
static bool look_on(struct notifier *notifier, struct look *look,
		    uint64_t until_ns)
{
	struct snapshot *snapshot = notifier->host->snapshot;
	struct zone_counts counts;
	struct served served;
	struct name apex;
	int r = served_by(notifier, look->server, &served);

	while (r == 0 && uv_hrtime() < until_ns) {
		r = snapshot_zone_next(snapshot, served.table, look_after(look),
				       look->key_len, &apex, &counts);
		if (r < 0)
			break;
		look_was_at(look, &apex);
		notifier_catch_up(notifier, &served, look->server, &apex);
	}
	return r < 0;
}

static void look_at_catalog(struct notifier *notifier, uint64_t server)
{
	struct anchor *anchor = anchor_by_id(notifier->host, server);
	struct served served;

	if (anchor && served_by(notifier, server, &served) == 0)
		catalog_look_at(anchor, &served);
}

static void look_at_servers(struct notifier *notifier, uint64_t until_ns)
{
	struct look *look;

	while ((look = notifier->looks) && look_on(notifier, look, until_ns)) {
		if (look->wants_catalog)
			look_at_catalog(notifier, look->server);
		looks_drop(&notifier->looks, look);
	}
}

static void on_gathered(uv_timer_t *timer)
{
	struct notifier *notifier = timer->data;
	uint64_t until_ns = uv_hrtime() + LOOKS_TURN_NS;
	bool is_left;

	if (snapshot_begin(notifier->host->snapshot) < 0) {
		gather(notifier, 1000);
		return;
	}
	is_left = look_at_changes(notifier, until_ns);
	look_at_servers(notifier, until_ns);
	snapshot_end(notifier->host->snapshot);
	/*
	 * A commit takes some milliseconds, or longer; and one that has failed
	 * is seen with the next one that does not.
	 */
	notifier->wait_ms = !is_left ? 0 : 2 * notifier->wait_ms + 5;
	if (notifier->wait_ms > WAIT_MOST_MS)
		notifier->wait_ms = WAIT_MOST_MS;
	/* Not at once, which would be in this turn of the loop. */
	if (notifier->looks)
		gather(notifier, 1);
	else if (is_left)
		gather(notifier, notifier->wait_ms);
}

/* Without memory it is looked at when something is written. */
static void look_at_all_of(struct notifier *notifier, uint64_t server,
			   bool wants_catalog)
{
	struct look *look = looks_add(&notifier->looks, server);

	if (look && wants_catalog)
		look->wants_catalog = true;
}

void notifier_look(struct notifier *notifier, struct anchor *anchor)
{
	struct anchor *root = notifier->host->root;

	if (anchor) {
		look_at_all_of(notifier, anchor->id, false);
	} else {
		for (anchor = root; anchor; anchor = anchor_next(root, anchor))
			if (anchor->parent)
				look_at_all_of(notifier, anchor->id, true);
	}
	gather(notifier, NOTIFY_GATHER_MS);
}

void notifier_look_at(struct notifier *notifier, uint64_t server,
		      const struct name *apex)
{
	struct snapshot *snapshot = notifier->host->snapshot;
	struct served served;

	if (snapshot_begin(snapshot) < 0)
		return;
	if (served_by(notifier, server, &served) == 0)
		notifier_catch_up(notifier, &served, server, apex);
	snapshot_end(snapshot);
}

void notifier_gone(struct notifier *notifier, uint64_t server)
{
	struct notify_zone *zone, *next;

	HASH_ITER (hh, notifier->zones, zone, next) {
		if (zone->server == server)
			notify_drop_zone(notifier, zone);
	}
}

/* ---- Life ---- */

static void on_due(uv_timer_t *timer)
{
	notify_peers_due(timer->data);
}

int notifier_new(struct notifier **out, struct host *host,
		 struct querier *querier)
{
	CLEANUP(freep) struct notifier *notifier = calloc(1, sizeof(*notifier));
	int r = notifier ? uv_mutex_init(&notifier->mutex) : -ENOMEM;

	if (r < 0)
		return r;
	notifier->host = host;
	notifier->querier = querier;
	r = uv_async_init(host->loop, &notifier->wake, on_wake);
	if (r < 0) {
		uv_mutex_destroy(&notifier->mutex);
		return r;
	}
	uv_timer_init(host->loop, &notifier->gather);
	uv_timer_init(host->loop, &notifier->due_timer);
	notifier->wake.data = notifier;
	notifier->gather.data = notifier;
	notifier->due_timer.data = notifier;
	notifier->handles = 3;
	dues_init(&notifier->dues, &notifier->due_timer, on_due);
	*out = steal(&notifier);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct notifier *notifier = handle->data;

	if (--notifier->handles == 0)
		free(notifier);
}

struct notifier *notifier_free(struct notifier *notifier)
{
	struct notify_change *change;

	if (!notifier)
		return NULL;
	while (notifier->zones)
		notify_drop_zone(notifier, notifier->zones);
	while (notifier->looks)
		looks_drop(&notifier->looks, notifier->looks);
	while ((change = notifier->changes)) {
		notifier->changes = change->next;
		free(change);
	}
	dues_deinit(&notifier->dues);
	uv_mutex_destroy(&notifier->mutex);
	uv_close((uv_handle_t *)&notifier->wake, on_closed);
	uv_close((uv_handle_t *)&notifier->gather, on_closed);
	uv_close((uv_handle_t *)&notifier->due_timer, on_closed);
	return NULL;
}

void notifier_figures(const struct notifier *notifier,
		      struct notify_figures *out)
{
	*out = notifier->figures;
}

int notifier_each(const struct notifier *notifier, uint64_t server,
		  const struct name *apex, peer_each *each, void *arg)
{
	struct notify_zone *zone = notify_find_zone(notifier, server, apex);
	uint64_t now = uv_now(notifier->host->loop);
	struct notify_peer *peer;
	int r = 0;

	if (!zone)
		return 0;
	DL_FOREACH (zone->peers, peer) {
		const struct peer_state state = {
			.address = peer->address,
			.is_current = peer->step == NOTIFY_DONE,
			.since_ns = peer->since_ns,
			.reason = peer->reason,
			.next_ms = due_waits(&peer->due) && peer->due.ms > now
					   ? peer->due.ms - now
					   : 0,
		};

		if (r == 0)
			r = each(arg, &state);
	}
	return r;
}
