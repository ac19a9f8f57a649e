// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_layout.h"
#include "dns/store/settle_zone.h"
#include "dns/store/table_key.h"
#include "dns/wire/decimal.h"

/* Behind the serial: refresh, retry, expire, minimum. RFC 1035, 3.3.13. */
#define SOA_TIMERS 16
#define SOA_SERIAL (SOA_TIMERS + 4) /* before the end */

/* ---- SOA ---- */

uint32_t soa_serial(struct rrset_rr soa)
{
	assert(soa.rdlen > SOA_SERIAL);
	return get_u32(soa.rdata + soa.rdlen - SOA_SERIAL);
}

static bool get_soa(struct rrsets apex, struct rrset_rr *out)
{
	struct rrset soa;
	size_t offset = 0;

	return rrsets_find(apex, RR_SOA, &soa) &&
	       rrset_next(&soa, &offset, out);
}

int soa_replace(struct rrsets apex, uint32_t serial, struct buffer *out)
{
	struct rrset_head head = rrset_head_at(apex, 0);
	uint32_t more;
	uint8_t *at;
	int r;

	assert(head.type == RR_SOA && head.count == 1);
	out->len = 0;
	r = buffer_add(out, apex.data, apex.len);
	if (r < 0)
		return r;
	at = out->data + sizeof(head) + head.len - SOA_SERIAL;
	/* Fewer digits are less: unsigned arithmetic wraps. */
	more = decimal_len(serial) - decimal_len(get_u32(at));
	head.text += more;
	head.json += more;
	put_u32(at, serial);
	memcpy(out->data, &head, sizeof(head));
	return 0;
}

bool soa_serial_differs(struct rrsets a, struct rrsets b)
{
	struct rrset_rr old, new;
	bool has = get_soa(a, &old);

	if (!get_soa(b, &new))
		return has;
	return !has || soa_serial(old) != soa_serial(new);
}

/* Is anything else of it another? */
static bool soa_differs(struct rrset_rr a, struct rrset_rr b)
{
	size_t head = RR_HEAD_SIZE + (size_t)a.rdlen - SOA_SERIAL;

	return a.rdlen != b.rdlen || memcmp(a.wire, b.wire, head) ||
	       memcmp(a.wire + head + 4, b.wire + head + 4, SOA_TIMERS);
}

static bool soa_is_signed(struct rrsets apex)
{
	struct rrset signatures;
	struct rrset_rr rr;
	size_t offset = 0;

	if (!rrsets_find(apex, RR_RRSIG, &signatures))
		return false;
	while (rrset_next(&signatures, &offset, &rr))
		if (get_u16(rr.rdata) == RR_SOA)
			return true;
	return false;
}

/* ---- One zone ---- */

int settling_begin(struct settling *out, const struct tables *tables,
		   MDB_txn *txn, uint32_t home, enum settle_by by,
		   int64_t now_ns)
{
	*out = (struct settling){
		.tables = tables,
		.txn = txn,
		.home_id = home,
		.by = by,
		.now_ns = now_ns,
	};
	return home_get(tables, txn, home, &out->home);
}

int settle_zone_begin(struct settle_zone *out, const struct settling *settling,
		      const struct name *apex)
{
	int r;

	*out = (struct settle_zone){.apex = *apex};
	r = zone_row_get(settling->tables, settling->txn, settling->home_id,
			 apex, &out->row);
	out->has_row = r == 0;
	if (r == -ENOENT)
		out->row = (struct zone_row){0};
	return r == -ENOENT ? 0 : r;
}

void settle_zone_soa(struct settle_zone *zone, struct rrsets before,
		     struct rrsets after)
{
	struct rrset_rr old, new;

	zone->was = get_soa(before, &old);
	zone->is = get_soa(after, &new);
	if (zone->was)
		zone->before = soa_serial(old);
	if (zone->is)
		zone->wanted = soa_serial(new);
	zone->is_signed = zone->is && soa_is_signed(after);
	if (zone->was && zone->is)
		zone->changed |= soa_differs(old, new);
	else
		zone->changed = zone->broken = true;
}

void settle_zone_counts(struct settle_zone *zone,
			const struct zone_counts *before)
{
	zone->was_ahead = before->is_ahead;
	zone->was_bare = zone_is_bare(before);
}

bool settle_zone_locked(const struct settle_zone *zone,
			const struct settling *settling)
{
	return (zone->row.is_secondary && settling->by != SETTLE_BY_TRANSFER &&
		settling->by != SETTLE_BY_REMOVAL) ||
	       (zone->row.is_catalog && settling->by != SETTLE_BY_CATALOG);
}

/*
 * A secondary's serials are its primary's; and what is signed was so with the
 * serial that it has.
 */
static bool is_counted(const struct settle_zone *zone,
		       const struct settling *settling)
{
	return zone_is_counted(&settling->home, &zone->row) &&
	       !zone->row.is_secondary && !zone->is_signed;
}

