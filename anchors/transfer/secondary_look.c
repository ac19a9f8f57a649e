// SPDX-License-Identifier: Apache-2.0
/*
 * secondary_look.c - which zones have primaries, and which these are
 *
 * What the store has is compared with what is known here: after a list or a key
 * was written for that zone, and at the start for all.
 */
#include <errno.h>

#include "anchors/transfer/secondary_layout.h"
#include "dns/text/list_line.h"

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
		secondary_rest_for(zone, SECONDARY_WANTED_MS);
}

/* A key may have come that was missing. */
static void try_failed(struct secondary_zone *zone)
{
	if (!zone->failures)
		return;
	zone->is_wanted = true;
	zone->began_ms = 0;
	if (zone->step == SECONDARY_RESTS)
		secondary_rest_for(zone, SECONDARY_WANTED_MS);
}

/* ---- Which zones ---- */

/*
 * Without memory it is looked at again when something is written. A zone whose
 * primaries are as they were goes on with what it does.
 */
static void look_at(struct secondaries *secondaries, uint64_t server,
		    uint32_t home, const struct name *apex)
{
	CLEANUP(buffer_deinit) struct buffer primaries = {0};
	struct secondary_zone *zone = secondary_find(secondaries, server, apex);
	int r = read_primaries(secondaries->host->snapshot, home, apex,
			       &primaries);

	if (r < 0) {
		if (r == -ENOENT && zone)
			secondary_drop(zone);
		return;
	}
	if (!zone)
		zone = secondary_make(secondaries, server, apex);
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

void secondaries_look_on(struct secondaries *secondaries)
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
			  r == 0 ? 1 : SECONDARY_RETRY_MS);
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
