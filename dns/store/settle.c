// SPDX-License-Identifier: Apache-2.0
/*
 * settle.c - what a change of some owners is to the zones they are in
 *
 * First it is worked out, in memory, which zones change: each owner's records
 * are its zone's, but what delegates to a nested zone is also shown by the zone
 * above. An apex that comes or goes moves owners that nobody looks at here from
 * one zone to another, so that no journal can tell of it. Then the serials are
 * known, and stand in the new values. Last, what has changed is written into
 * journals: the old values are looked up again for that, for a write may move
 * what a look has shown.
 */
#include <assert.h>
#include <errno.h>
#include <uthash.h>

#include "dns/store/apply.h"
#include "dns/store/settle_zone.h"

/* A zone that a change may have to do with. */
struct touched_zone {
	struct settle_zone zone;
	bool is_nested;	    /* in another one, before */
	bool delegates;	    /* differently, to be shown by the zone above */
	size_t verdict;	    /* of its apex; SETTLE_NONE */
	size_t first, last; /* verdicts that are changes of its own */
	struct touched_zone *above;  /* once it is looked for */
	struct touched_zone *nested; /* of those that delegate differently */
	struct touched_zone *next;   /* the next one in the list of that */
	UT_hash_handle hh;
};

struct side {
	struct view view;
	const struct settle *settle;
};

struct settle {
	struct settling settling;
	struct apply *apply;
	size_t judged; /* verdicts in order, before SOAs were added */
	struct touched_zone *zones; /* uthash, by the apex in wire form */
	bool moves;		    /* an apex comes or goes */
	struct side before, after;
};

/* ---- Both sides ---- */

static int look_before(const struct view *view, const struct name *owner,
		       struct rrsets *out)
{
	const struct apply *apply =
		container_of(view, struct side, view)->settle->apply;

	return table_get_owner(apply->tables, apply->txn, apply->table, owner,
			       out);
}

static size_t find_verdict(const struct settle *settle, const uint8_t *key,
			   size_t key_len)
{
	size_t low = 0, high = settle->judged;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct verdict *there =
			apply_verdict(settle->apply, middle);
		int order = table_key_compare(apply_key(settle->apply, there),
					      there->key_len, key, key_len);

		if (!order)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SETTLE_NONE;
}

static int look_after(const struct view *view, const struct name *owner,
		      struct rrsets *out)
{
	const struct settle *settle =
		container_of(view, struct side, view)->settle;
	uint8_t key[TABLE_KEY_SIZE];
	size_t len = table_key(key, settle->apply->table, owner), i;

	i = find_verdict(settle, key, len);
	if (i == SETTLE_NONE)
		return look_before(&settle->before.view, owner, out);
	*out = apply_value(settle->apply, apply_verdict(settle->apply, i));
	return 0;
}

/* ---- Zones ---- */

static int make_zone(struct settle *settle, const struct name *apex,
		     struct touched_zone **out)
{
	CLEANUP(freep) struct touched_zone *made = calloc(1, sizeof(*made));
	const struct apply *apply = settle->apply;
	struct zone_counts counts = {0};
	struct rrsets before, after;
	uint8_t key[TABLE_KEY_SIZE];
	int r;

	if (!made)
		return -ENOMEM;
	made->first = made->last = SETTLE_NONE;
	made->verdict =
		find_verdict(settle, key, table_key(key, apply->table, apex));
	r = table_zone(apply->tables, apply->txn, apply->table, apex, &counts);
	if (r == 0 || r == -ENOENT)
		r = settle_zone_begin(&made->zone, &settle->settling, apex);
	if (r == 0)
		r = view_look(&settle->before.view, apex, &before);
	if (r == 0)
		r = view_look(&settle->after.view, apex, &after);
	if (r < 0)
		return r;
	settle_zone_soa(&made->zone, before, after);
	made->zone.was_ahead = counts.is_ahead;
	made->is_nested = counts.is_nested;
	settle->moves |= made->zone.was != made->zone.is;
	*out = made;
	HASH_ADD_KEYPTR(hh, settle->zones, made->zone.apex.wire,
			made->zone.apex.len, made);
	made = NULL;
	return 0;
}