/*
 * Its first records come. All that it ever had is the SOA that mkdir has made,
 * of which nobody was told (notify.h): serials are in order from this
 * one on. The same one would be another zone to who has asked all the same.
 */
static bool is_first(const struct settle_zone *zone)
{
	return zone->was && zone->is && zone->was_bare && zone->changed &&
	       zone->wanted != zone->before && zone_row_is_first(&zone->row);
}

void settle_zone_decide(struct settle_zone *zone,
			const struct settling *settling)
{
	enum serial_policy policy = settling->home.policy;
	uint32_t last = zone->was ? zone->before : zone->row.serial;

	zone->serial = zone->wanted;
	zone->is_first = is_first(zone);
	if (!zone->is || !is_counted(zone, settling) ||
	    (!zone->was && !zone->row.has_serial) || zone->is_first ||
	    serial_is_ahead(zone->wanted, last))
		return;
	/* One that comes back may have any records: it has changed. */
	zone->serial = zone->changed
			       ? serial_next(policy, last, settling->now_ns)
			       : last;
}

bool settle_zone_touched(const struct settle_zone *zone)
{
	return zone->changed || zone->broken || zone->was != zone->is ||
	       (zone->is && zone->serial != zone->before);
}

bool settle_zone_journals(const struct settle_zone *zone,
			  const struct settling *settling)
{
	return zone->was && zone->is && !zone->broken && !zone->was_ahead &&
	       zone_is_shared(&settling->home, &zone->row) &&
	       serial_is_ahead(zone->serial, zone->before);
}

static bool needs_row(const struct settle_zone *zone,
		      const struct settling *settling)
{
	if (settling->by == SETTLE_BY_REMOVAL && !zone->is)
		return false;
	return !zone->has_row && (zone_is_shared(&settling->home, &zone->row) ||
				  zone_is_counted(&settling->home, &zone->row));
}

int settle_zone_fits(const struct settle_zone *zone,
		     const struct settling *settling, struct refusal *why)
{
	return needs_row(zone, settling)
		       ? home_fits_zone(settling->tables, &settling->home, why)
		       : 0;
}

int settle_zone_row(struct settle_zone *zone, const struct settling *settling)
{
	int r;

	if (!needs_row(zone, settling))
		return 0;
	r = zone_row_make(settling->tables, settling->txn, settling->home_id,
			  &zone->apex, &zone->row);
	zone->has_row = r == 0;
	return r;
}

static void tell(const struct settle_zone *zone,
		 const struct settling *settling)
{
	const struct tables *tables = settling->tables;

	if (tables->zone_changed)
		tables->zone_changed(tables->zone_changed_arg,
				     mdb_txn_id(settling->txn),
				     settling->home_id, &zone->apex);
}

int settle_zone_end(struct settle_zone *zone, const struct settling *settling,
		    uint64_t entry)
{
	struct zone_row *row = &zone->row;
	int r = settle_zone_row(zone, settling);

	if (r == 0 && (entry || row->first != row->next))
		r = journal_accept(settling->tables, settling->txn, row,
				   zone->serial, entry);
	if (r < 0)
		return r;
	row->edits++;
	if (zone->is || zone->was) {
		row->serial = zone->is ? zone->serial : zone->before;
		row->has_serial = true;
	}
	if (zone->has_row)
		r = zone_row_put(settling->tables, settling->txn,
				 settling->home_id, &zone->apex, row);
	tell(zone, settling);
	return r;
}

int zone_set_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		   const struct name *apex, bool is_ahead)
{
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val key = {table_key(octets, table, apex), octets};
	struct zone_counts counts;
	MDB_val value = {sizeof(counts), &counts};
	int r = table_zone(tables, txn, table, apex, &counts);

	if (r < 0 || counts.is_ahead == is_ahead)
		return r;
	counts.is_ahead = is_ahead;
	return table_errno(mdb_put(txn, tables->apexes, &key, &value, 0));
}

static int bound_to(struct settle_zone *zone, const struct settling *settling,
		    const struct zone_counts *counts)
{
	uint64_t most = zone_shown(counts).wire;
	int r;

	if (zone->row.journal <= most)
		return 0;
	r = journal_shorten(settling->tables, settling->txn, &zone->row, most);
	return r ? r
		 : zone_row_put(settling->tables, settling->txn,
				settling->home_id, &zone->apex, &zone->row);
}

int settle_zone_bound(struct settle_zone *zone, const struct settling *settling,
		      uint32_t table)
{
	struct zone_counts counts;
	int r = table_zone(settling->tables, settling->txn, table, &zone->apex,
			   &counts);

	return r ? r : bound_to(zone, settling, &counts);
}

int settle_zone_mark(struct settle_zone *zone, const struct settling *settling,
		     uint32_t table)
{
	bool is_ahead = zone->was && !zone->is_first &&
			!serial_is_ahead(zone->serial, zone->before);
	int r = zone_set_ahead(settling->tables, settling->txn, table,
			       &zone->apex, is_ahead);

	return r ? r : settle_zone_bound(zone, settling, table);
}
