// SPDX-License-Identifier: Apache-2.0
/*
 * merge_zone.c - a zone is entered at its apex, and left behind its last owner
 *
 * Then all is known of it: it gets its serial, and its journal an entry.
 */
#include <errno.h>
#include <utlist.h>

#include "dns/store/merge_layout.h"

static bool has_ds(struct rrsets rrsets)
{
	struct rrset ds;

	return rrsets_find(rrsets, RR_DS, &ds);
}

/* What comes or goes moves owners, and whose the DS of others is. */
static void break_moved(struct merge *merge, struct open_zone *zone,
			const struct pair_entry *at)
{
	struct open_zone *old = merge_around(merge->open, false);
	struct open_zone *new = merge_around(merge->open, true);

	if (zone->zone.was != zone->zone.is)
		merge_break_zone(zone->zone.is ? new : old);
	if ((old && !new &&has_ds(at->b)) || (!old && new &&has_ds(at->a)))
		merge_break_zone(zone);
}

static int read_counts(struct merge *merge, struct open_zone *zone)
{
	const struct settling *settling = &merge->settling;
	struct zone_counts counts = {0};
	int r = table_zone(settling->tables, settling->txn, merge->from.table,
			   &zone->zone.apex, &counts);

	if (r < 0 && r != -ENOENT)
		return r;
	settle_zone_counts(&zone->zone, &counts);
	zone->is_nested = counts.is_nested;
	zone->changed_ns = counts.changed_ns;
	r = table_zone(settling->tables, settling->txn, merge->to.table,
		       &zone->zone.apex, &counts);
	zone->most = r ? 0 : zone_shown(&counts).wire;
	return r == -ENOENT ? 0 : r;
}

int merge_enter(struct merge *merge, const struct pair_entry *at)
{
	CLEANUP(freep) struct open_zone *zone = calloc(1, sizeof(*zone));
	struct name apex;
	int r;

	if (!zone)
		return -ENOMEM;
	if (name_from_key(at->key, at->key_len, &apex) < 0)
		return -EIO;
	r = settle_zone_begin(&zone->zone, &merge->settling, &apex);
	if (r == 0)
		r = read_counts(merge, zone);
	if (r < 0)
		return r;
	settle_zone_soa(&zone->zone, at->a, at->b);
	zone_key_set(&zone->key, at->key, at->key_len);
	break_moved(merge, zone, at);
	LL_PREPEND(merge->open, zone);
	zone = NULL;
	return 0;
}

/* ---- A zone is at its end ---- */

/* The new table's apex gets the serial; and so does the entry. */
static int set_serial(struct merge *merge, struct open_zone *zone)
{
	CLEANUP(buffer_deinit) struct buffer value = {0};
	const struct settle_zone *of = &zone->zone;
	struct rrsets old, new;
	struct rrset soa;
	struct rrset_rr rr;
	size_t offset = 0;
	int r = merge_look(&merge->to.view, &of->apex, &old);

	if (r == 0)
		r = soa_replace(old, of->serial, &value);
	if (r < 0)
		return r;
	new = (struct rrsets){value.data, value.len};
	rrsets_find(new, RR_SOA, &soa);
	rrset_next(&soa, &offset, &rr);
	if (zone->entry)
		r = journal_came(zone->entry, &of->apex, rr);
	if (r < 0 || of->serial == of->wanted)
		return r;
	return merge_write_owner(merge, zone->key.octets, zone->key.len, old,
				 new);
}

static int note_done(struct merge *merge, const struct open_zone *zone,
		     uint64_t octets)
{
	const struct settle_zone *of = &zone->zone;
	struct done_zone done = {
		.edits = of->row.edits,
		.entry = octets,
		.before = of->before,
		.serial = of->serial,
		.was = of->was,
		.is = of->is,
		.len = of->apex.len,
	};
	int r = buffer_add(&merge->done, &done, sizeof(done));

	return r ? r : buffer_add(&merge->done, of->apex.wire, done.len);
}

/* Whether it is ahead of its serial; and one that has not changed keeps the
 * time of its last change. */
static int mark(struct merge *merge, const struct open_zone *zone, bool touched)
{
	const struct settling *settling = &merge->settling;
	const struct settle_zone *of = &zone->zone;
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val key = {table_key(octets, merge->to.table, &of->apex), octets};
	struct zone_counts counts;
	MDB_val value = {sizeof(counts), &counts};
	int r = table_zone(settling->tables, settling->txn, merge->to.table,
			   &of->apex, &counts);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	/* Where nobody may have another one by it, a text's serial is its. */
	if (!zone_is_shared(&settling->home, &of->row))
		counts.is_ahead = false;
	else if (touched)
		counts.is_ahead =
			of->was && !of->is_first &&
			!serial_is_ahead(of->serial, of->before);
	else
		counts.is_ahead = of->was_ahead;
	if (!touched)
		counts.changed_ns = zone->changed_ns;
	return table_errno(mdb_put(settling->txn, settling->tables->apexes,
				   &key, &value, 0));
}

static int end_zone(struct merge *merge, struct open_zone *zone)
{
	const struct settling *settling = &merge->settling;
	struct settle_zone *of = &zone->zone;
	uint64_t octets = 0;
	bool touched;
	int r = merge_delegation(merge, zone);

	if (r < 0)
		return r;
	settle_zone_decide(of, settling);
	touched = settle_zone_touched(of);
	if (settle_zone_journals(of, settling)) {
		r = merge_give_entry(merge, zone);
	} else {
		journal_free(zone->entry);
		zone->entry = NULL;
	}
	if (r == 0 && of->is)
		r = set_serial(merge, zone);
	if (r == 0 && zone->entry)
		r = settle_zone_row(of, settling);
	if (r == 0 && zone->entry)
		r = journal_close(zone->entry, settling->txn, &of->row,
				  &octets);
	if (r == 0 && touched)
		r = note_done(merge, zone, octets);
	return r || !of->is ? r : mark(merge, zone, touched);
}

void merge_zone_free(struct open_zone *zone)
{
	journal_free(zone->entry);
	free(zone);
}

int merge_leave(struct merge *merge, const uint8_t *key, size_t key_len)
{
	int r = 0;

	while (r == 0 && merge->open) {
		struct open_zone *zone = merge->open;

		if (key && table_key_is_under(key, key_len, zone->key.octets,
					      zone->key.len))
			break;
		r = end_zone(merge, zone);
		LL_DELETE(merge->open, zone);
		merge_zone_free(zone);
	}
	return r;
}
