// SPDX-License-Identifier: Apache-2.0
/*
 * status.c - a line for each zone: its role, and its serial
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/transfer/status.h"
#include "dns/store/home.h"
#include "dns/store/table_key.h"
#include "dns/store/zone.h"

static void print_time(int64_t ns, char out[32])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* What a line of a zone begins with. */
struct line {
	struct buffer *out;
	char zone[NAME_TEXT_SIZE];
	uint32_t serial;
};

static int add_peer(const struct line *line, const char *role,
		    const struct peer_state *state)
{
	char peer[ADDRESS_TEXT_SIZE], time[32];
	int r;

	address_print(&state->address, peer);
	print_time(state->since_ns, time);
	r = buffer_printf(line->out, "%s %s %s %" PRIu32 " %s ", line->zone,
			  peer, role, line->serial, time);
	if (r == 0 && state->is_current)
		r = buffer_add_text(line->out, "ok\n");
	else if (r == 0)
		r = buffer_printf(line->out, "%s; next try in %" PRIu64 " s\n",
				  state->reason, state->next_ms / 1000);
	return r;
}

static int add_secondary(void *arg, const struct peer_state *state)
{
	return add_peer(arg, "secondary", state);
}

static int add_primary(void *arg, const struct peer_state *state)
{
	return add_peer(arg, "primary", state);
}

/*
 * The zone above, if that may be transferred: with no NS at the apex of the one
 * nested in it, it has nothing that leads there.
 */
static int find_above(struct snapshot *snapshot, const struct served *served,
		      const struct name *apex, struct name *above)
{
	struct zone_counts counts;
	struct zone_row row = {0};
	struct home home = {0};
	struct name parent;
	int r;

	name_ancestor(apex, 1, &parent);
	r = snapshot_zone_of(snapshot, served->table, &parent, above, &counts);
	if (r == 0)
		r = snapshot_home(snapshot, served->home, &home);
	if (r == 0)
		r = snapshot_zone_row(snapshot, served->home, above, &row);
	if (r < 0 && r != -ENOENT)
		return r;
	return zone_is_shared(&home, &row) ? 0 : -ENOENT;
}

static bool has_ns(struct snapshot *snapshot, const struct served *served,
		   const struct name *apex)
{
	struct rrsets rrsets;
	struct rrset ns;

	return snapshot_get(snapshot, served->table, apex, &rrsets) == 0 &&
	       rrsets_find(rrsets, RR_NS, &ns);
}

/* What there is to say of the zone itself. */
static int add_state(struct snapshot *snapshot, const struct served *served,
		     const struct name *apex, const struct zone_counts *counts,
		     struct buffer *out)
{
	char text[NAME_TEXT_SIZE];
	struct name above;
	int r = -ENOENT;

	if (counts && counts->is_nested && served->home &&
	    !has_ns(snapshot, served, apex))
		r = find_above(snapshot, served, apex, &above);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT)
		return buffer_add_text(out, counts ? "ok\n" : "no SOA\n");
	name_to_text(&above, text);
	/* Who has it all the same has what there is: so the line ends in ok. */
	return buffer_printf(out,
			     "no NS: secondaries of %s cannot find it; else "
			     "ok\n",
			     text);
}

static int add_line(const struct line *line, const struct zone_row *row,
		    int64_t changed_ns)
{
	char time[32];

	print_time(changed_ns, time);
	return buffer_printf(line->out, "%s - %s %" PRIu32 " %s ", line->zone,
			     row->is_secondary ? "secondary" : "primary",
			     line->serial, time);
}

static int add_zone(const struct host *host, const struct served *served,
		    uint64_t server, const struct name *apex,
		    struct buffer *out)
{
	struct snapshot *snapshot = host->snapshot;
	struct line line = {.out = out};
	struct zone_counts counts = {0};
	struct zone_row row = {0};
	int r = snapshot_zone(snapshot, served->table, apex, &counts);
	bool has_soa = r == 0;

	if (served->home && (r == 0 || r == -ENOENT))
		r = snapshot_zone_row(snapshot, served->home, apex, &row);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!has_soa && r == -ENOENT)
		return 0;
	name_to_text(apex, line.zone);
	line.serial = row.serial;
	if (has_soa)
		snapshot_serial(snapshot, served->table, apex, &line.serial);
	r = add_line(&line, &row, counts.changed_ns);
	if (r == 0)
		r = add_state(snapshot, served, apex, has_soa ? &counts : NULL,
			      out);
	if (r == 0)
		r = secondaries_each(host->secondaries, server, apex,
				     add_primary, &line);
	if (r == 0 && served->home)
		notifier_catch_up(host->notifier, served, server, apex);
	if (r == 0)
		r = notifier_each(host->notifier, server, apex, add_secondary,
				  &line);
	return r;
}

/* Of two walks in DNS order, those with an SOA and those with settings. */
static int next_zone(struct snapshot *snapshot, const struct served *served,
		     const uint8_t *after, size_t after_len, struct name *out)
{
	uint8_t a_key[NAME_KEY_SIZE], b_key[NAME_KEY_SIZE];
	struct zone_counts counts;
	struct zone_row row;
	struct name other;
	size_t a_len, b_len;
	int a = snapshot_zone_next(snapshot, served->table, after, after_len,
				   out, &counts);
	int b = served->home
			? snapshot_zone_row_next(snapshot, served->home, after,
						 after_len, &other, &row)
			: -ENOENT;

	if (a < 0 || b < 0) {
		if (a < 0 && b == 0)
			*out = other;
		return a < 0 && b < 0 ? a : 0;
	}
	a_len = name_to_key(out, a_key);
	b_len = name_to_key(&other, b_key);
	if (table_key_compare(b_key, b_len, a_key, a_len) < 0)
		*out = other;
	return 0;
}

static int begin(const struct host *host, const struct anchor *anchor,
		 struct served *out)
{
	int r = anchor->gone ? -ENODEV : snapshot_begin(host->snapshot);

	if (r < 0)
		return r;
	r = snapshot_served(host->snapshot, anchor->id, out);
	if (r < 0)
		snapshot_end(host->snapshot);
	return r == -ENOENT ? -ENODEV : r;
}

int transfer_status(const struct host *host, const struct anchor *anchor,
		    const struct name *apex, struct buffer *out)
{
	struct served served;
	int r = begin(host, anchor, &served);

	if (r < 0)
		return r;
	r = add_zone(host, &served, anchor->id, apex, out);
	snapshot_end(host->snapshot);
	return r;
}

int transfer_status_next(const struct host *host, const struct anchor *anchor,
			 struct transfer_walk *walk, struct buffer *out)
{
	uint8_t key[NAME_KEY_SIZE];
	size_t len = walk->is_behind ? name_to_key(&walk->apex, key) : 0;
	struct served served;
	struct name apex;
	int r = begin(host, anchor, &served);

	if (r < 0)
		return r;
	r = next_zone(host->snapshot, &served, walk->is_behind ? key : NULL,
		      len, &apex);
	if (r == 0)
		r = add_zone(host, &served, anchor->id, &apex, out);
	snapshot_end(host->snapshot);
	if (r == 0)
		*walk = (struct transfer_walk){true, apex};
	return r;
}
