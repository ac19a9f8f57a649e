// SPDX-License-Identifier: Apache-2.0
/*
 * settle_journal.c - what has changed is written: difference sequences into
 * journals (RFC 1995, section 4), and rows
 *
 * The old values are looked up again for that, for a write may move what a look
 * has shown.
 */
#include <errno.h>

#include "dns/store/settle_layout.h"

struct writing {
	struct diff diff;
	const struct zone_row *row;
	struct journal_entry *entry;
};

static int write_gone(struct diff *diff, const struct name *owner,
		      struct rrset_rr rr)
{
	return journal_gone(container_of(diff, struct writing, diff)->entry,
			    owner, rr);
}

static int write_came(struct diff *diff, const struct name *owner,
		      struct rrset_rr rr)
{
	return journal_came(container_of(diff, struct writing, diff)->entry,
			    owner, rr);
}

/* @parts of one owner's difference, and out with it. */
static int write_owner(struct settle *settle, struct writing *writing,
		       const struct name *owner, unsigned parts)
{
	struct rrsets old, new;
	int r = view_look(&settle->before.view, owner, &old);

	if (r == 0)
		r = view_look(&settle->after.view, owner, &new);
	if (r == 0)
		r = diff_rrsets(&writing->diff, owner, old, parts, new, parts);
	return r ? r
		 : journal_flush(writing->entry, settle->settling.txn,
				 writing->row);
}

/* What stands at the apex, where only its SOA has become another. */
static int write_soa(struct settle *settle, struct writing *writing,
		     struct touched_zone *zone)
{
	const struct name *apex = &zone->zone.apex;
	CLEANUP(buffer_deinit) struct buffer value = {0};
	struct rrsets old, new;
	int r = view_look(&settle->before.view, apex, &old);

	if (r == 0)
		r = view_look(&settle->after.view, apex, &new);
	if (r == 0 && zone->verdict == SETTLE_NONE)
		r = soa_replace(new, zone->zone.serial, &value);
	if (r < 0)
		return r;
	if (zone->verdict == SETTLE_NONE)
		new = (struct rrsets){value.data, value.len};
	return diff_rrsets(&writing->diff, apex, old, PART_SOA, new, PART_SOA);
}

static int write_entry(struct settle *settle, struct touched_zone *zone,
		       struct writing *writing)
{
	struct name owner;
	int r = write_soa(settle, writing, zone);

	for (size_t i = zone->first; r == 0 && i != SETTLE_NONE;) {
		const struct verdict *verdict = apply_verdict(settle->apply, i);

		r = settle_owner_of(settle->apply, verdict, &owner);
		if (r == 0)
			r = write_owner(settle, writing, &owner,
					verdict->parts);
		i = verdict->next;
	}
	for (struct touched_zone *nested = zone->nested; r == 0 && nested;
	     nested = nested->next) {
		r = delegation_diff(&nested->zone.apex, &settle->before.view,
				    &settle->after.view, &writing->diff);
		if (r == 0)
			r = journal_flush(writing->entry, settle->settling.txn,
					  writing->row);
	}
	return r;
}

static void journal_freep(struct journal_entry **entry)
{
	journal_free(*entry);
}

static int write_zone(struct settle *settle, struct touched_zone *zone)
{
	CLEANUP(journal_freep) struct journal_entry *entry = NULL;
	const struct settling *settling = &settle->settling;
	struct writing writing = {
		{write_gone, write_came}, &zone->zone.row, NULL};
	uint64_t octets = 0;
	int r = settle_zone_row(&zone->zone, settling);

	if (r == 0 && settle_zone_journals(&zone->zone, settling)) {
		r = journal_begin(&entry, settling->tables, UINT64_MAX);
		writing.entry = entry;
		if (r == 0)
			r = write_entry(settle, zone, &writing);
		if (r == 0)
			r = journal_close(entry, settling->txn, &zone->zone.row,
					  &octets);
	}
	return r ? r : settle_zone_end(&zone->zone, settling, octets);
}

int settle_write(struct settle *settle)
{
	struct touched_zone *zone, *next;
	int r = 0;

	HASH_ITER (hh, settle->zones, zone, next)
		if (r == 0 && settle_zone_touched(&zone->zone))
			r = write_zone(settle, zone);
	return r;
}

int settle_end(struct settle *settle)
{
	const struct settling *settling = &settle->settling;
	struct touched_zone *zone, *next;
	int r = 0;

	HASH_ITER (hh, settle->zones, zone, next)
		if (r == 0 && zone->zone.is && settle_zone_touched(&zone->zone))
			r = settle_zone_mark(&zone->zone, settling,
					     settle->apply->table);
	return r;
}