static int get_zone(struct settle *settle, const struct name *apex,
		    struct touched_zone **out)
{
	HASH_FIND(hh, settle->zones, apex->wire, apex->len, *out);
	return *out ? 0 : make_zone(settle, apex, out);
}

/* The zone that @name was in; NULL: none. */
static int zone_before(struct settle *settle, const struct name *name,
		       struct touched_zone **out)
{
	const struct apply *apply = settle->apply;
	struct zone_counts counts;
	struct name apex;
	int r = table_zone_of(apply->tables, apply->txn, apply->table, name,
			      &apex, &counts);

	*out = NULL;
	if (r == -ENOENT)
		return 0;
	return r ? r : get_zone(settle, &apex, out);
}

/* Is there a zone right at @name, afterwards? */
static int zone_at(struct settle *settle, const struct name *name,
		   struct touched_zone **out)
{
	const struct apply *apply = settle->apply;
	struct zone_counts counts;
	int r = 0;

	HASH_FIND(hh, settle->zones, name->wire, name->len, *out);
	if (*out) {
		if (!(*out)->zone.is)
			*out = NULL;
		return 0;
	}
	r = table_zone(apply->tables, apply->txn, apply->table, name, &counts);
	if (r == -ENOENT)
		return 0;
	return r ? r : get_zone(settle, name, out);
}

/* The zone that @name will be in; NULL: none. */
static int zone_after(struct settle *settle, const struct name *name,
		      struct touched_zone **out)
{
	unsigned labels = name_labels(name);
	struct name at;
	int r = 0;

	if (!settle->moves)
		return zone_before(settle, name, out);
	*out = NULL;
	for (unsigned i = 0; r == 0 && !*out && i <= labels; i++) {
		name_ancestor(name, i, &at);
		r = zone_at(settle, &at, out);
	}
	return r;
}

/* The zone that this one is nested in, before or after; NULL: none. */
static int zone_above(struct settle *settle, const struct touched_zone *zone,
		      bool after, struct touched_zone **out)
{
	struct name parent;

	*out = NULL;
	if (zone->zone.apex.len == 1)
		return 0;
	name_ancestor(&zone->zone.apex, 1, &parent);
	return after ? zone_after(settle, &parent, out)
		     : zone_before(settle, &parent, out);
}

/* ---- What changes ---- */

static int refuse_locked(struct refusal *why, const struct name *owner,
			 const struct name *apex)
{
	char text[NAME_TEXT_SIZE], zone[NAME_TEXT_SIZE];
	size_t len = name_to_text(owner, text);

	name_to_text(apex, zone);
	refusal_set(why, EROFS,
		    "the zone %.*s is a secondary: its records come from its "
		    "primaries, see zones/%.*s/primaries",
		    40, zone, 40, zone);
	refusal_at_owner(why, 0, text, len);
	return EROFS;
}

static int refuse_secondary(const struct settle *settle,
			    const struct name *owner,
			    const struct touched_zone *zone)
{
	return refuse_locked(settle->apply->why, owner, &zone->zone.apex);
}

int settle_locked(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const struct name *apex, enum settle_by by,
		  struct refusal *why)
{
	struct settling settling;
	struct settle_zone zone;
	int r = settling_begin(&settling, tables, txn, home, by, 0);

	if (r == 0)
		r = settle_zone_begin(&zone, &settling, apex);
	if (r < 0)
		return r;
	return settle_zone_locked(&zone, &settling)
		       ? refuse_locked(why, apex, apex)
		       : 0;
}

static bool is_locked(const struct settle *settle,
		      const struct touched_zone *zone)
{
	return zone && settle_zone_locked(&zone->zone, &settle->settling);
}

