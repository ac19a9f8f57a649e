// SPDX-License-Identifier: Apache-2.0
/*
 * secondary.c - which zones have primaries, and when each is asked for
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <utlist.h>

#include "anchors/transfer/secondary_layout.h"
#include "dns/store/serial.h"
#include "dns/store/soa.h"
#include "dns/store/zone.h"
#include "dns/text/list_line.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  60000
/* NOTIFYs that come together are one. */
#define WANTED_MS 20
/* What waits beside zones: the wake and the look. */
#define OWN_DUES 2

static uint64_t now_ms(const struct secondaries *secondaries)
{
	return uv_now(secondaries->host->loop);
}

/* ---- Zones ---- */

static struct secondary_zone *find_zone(const struct secondaries *secondaries,
					uint64_t server,
					const struct name *apex)
{
	uint8_t key[PEER_KEY_SIZE];
	size_t len = peer_key(key, server, apex);
	struct secondary_zone *zone;

	HASH_FIND(hh, secondaries->zones, key, len, zone);
	return zone;
}

static struct secondary_zone *make_zone(struct secondaries *secondaries,
					uint64_t server,
					const struct name *apex)
{
	struct secondary_zone *zone =
		dues_reserve(&secondaries->dues,
			     secondaries->count + 1 + OWN_DUES) < 0
			? NULL
			: calloc(1, sizeof(*zone));

	if (!zone)
		return NULL;
	secondaries->count++;
	zone->secondaries = secondaries;
	zone->server = server;
	zone->apex = *apex;
	zone->key_len = peer_key(zone->key, server, apex);
	HASH_ADD_KEYPTR(hh, secondaries->zones, zone->key, zone->key_len, zone);
	return zone;
}

static void free_zone(struct secondary_zone *zone)
{
	free(zone->primaries);
	free(zone);
}

static void drop_zone(struct secondary_zone *zone)
{
	struct secondaries *secondaries = zone->secondaries;

	HASH_DEL(secondaries->zones, zone);
	secondary_stop(zone);
	dues_leave(&secondaries->dues, &zone->due);
	secondaries->count--;
	zone->is_gone = true;
	if (zone->step == SECONDARY_RESTS)
		free_zone(zone);
}

int secondary_read(struct secondary_zone *zone)
{
	struct snapshot *snapshot = zone->secondaries->host->snapshot;
	struct served served;
	struct rrsets rrsets;
	struct zone_row row;
	struct rrset rrset;
	struct rrset_rr rr;
	size_t at = 0;
	int r = snapshot_begin(snapshot);

	if (r < 0)
		return r;
	zone->has_soa = false;
	r = snapshot_served(snapshot, zone->server, &served);
	if (r == 0)
		r = snapshot_zone_row(snapshot, served.home, &zone->apex, &row);
	if (r == 0) {
		zone->is_dark = row.is_dark;
		zone->checked_ns = row.checked_ns;
		r = snapshot_get(snapshot, served.table, &zone->apex, &rrsets);
		if (r == 0 && rrsets_find(rrsets, RR_SOA, &rrset) &&
		    rrset_next(&rrset, &at, &rr)) {
			zone->has_soa = true;
			zone->serial = soa_serial(rr.rdata, rr.rdlen);
			zone->refresh_s =
				soa_get(rr.rdata, rr.rdlen, SOA_REFRESH);
			zone->retry_s = soa_get(rr.rdata, rr.rdlen, SOA_RETRY);
			zone->expire_s =
				soa_get(rr.rdata, rr.rdlen, SOA_EXPIRE);
		}
		r = r == -ENOENT ? 0 : r;
	}
	snapshot_end(snapshot);
	return r;
}

/* ---- When ---- */

static void rest_for(struct secondary_zone *zone, uint64_t ms)
{
	assert(zone->step == SECONDARY_RESTS && !zone->is_gone);
	dues_wait(&zone->secondaries->dues, &zone->due, ms);
}

/* Since a primary last said that what is here is the newest, in ms. */
static uint64_t age_ms(const struct secondary_zone *zone)
{
	int64_t age_ns = host_now_ns() - zone->checked_ns;

	if (zone->checked_ms)
		return now_ms(zone->secondaries) - zone->checked_ms;
	return age_ns > 0 ? (uint64_t)age_ns / 1000000 : 0;
}

uint64_t secondary_left_ms(const struct secondary_zone *zone)
{
	uint64_t age = age_ms(zone), most = 1000 * (uint64_t)zone->expire_s;

	return age < most ? most - age : 0;
}

static uint64_t seconds_ms(uint32_t seconds)
{
	return 1000 * (uint64_t)(seconds < SECONDARY_LEAST_S ? SECONDARY_LEAST_S
							     : seconds);
}

