// SPDX-License-Identifier: Apache-2.0
/*
 * secondary.c - all zones that have primaries
 */
#include <errno.h>

#include "anchors/transfer/secondary_layout.h"

void secondaries_gone(struct secondaries *secondaries, uint64_t server)
{
	struct secondary_zone *zone, *next;

	if (!secondaries)
		return;
	HASH_ITER (hh, secondaries->zones, zone, next) {
		if (zone->server == server)
			secondary_drop(zone);
	}
}

/* ---- NOTIFY ---- */

/* It may have come from another port; who has sent it is asked first. */
static void begin_with(struct secondary_zone *zone, struct address client)
{
	for (unsigned i = 0; i < zone->count; i++) {
		client.port = zone->primaries[i].address.port;
		if (!address_equal(&client, &zone->primaries[i].address))
			continue;
		zone->first = i;
		return;
	}
}

/* RFC 1996, section 4.4: one that says nothing new needs no query. */
void secondaries_notified(struct secondaries *secondaries,
			  const struct errand *errand)
{
	struct secondary_zone *zone =
		secondaries ? secondary_find(secondaries, errand->server,
					     &errand->zone)
			    : NULL;
	uint64_t ms;

	if (!zone || (errand->has_serial && zone->has_soa && !zone->is_dark &&
		      errand->serial == zone->serial))
		return;
	zone->is_wanted = true;
	zone->has_wanted = errand->has_serial;
	zone->wanted = errand->serial;
	begin_with(zone, errand->client);
	if (zone->step != SECONDARY_RESTS)
		return;
	ms = secondary_wanted_ms(zone);
	if (zone->due.ms > secondaries_now(secondaries) + ms)
		secondary_rest_for(zone, ms);
}

/* ---- Telling ---- */

int secondaries_each(const struct secondaries *secondaries, uint64_t server,
		     const struct name *apex, peer_each *each, void *arg)
{
	struct secondary_zone *zone = secondary_find(secondaries, server, apex);
	uint64_t now = secondaries_now(secondaries);
	int r = 0;

	for (unsigned i = 0; r == 0 && zone && i < zone->count; i++) {
		const struct primary *primary = &zone->primaries[i];
		const struct peer_state state = {
			.address = primary->address,
			.is_current = primary->is_current,
			.since_ns = primary->since_ns,
			.reason = *primary->reason ? primary->reason
						   : "was not asked yet",
			.next_ms = due_waits(&zone->due) && zone->due.ms > now
					   ? zone->due.ms - now
					   : 0,
		};

		r = each(arg, &state);
	}
	return r;
}

void secondaries_figures(const struct secondaries *secondaries,
			 struct secondary_figures *out)
{
	const struct secondary_zone *zone;

	*out = secondaries->figures;
	for (zone = secondaries->zones; zone; zone = zone->hh.next) {
		out->secondary++;
		out->dark += zone->is_dark;
	}
}

/* ---- Life ---- */

static void on_timer(uv_timer_t *timer)
{
	struct secondaries *secondaries = timer->data;
	struct due *due;

	dues_begin(&secondaries->dues);
	while ((due = dues_next(&secondaries->dues))) {
		if (due == &secondaries->wake)
			secondary_fetch_waiting(secondaries);
		else if (due == &secondaries->look)
			secondaries_look_on(secondaries);
		else
			secondary_run(
				container_of(due, struct secondary_zone, due));
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int secondaries_new(struct secondaries **out, struct host *host,
		    struct querier *querier)
{
	struct secondaries *secondaries = calloc(1, sizeof(*secondaries));

	if (!secondaries)
		return -ENOMEM;
	secondaries->host = host;
	secondaries->querier = querier;
	uv_timer_init(host->loop, &secondaries->timer);
	secondaries->timer.data = secondaries;
	dues_init(&secondaries->dues, &secondaries->timer, on_timer);
	if (dues_reserve(&secondaries->dues, SECONDARY_OWN_DUES) < 0) {
		uv_close((uv_handle_t *)&secondaries->timer, on_closed);
		return -ENOMEM;
	}
	secondaries->turns.most = SECONDARY_FETCHES;
	secondaries->turns.most_each = SECONDARY_FETCHES_EACH;
	*out = secondaries;
	return 0;
}

struct secondaries *secondaries_free(struct secondaries *secondaries)
{
	if (!secondaries)
		return NULL;
	while (secondaries->zones)
		secondary_drop(secondaries->zones);
	while (secondaries->looks)
		looks_drop(&secondaries->looks, secondaries->looks);
	dues_deinit(&secondaries->dues);
	uv_close((uv_handle_t *)&secondaries->timer, on_closed);
	return NULL;
}