static void add_own(struct settle *settle, struct touched_zone *zone, size_t i,
		    unsigned parts)
{
	struct verdict *verdict = apply_verdict(settle->apply, i);

	zone->zone.changed = true;
	verdict->parts = (uint8_t)parts;
	verdict->next = SETTLE_NONE;
	if (zone->last == SETTLE_NONE)
		zone->first = i;
	else
		apply_verdict(settle->apply, zone->last)->next = i;
	zone->last = i;
}

/* An apex has come or gone, and with it what is below it. */
static int judge_moved(struct settle *settle, const struct name *owner,
		       struct touched_zone *from, struct touched_zone *to,
		       struct rrsets old, struct rrsets new)
{
	if (old.len && is_locked(settle, from))
		return refuse_secondary(settle, owner, from);
	if (new.len && is_locked(settle, to))
		return refuse_secondary(settle, owner, to);
	if (from)
		from->zone.changed = from->zone.broken = true;
	if (to)
		to->zone.changed = to->zone.broken = true;
	return 0;
}

/* It stays in its zone. */
static int judge_own(struct settle *settle, const struct name *owner,
		     struct touched_zone *zone, size_t i, struct rrsets old,
		     struct rrsets new)
{
	bool is_apex = name_equal(owner, &zone->zone.apex);
	unsigned parts = PART_ALL & ~(unsigned)PART_SOA;
	int r;

	if (is_apex && zone->is_nested)
		parts &= ~(unsigned)PART_DS;
	r = rrsets_differ(old, parts, new, parts);
	if (r < 0)
		return r;
	if (is_locked(settle, zone) &&
	    (r || (is_apex && rrsets_differ(old, PART_SOA, new, PART_SOA))))
		return refuse_secondary(settle, owner, zone);
	if (r)
		add_own(settle, zone, i, parts);
	return 0;
}

/* What of an apex, or of an address, may be shown by zones above. */
static int judge_shown(struct settle *settle, const struct name *owner,
		       struct touched_zone *zone, struct rrsets old,
		       struct rrsets new)
{
	struct touched_zone *above = NULL;
	struct rrsets apex_old, apex_new;
	int addresses = rrsets_differ(old, PART_ADDRESS, new, PART_ADDRESS);
	int r = addresses < 0 ? addresses : 0;

	for (; r == 0 && zone && zone->is_nested; zone = above) {
		const struct name *apex = &zone->zone.apex;

		r = zone_above(settle, zone, false, &above);
		if (r < 0)
			return r;
		if (name_equal(owner, apex)) {
			if (rrsets_differ(old, PART_DS, new, PART_DS) &&
			    is_locked(settle, above))
				return refuse_secondary(settle, owner, above);
			zone->delegates = true;
		}
		if (!addresses)
			break;
		r = view_look(&settle->before.view, apex, &apex_old);
		if (r == 0)
			r = view_look(&settle->after.view, apex, &apex_new);
		if (r == 0 && (delegation_names(apex_old, owner) ||
			       delegation_names(apex_new, owner)))
			zone->delegates = true;
	}
	return r;
}

static int owner_of(const struct apply *apply, const struct verdict *verdict,
		    struct name *out)
{
	int r = name_from_key(apply_key(apply, verdict) + TABLE_NUMBER_SIZE,
			      verdict->key_len - TABLE_NUMBER_SIZE, out);

	return r < 0 ? -EIO : 0;
}

static int judge_owner(struct settle *settle, size_t i)
{
	const struct verdict *verdict = apply_verdict(settle->apply, i);
	/* Nothing is written yet. */
	struct rrsets old = verdict->old;
	struct rrsets new = apply_value(settle->apply, verdict);
	struct touched_zone *from, *to;
	struct name owner;
	int r;

	if (old.len == new.len &&
	    (!old.len || !memcmp(old.data, new.data, old.len)))
		return 0;
	r = owner_of(settle->apply, verdict, &owner);
	if (r == 0)
		r = zone_before(settle, &owner, &from);
	to = r ? NULL : from;
	if (r == 0 && settle->moves)
		r = zone_after(settle, &owner, &to);
	if (r < 0)
		return r;
	if (from != to)
		r = judge_moved(settle, &owner, from, to, old, new);
	else if (to)
		r = judge_own(settle, &owner, to, i, old, new);
	return r ? r : judge_shown(settle, &owner, from, old, new);
}

