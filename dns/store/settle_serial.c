// SPDX-License-Identifier: Apache-2.0
/*
 * settle_serial.c - a zone's serial by itself
 *
 * It is a change of the SOA, like any other.
 */
#include <errno.h>

#include "dns/store/apply.h"
#include "dns/store/settle_zone.h"

/* Change nothing but the serial of that SOA. */
static int write_serial(struct apply *apply, const struct name *apex,
			struct rrsets old, uint32_t serial)
{
	CLEANUP(buffer_deinit) struct buffer value = {0};
	uint8_t key[TABLE_KEY_SIZE];
	size_t key_len = table_key(key, apply->table, apex);
	int r = soa_replace(old, serial, &value);

	if (r == 0)
		r = apply_add(apply, key, key_len, apex, old,
			      (struct rrsets){value.data, value.len});
	return r ? r : apply_end(apply);
}

static int apex_of(const struct apply *apply, const struct name *apex,
		   struct rrsets *out)
{
	struct rrset soa;
	int r = table_get_owner(apply->tables, apply->txn, apply->table, apex,
				out);

	return r ? r : rrsets_find(*out, RR_SOA, &soa) ? 0 : -ENOENT;
}

/* ---- As it came ---- */

/* Does it have another serial by its new value? The old one may be gone. */
static bool gives_serial(const struct apply *apply,
			 const struct verdict *verdict)
{
	struct rrsets new = apply_value(apply, verdict);
	struct rrset soa;

	return verdict->gives_serial && rrsets_find(new, RR_SOA, &soa);
}

int settle_serials(const struct apply *apply)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < apply_count(apply); i++) {
		const struct verdict *verdict = apply_verdict(apply, i);
		struct name apex;

		if (!gives_serial(apply, verdict))
			continue;
		if (name_from_key(apply_key(apply, verdict) + TABLE_NUMBER_SIZE,
				  verdict->key_len - TABLE_NUMBER_SIZE,
				  &apex) < 0)
			return -EIO;
		r = zone_set_ahead(apply->tables, apply->txn, apply->table,
				   &apex, false);
	}
	return r;
}

/* ---- As somebody says ---- */

static int refuse_behind(struct refusal *why, uint32_t serial, uint32_t last)
{
	return refusal_set(why, ERANGE,
			   "the serial is %u, and secondaries that have it "
			   "would take %u for an older one (RFC 1982)",
			   last, serial);
}

int settle_serial(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *apex, uint32_t serial, int64_t now_ns,
		  bool *changed, struct refusal *why)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = tables,
		.txn = txn,
		.table = table,
		.now_ns = now_ns,
		.why = why,
	};
	struct settle_zone zone = {0};
	struct rrsets old;
	int r = apply_begin(&apply);

	if (r == 0)
		r = apex_of(&apply, apex, &old);
	if (r == -ENOENT)
		return refusal_set(why, ENOENT, "there is no SOA");
	if (r < 0)
		return r;
	settle_zone_soa(&zone, old, old);
	*changed = serial != zone.before;
	if (!*changed)
		return 0;
	if (!serial_is_ahead(serial, zone.before))
		return refuse_behind(why, serial, zone.before);
	return write_serial(&apply, apex, old, serial);
}

/* ---- As others may see it now ---- */

static int go_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		    const struct name *apex, int64_t now_ns)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = tables,
		.txn = txn,
		.table = table,
		.now_ns = now_ns,
	};
	struct settling settling;
	struct settle_zone zone;
	struct rrsets old;
	int r = apply_begin(&apply);

	if (r < 0 || !apply.counts.home)
		return r;
	r = settling_begin(&settling, tables, txn, apply.counts.home,
			   SETTLE_BY_FILE, now_ns);
	if (r == 0)
		r = settle_zone_begin(&zone, &settling, apex);
	if (r == 0)
		r = apex_of(&apply, apex, &old);
	if (r < 0)
		return r;
	settle_zone_soa(&zone, old, old);
	zone.changed = true;
	settle_zone_decide(&zone, &settling);
	if (zone.serial == zone.before)
		return 0;
	r = write_serial(&apply, apex, old, zone.serial);
	/* It gets one when there is room to remember it. */
	if (r == EDQUOT)
		return 0;
	/* A secondary is not counted. */
	return r > 0 ? -EIO : r;
}

/* The next zone behind a place that is ahead of its serial. */
static int next_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		      struct zone_key *place, struct name *apex)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key = {place->len, place->octets}, value;
	struct zone_counts counts = {0};
	int rc = mdb_cursor_open(txn, tables->apexes, &cursor);

	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		if (get_u32(key.mv_data) != table)
			return -ENOENT;
		memcpy(&counts, value.mv_data, sizeof(counts));
		if (counts.is_ahead)
			break;
	}
	if (rc != 0)
		return table_errno(rc);
	zone_key_set(place, key.mv_data, key.mv_size);
	return name_from_key(place->octets + TABLE_NUMBER_SIZE,
			     place->len - TABLE_NUMBER_SIZE, apex) < 0
		       ? -EIO
		       : 0;
}

int settle_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		 const struct name *apex, int64_t now_ns)
{
	struct zone_key place = {.len = TABLE_NUMBER_SIZE};
	struct zone_counts counts;
	struct name next;
	int r;

	if (apex) {
		r = table_zone(tables, txn, table, apex, &counts);
		return r || !counts.is_ahead
			       ? r
			       : go_ahead(tables, txn, table, apex, now_ns);
	}
	put_u32(place.octets, table);
	for (;;) {
		r = next_ahead(tables, txn, table, &place, &next);
		if (r == 0)
			r = go_ahead(tables, txn, table, &next, now_ns);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		/* The first key behind it: the shortest label's. */
		place.octets[place.len++] = 0;
	}
}