static uint64_t retry_ms(const struct secondary_zone *zone)
{
	unsigned shift = zone->failures < 7 ? zone->failures : 7;
	uint64_t ms = (uint64_t)RETRY_FIRST_MS << shift;

	if (zone->has_soa && !zone->is_dark)
		return seconds_ms(zone->retry_s);
	return ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS;
}

/* What a NOTIFY says is looked at soon; but one that is in vain, not often. */
static uint64_t wanted_ms(const struct secondary_zone *zone)
{
	uint64_t now = now_ms(zone->secondaries);
	uint64_t next = zone->began_ms + SECONDARY_NOTIFY_MS;

	return zone->began_ms && next > now + WANTED_MS ? next - now
							: WANTED_MS;
}

/* What a NOTIFY has said meanwhile has come already. */
static bool has_wanted(const struct secondary_zone *zone)
{
	return zone->has_wanted && zone->has_soa && !zone->is_dark &&
	       !serial_is_ahead(zone->wanted, zone->serial);
}

void secondary_rest(struct secondary_zone *zone, bool has_failed)
{
	uint64_t ms, left;

	zone->step = SECONDARY_RESTS;
	if (zone->is_gone) {
		free_zone(zone);
		return;
	}
	/* What cannot be read is as it was when it could. */
	secondary_read(zone);
	if (has_wanted(zone))
		zone->is_wanted = false;
	ms = has_failed ? retry_ms(zone) : seconds_ms(zone->refresh_s);
	zone->failures = has_failed ? zone->failures + 1 : 0;
	/* No later than when it expires. */
	left = secondary_left_ms(zone) + 1;
	if (zone->has_soa && !zone->is_dark && left < ms)
		ms = left;
	if (zone->is_wanted && wanted_ms(zone) < ms)
		ms = wanted_ms(zone);
	rest_for(zone, ms);
}

static void look_on(struct secondaries *secondaries);

static void on_timer(uv_timer_t *timer)
{
	struct secondaries *secondaries = timer->data;
	struct due *due;

	dues_begin(&secondaries->dues);
	while ((due = dues_next(&secondaries->dues))) {
		if (due == &secondaries->wake)
			secondary_fetch_waiting(secondaries);
		else if (due == &secondaries->look)
			look_on(secondaries);
		else
			secondary_run(
				container_of(due, struct secondary_zone, due));
	}
}

/* ---- Which ---- */

static int add_primary(struct buffer *primaries, const struct list_line *line)
{
	struct primary primary = {
		.address = line->address,
		.has_key = line->has_key,
	};

	if (line->has_key)
		primary.key = line->key;
	if (!primary.address.port)
		primary.address.port = ADDRESS_PORT;
	return buffer_add(primaries, &primary, sizeof(primary));
}

