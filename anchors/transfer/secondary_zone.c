// SPDX-License-Identifier: Apache-2.0
/*
 * secondary_zone.c - what is known of one zone, and when it is asked for
 */
#include <assert.h>
#include <errno.h>

#include "anchors/transfer/secondary_layout.h"
#include "dns/store/serial.h"
#include "dns/store/soa.h"

#define RETRY_MOST_MS 60000

/* ---- Zones ---- */

struct secondary_zone *secondary_find(const struct secondaries *secondaries,
				      uint64_t server, const struct name *apex)
{
	uint8_t key[PEER_KEY_SIZE];
	size_t len = peer_key(key, server, apex);
	struct secondary_zone *zone;

	HASH_FIND(hh, secondaries->zones, key, len, zone);
	return zone;
}

struct secondary_zone *secondary_make(struct secondaries *secondaries,
				      uint64_t server, const struct name *apex)
{
	struct secondary_zone *zone =
		dues_reserve(&secondaries->dues,
			     secondaries->count + 1 + SECONDARY_OWN_DUES) < 0
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

void secondary_drop(struct secondary_zone *zone)
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

void secondary_rest_for(struct secondary_zone *zone, uint64_t ms)
{
	assert(zone->step == SECONDARY_RESTS && !zone->is_gone);
	dues_wait(&zone->secondaries->dues, &zone->due, ms);
}

/* Since a primary last said that what is here is the newest, in ms. */
static uint64_t age_ms(const struct secondary_zone *zone)
{
	int64_t age_ns = host_now_ns() - zone->checked_ns;

	if (zone->checked_ms)
		return secondaries_now(zone->secondaries) - zone->checked_ms;
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
	uint64_t ms = (uint64_t)SECONDARY_RETRY_MS << shift;

	if (zone->has_soa && !zone->is_dark)
		return seconds_ms(zone->retry_s);
	return ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS;
}

/* What a NOTIFY says is looked at soon; but one that is in vain, not often. */
uint64_t secondary_wanted_ms(const struct secondary_zone *zone)
{
	uint64_t now = secondaries_now(zone->secondaries);
	uint64_t next = zone->began_ms + SECONDARY_NOTIFY_MS;

	return zone->began_ms && next > now + SECONDARY_WANTED_MS
		       ? next - now
		       : SECONDARY_WANTED_MS;
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
	if (zone->is_wanted && secondary_wanted_ms(zone) < ms)
		ms = secondary_wanted_ms(zone);
	secondary_rest_for(zone, ms);
}