/* The SOAs that come and go are known before any owner's zone is. */
static int find_moves(struct settle *settle)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settle->judged; i++) {
		const struct verdict *verdict = apply_verdict(settle->apply, i);
		struct rrsets new = apply_value(settle->apply, verdict);
		struct touched_zone *zone;
		struct rrset soa;
		struct name owner;

		if (!rrsets_find(verdict->old, RR_SOA, &soa) &&
		    !rrsets_find(new, RR_SOA, &soa))
			continue;
		r = owner_of(settle->apply, verdict, &owner);
		if (r == 0)
			r = get_zone(settle, &owner, &zone);
	}
	return r;
}

/*
 * With a zone above it, the DS at an apex is that one's: zone.h. @comes: it has
 * one from now on, and no DS; else the other way round.
 */
static int break_signed(struct settle *settle, const struct zone_key *key,
			bool comes)
{
	const struct side *side = comes ? &settle->before : &settle->after;
	struct touched_zone *zone;
	struct rrsets rrsets;
	struct rrset ds;
	struct name apex;
	int r;

	if (name_from_key(key->octets + TABLE_NUMBER_SIZE,
			  key->len - TABLE_NUMBER_SIZE, &apex) < 0)
		return -EIO;
	r = view_look(&side->view, &apex, &rrsets);
	if (r < 0 || !rrsets_find(rrsets, RR_DS, &ds))
		return r;
	r = get_zone(settle, &apex, &zone);
	if (r == 0)
		zone->zone.changed = zone->zone.broken = true;
	return r;
}

/* The highest of zones comes or goes: those right below have one above, or not
 * any more. */
static int break_below(struct settle *settle, struct touched_zone *zone)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	const struct apply *apply = settle->apply;
	struct zone_key apex, from;
	struct zone_at below;
	int r = table_errno(
		mdb_cursor_open(apply->txn, apply->tables->apexes, &apexes));

	apex.len = table_key(apex.octets, apply->table, &zone->zone.apex);
	from = apex;
	while (r == 0) {
		r = zone_at_below(apexes, &apex, &from, &below);
		if (r == 0)
			r = break_signed(settle, &below.key, zone->zone.is);
		from = below.key;
		if (r == 0)
			zone_key_skip(&from);
	}
	return r == -ENOENT ? 0 : r;
}

/* Who has the one that comes or goes nested in it loses or gets all of it. */
static int break_above(struct settle *settle, struct touched_zone *zone)
{
	bool is_after = zone->zone.is;
	struct touched_zone *above;
	int r;

	if (zone->zone.was == zone->zone.is)
		return 0;
	r = zone_above(settle, zone, is_after, &above);
	if (r == 0 && above)
		above->zone.changed = above->zone.broken = true;
	return r || above ? r : break_below(settle, zone);
}

static int count_difference(struct diff *diff, const struct name *owner,
			    struct rrset_rr rr)
{
	(void)diff;
	(void)owner;
	(void)rr;
	return 1;
}

/* Does the zone above show something else of it? */
static int judge_delegation(struct settle *settle, struct touched_zone *zone)
{
	struct diff diff = {count_difference, count_difference};
	struct touched_zone *above;
	int r;

	if (!zone->delegates || !zone->zone.was || !zone->zone.is)
		return 0;
	r = delegation_diff(&zone->zone.apex, &settle->before.view,
			    &settle->after.view, &diff);
	if (r <= 0)
		return r;
	r = zone_above(settle, zone, true, &above);
	if (r < 0 || !above)
		return r;
	above->zone.changed = true;
	above->zone.broken |= is_locked(settle, above);
	zone->next = above->nested;
	above->nested = zone;
	return 0;
}

