// SPDX-License-Identifier: Apache-2.0
/*
 * notify_zones.c - which zones have which peers, and which serial
 */
#include <errno.h>
#include <utlist.h>

#include "anchors/transfer/notify_layout.h"
#include "dns/serve/socket.h"
#include "dns/store/home.h"
#include "dns/store/zone.h"

struct notify_zone *notify_find_zone(const struct notifier *notifier,
				     uint64_t server, const struct name *apex)
{
	uint8_t key[PEER_KEY_SIZE];
	size_t len = peer_key(key, server, apex);
	struct notify_zone *zone;

	HASH_FIND(hh, notifier->zones, key, len, zone);
	return zone;
}

static void drop_peers(struct notify_zone *zone, bool all)
{
	struct notify_peer *peer, *next;

	DL_FOREACH_SAFE (zone->peers, peer, next) {
		if (!all && peer->is_listed)
			continue;
		DL_DELETE(zone->peers, peer);
		notify_peer_free(peer);
	}
}

void notify_drop_zone(struct notifier *notifier, struct notify_zone *zone)
{
	drop_peers(zone, true);
	HASH_DEL(notifier->zones, zone);
	free(zone);
}

static struct notify_zone *make_zone(struct notifier *notifier, uint64_t server,
				     const struct name *apex)
{
	struct notify_zone *zone = calloc(1, sizeof(*zone));

	if (!zone)
		return NULL;
	zone->server = server;
	zone->apex = *apex;
	zone->key_len = peer_key(zone->key, server, apex);
	HASH_ADD_KEYPTR(hh, notifier->zones, zone->key, zone->key_len, zone);
	return zone;
}

/* A nameserver that notifies itself would never hear the end of it. */
static bool is_ours(const struct notifier *notifier, uint64_t server,
		    const struct address *address)
{
	const struct anchor *anchor = anchor_by_id(notifier->host, server);
	struct address at = *address;

	if (!anchor || anchor->address.port != address->port)
		return false;
	if (anchor->address.kind != ADDRESS_EVERY)
		return address_equal(&anchor->address, address);
	at.port = 0;
	return socket_probe(&at) == 0;
}

static bool is_peer(const struct notify_peer *peer, const struct address *at,
		    const struct list_line *line)
{
	return address_equal(&peer->address, at) &&
	       peer->has_key == line->has_key &&
	       (!line->has_key || name_equal(&peer->key, &line->key));
}

/* With room to wait in. */
static struct notify_peer *new_peer(struct notifier *notifier)
{
	struct notify_peer *peer =
		dues_reserve(&notifier->dues, notifier->peers + 1) < 0
			? NULL
			: calloc(1, sizeof(*peer));

	notifier->peers += peer != NULL;
	return peer;
}

/* Return: 0, -ENOMEM. */
static int list_peer(struct notifier *notifier, struct notify_zone *zone,
		     const struct list_line *line)
{
	struct address at = line->address;
	struct notify_peer *peer;

	if (!line->has_address || line->is_network)
		return 0;
	if (!at.port)
		at.port = ADDRESS_PORT;
	if (is_ours(notifier, zone->server, &at))
		return 0;
	DL_FOREACH (zone->peers, peer)
		if (is_peer(peer, &at, line))
			break;
	if (!peer) {
		peer = new_peer(notifier);
		if (!peer)
			return -ENOMEM;
		peer->notifier = notifier;
		peer->zone = zone;
		peer->address = at;
		peer->has_key = line->has_key;
		if (line->has_key)
			peer->key = line->key;
		DL_APPEND(zone->peers, peer);
		notify_peer_begin(peer, NOTIFY_CHECK);
	}
	peer->is_listed = true;
	return 0;
}

static int list_peers(struct notifier *notifier, struct snapshot *snapshot,
		      uint32_t home, struct notify_zone *zone,
		      const struct name *apex)
{
	struct list_line line;
	size_t at = 0;
	MDB_val text;
	int r = snapshot_list(snapshot, home, LIST_SECONDARIES, apex, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (r == 0) {
		r = list_line_next(LIST_OF_SECONDARIES, apex, text.mv_data,
				   text.mv_size, &at, &line, NULL);
		if (r == 0)
			r = list_peer(notifier, zone, &line);
	}
	return r == -ENOENT ? 0 : r;
}

/* There is nothing to be had of it: it is dark, or but made. */
static int is_void(struct snapshot *snapshot, const struct served *served,
		   const struct name *apex, bool *out)
{
	struct zone_counts counts;
	struct zone_row row;
	int r = snapshot_zone_row(snapshot, served->home, apex, &row);

	*out = r == 0 && row.is_dark;
	if (r == -ENOENT || *out)
		return 0;
	if (r == 0)
		r = snapshot_zone(snapshot, served->table, apex, &counts);
	*out = r == 0 && zone_row_is_first(&row) && zone_is_bare(&counts);
	return r == -ENOENT ? 0 : r;
}

/* Return: 0; -ENOENT: nobody is to be told of it; -errno. */
static int find_peers(struct notifier *notifier, struct snapshot *snapshot,
		      const struct served *served, struct notify_zone *zone)
{
	struct notify_peer *peer;
	bool has_nothing;
	int r;

	DL_FOREACH (zone->peers, peer)
		peer->is_listed = false;
	r = is_void(snapshot, served, &zone->apex, &has_nothing);
	if (r < 0)
		return r;
	if (has_nothing)
		return -ENOENT;
	r = list_peers(notifier, snapshot, served->home, zone, &zone->apex);
	if (r == 0)
		r = list_peers(notifier, snapshot, served->home, zone, NULL);
	if (r == 0)
		drop_peers(zone, false);
	return r == 0 && !zone->peers ? -ENOENT : r;
}

/* In a snapshot that has begun. Without memory it is left for the next time. */
void notifier_catch_up(struct notifier *notifier, const struct served *served,
		       uint64_t server, const struct name *apex)
{
	struct snapshot *snapshot = notifier->host->snapshot;
	struct notify_zone *zone = notify_find_zone(notifier, server, apex);
	struct notify_peer *peer;
	uint32_t serial;
	int r = snapshot_serial(snapshot, served->table, apex, &serial);

	if (r == 0 && !zone) {
		zone = make_zone(notifier, server, apex);
		if (zone)
			zone->serial = serial;
	}
	if (!zone)
		return;
	if (r == 0)
		r = find_peers(notifier, snapshot, served, zone);
	if (r == -ENOENT) {
		notify_drop_zone(notifier, zone);
		return;
	}
	if (r < 0 || zone->serial == serial)
		return;
	zone->serial = serial;
	DL_FOREACH (zone->peers, peer)
		notify_peer_begin(peer, NOTIFY_TELL);
}