/* In a snapshot that has begun. Return: 0; -ENOENT: it has none; -errno. */
static int read_primaries(struct snapshot *snapshot, uint32_t home,
			  const struct name *apex, struct buffer *out)
{
	struct list_line line;
	size_t at = 0;
	MDB_val text;
	int r = snapshot_list(snapshot, home, LIST_PRIMARIES, apex, &text);

	while (r == 0) {
		r = list_line_next(LIST_OF_PRIMARIES, apex, text.mv_data,
				   text.mv_size, &at, &line, NULL);
		if (r == 0)
			r = add_primary(out, &line);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	return out->len ? 0 : -ENOENT;
}

static bool is_same(const struct primary *a, const struct primary *b)
{
	return address_equal(&a->address, &b->address) &&
	       a->has_key == b->has_key &&
	       (!a->has_key || name_equal(&a->key, &b->key));
}

static bool has_primaries(const struct secondary_zone *zone,
			  const struct primary *primaries, unsigned count)
{
	if (zone->count != count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!is_same(&zone->primaries[i], &primaries[i]))
			return false;
	return true;
}

static void set_primaries(struct secondary_zone *zone, struct buffer *primaries)
{
	secondary_stop(zone);
	free(zone->primaries);
	zone->primaries = (struct primary *)primaries->data;
	zone->count = (unsigned)(primaries->len / sizeof(struct primary));
	*primaries = (struct buffer){0};
	zone->first = zone->at = 0;
	zone->failures = 0;
	zone->is_wanted = true;
	zone->began_ms = 0;
	if (zone->step == SECONDARY_RESTS)
		rest_for(zone, WANTED_MS);
}

/* A key may have come that was missing. */
static void try_failed(struct secondary_zone *zone)
{
	if (!zone->failures)
		return;
	zone->is_wanted = true;
	zone->began_ms = 0;
	if (zone->step == SECONDARY_RESTS)
		rest_for(zone, WANTED_MS);
}

/*
 * Without memory it is looked at again when something is written. A zone whose
 * primaries are as they were goes on with what it does.
 */
static void look_at(struct secondaries *secondaries, uint64_t server,
		    uint32_t home, const struct name *apex)
{
	CLEANUP(buffer_deinit) struct buffer primaries = {0};
	struct secondary_zone *zone = find_zone(secondaries, server, apex);
	int r = read_primaries(secondaries->host->snapshot, home, apex,
			       &primaries);

	if (r < 0) {
		if (r == -ENOENT && zone)
			drop_zone(zone);
		return;
	}
	if (!zone)
		zone = make_zone(secondaries, server, apex);
	if (zone &&
	    has_primaries(zone, (struct primary *)primaries.data,
			  (unsigned)(primaries.len / sizeof(struct primary))))
		try_failed(zone);
	else if (zone)
		set_primaries(zone, &primaries);
}

/* The next zones of a nameserver. Return: whether it is through. */
static bool look_at_some(struct secondaries *secondaries, struct look *look,
			 uint64_t until_ns)
{
	struct snapshot *snapshot = secondaries->host->snapshot;
	struct served served;
	struct zone_row row;
	struct name apex;
	int r = snapshot_served(snapshot, look->server, &served);

	if (r == 0 && !served.home)
		r = -ENOENT;
	while (r == 0 && uv_hrtime() < until_ns) {
		r = snapshot_zone_row_next(snapshot, served.home,
					   look_after(look), look->key_len,
					   &apex, &row);
		if (r < 0)
			break;
		look_was_at(look, &apex);
		if (row.is_secondary)
			look_at(secondaries, look->server, served.home, &apex);
	}
	return r < 0;
}

static void look_on(struct secondaries *secondaries)
{
	struct snapshot *snapshot = secondaries->host->snapshot;
	uint64_t until_ns = uv_hrtime() + LOOKS_TURN_NS;
	int r = snapshot_begin(snapshot);
	struct look *look;

	while (r == 0 && (look = secondaries->looks) &&
	       look_at_some(secondaries, look, until_ns))
		looks_drop(&secondaries->looks, look);
	if (r == 0)
		snapshot_end(snapshot);
	if (secondaries->looks)
		dues_wait(&secondaries->dues, &secondaries->look,
			  r == 0 ? 1 : RETRY_FIRST_MS);
}

/* Without memory it is looked at when something is written. */
static void look_at_all(struct secondaries *secondaries, uint64_t server)
{
	if (looks_add(&secondaries->looks, server))
		dues_wait(&secondaries->dues, &secondaries->look, 0);
}

void secondaries_look(struct secondaries *secondaries, struct anchor *anchor,
		      const struct name *apex)
{
	struct snapshot *snapshot;
	struct served served;
	struct home home;

	if (!secondaries)
		return;
	snapshot = secondaries->host->snapshot;
	if (snapshot_begin(snapshot) < 0)
		return;
	if (snapshot_served(snapshot, anchor->id, &served) == 0 &&
	    served.home && snapshot_home(snapshot, served.home, &home) == 0) {
		if (apex)
			look_at(secondaries, anchor->id, served.home, apex);
		else if (home.secondaries)
			look_at_all(secondaries, anchor->id);
	}
	snapshot_end(snapshot);
}

void secondaries_start(struct secondaries *secondaries)
{
	struct anchor *root = secondaries->host->root, *anchor;

	for (anchor = root; anchor; anchor = anchor_next(root, anchor))
		if (anchor->parent)
			secondaries_look(secondaries, anchor, NULL);
}

void secondaries_gone(struct secondaries *secondaries, uint64_t server)
{
	struct secondary_zone *zone, *next;

	if (!secondaries)
		return;
	HASH_ITER (hh, secondaries->zones, zone, next) {
		if (zone->server == server)
			drop_zone(zone);
	}
}

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
		secondaries
			? find_zone(secondaries, errand->server, &errand->zone)
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
	ms = wanted_ms(zone);
	if (zone->due.ms > now_ms(secondaries) + ms)
		rest_for(zone, ms);
}

int secondaries_each(const struct secondaries *secondaries, uint64_t server,
		     const struct name *apex, peer_each *each, void *arg)
{
	struct secondary_zone *zone = find_zone(secondaries, server, apex);
	uint64_t now = now_ms(secondaries);
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
	if (dues_reserve(&secondaries->dues, OWN_DUES) < 0) {
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
		drop_zone(secondaries->zones);
	while (secondaries->looks)
		looks_drop(&secondaries->looks, secondaries->looks);
	dues_deinit(&secondaries->dues);
	uv_close((uv_handle_t *)&secondaries->timer, on_closed);
	return NULL;
}