static int judge_all(struct settle *settle)
{
	struct touched_zone *zone, *next;
	int r = find_moves(settle);

	for (size_t i = 0; r == 0 && i < settle->judged; i++)
		r = judge_owner(settle, i);
	/* What is added on the way stands at the end, and is looked at too. */
	for (zone = settle->zones; r == 0 && zone; zone = zone->hh.next)
		r = break_above(settle, zone);
	HASH_ITER (hh, settle->zones, zone, next)
		if (r == 0)
			r = judge_delegation(settle, zone);
	return r;
}

/* ---- Serials ---- */

static int add_apex(struct apply *apply, const struct name *apex,
		    struct rrsets new)
{
	uint8_t key[TABLE_KEY_SIZE];
	size_t key_len = table_key(key, apply->table, apex);
	struct rrsets old;
	int r = table_get_owner(apply->tables, apply->txn, apply->table, apex,
				&old);

	/* Its zone would not be without it. */
	assert(r != -ENOENT);
	return r ? r : apply_add(apply, key, key_len, apex, old, new);
}

static int set_serial(struct settle *settle, struct touched_zone *zone)
{
	struct apply *apply = settle->apply;
	CLEANUP(buffer_deinit) struct buffer value = {0};
	struct rrsets apex;
	int r;

	settle_zone_decide(&zone->zone, &settle->settling);
	if (!zone->zone.is || zone->zone.serial == zone->zone.wanted)
		return 0;
	r = view_look(&settle->after.view, &zone->zone.apex, &apex);
	if (r == 0)
		r = soa_replace(apex, zone->zone.serial, &value);
	if (r < 0)
		return r;
	apex = (struct rrsets){value.data, value.len};
	if (zone->verdict != SETTLE_NONE)
		return apply_set(apply, zone->verdict, &zone->zone.apex, apex);
	return add_apex(apply, &zone->zone.apex, apex);
}

static int settle_new(struct settle **out, struct apply *apply)
{
	struct settle *settle = calloc(1, sizeof(*settle));
	int r;

	if (!settle)
		return -ENOMEM;
	settle->apply = apply;
	settle->judged = apply_count(apply);
	settle->before = (struct side){{look_before}, settle};
	settle->after = (struct side){{look_after}, settle};
	r = settling_begin(&settle->settling, apply->tables, apply->txn,
			   apply->counts.home, apply->by, apply->now_ns);
	if (r < 0)
		free(settle);
	else
		*out = settle;
	return r;
}

int settle_judge(struct settle **out, struct apply *apply)
{
	CLEANUP(settle_freep) struct settle *settle = NULL;
	struct touched_zone *zone;
	int r;

	*out = NULL;
	if (!apply->counts.home)
		return 0;
	r = settle_new(&settle, apply);
	if (r == 0)
		r = judge_all(settle);
	for (zone = r ? NULL : settle->zones; r == 0 && zone;
	     zone = zone->hh.next)
		r = set_serial(settle, zone);
	for (zone = r ? NULL : settle->zones; r == 0 && zone;
	     zone = zone->hh.next)
		if (settle_zone_touched(&zone->zone))
			r = settle_zone_fits(&zone->zone, &settle->settling,
					     apply->why);
	if (r == 0)
		*out = steal(&settle);
	return r;
}

/* ---- Journals ---- */

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

		r = owner_of(settle->apply, verdict, &owner);
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

struct settle *settle_free(struct settle *settle)
{
	struct touched_zone *zone, *next;

	if (!settle)
		return NULL;
	HASH_ITER (hh, settle->zones, zone, next) {
		HASH_DEL(settle->zones, zone);
		free(zone);
	}
	free(settle);
	return NULL;
}

void settle_freep(struct settle **settle)
{
	*settle = settle_free(*settle);
}
