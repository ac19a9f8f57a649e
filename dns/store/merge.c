// SPDX-License-Identifier: Apache-2.0
/*
 * merge.c - two tables side by side, zone by zone
 *
 * Owners come in DNS order, so all of a zone is together but for what is nested
 * in it: the zones that an owner is in are a stack. One is entered at its apex,
 * on whichever side that has an SOA, and left behind its last owner; then all
 * is known of it, and its serial is set.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/store/apply.h"
#include "dns/store/merge.h"
#include "dns/store/settle_zone.h"
#include "dns/store/table_pair.h"
#include "dns/store/zone_take.h"

/* A zone that the owner at hand is in. */
struct open_zone {
	struct settle_zone zone;
	struct zone_key key; /* name_to_key() form */
	bool is_nested;
	int64_t changed_ns;	     /* before */
	struct journal_entry *entry; /* NULL: nothing to tell yet */
	uint64_t most;		     /* octets of it */
	struct open_zone *next;	     /* utlist: the one around it */
};

/* A zone that has changed, once it is known how. Its name follows. */
struct done_zone {
	uint64_t edits; /* of its row, then */
	uint64_t entry; /* octets; 0: there is none */
	uint32_t before, serial;
	uint8_t was, is;
	uint8_t len;
};

struct side {
	struct view view;
	const struct merge *merge;
	uint32_t table;
};

struct merge {
	struct settling settling;
	struct side from, to;
	struct buffer secondaries; /* struct name: to be carried over */
	size_t carried;		   /* octets of those that are */
	struct zone_take take;	   /* of the one at hand */
	struct zone_key place;	   /* of the owner to go on with */
	struct open_zone *open;	   /* utlist: the innermost first */
	struct buffer done;	   /* struct done_zone, and names */
	struct apply *apply;	   /* of a slice: of the new table */
	bool is_done;
};

static int look(const struct view *view, const struct name *owner,
		struct rrsets *out)
{
	const struct side *side = container_of(view, struct side, view);
	const struct settling *settling = &side->merge->settling;

	return table_get_owner(settling->tables, settling->txn, side->table,
			       owner, out);
}

/* ---- What is written into the new table ---- */

static void apply_open(struct merge *merge, struct apply *apply)
{
	*apply = (struct apply){
		.tables = merge->settling.tables,
		.txn = merge->settling.txn,
		.table = merge->to.table,
		/* What it comes to is looked at when it is published. */
		.fresh = true,
		.now_ns = merge->settling.now_ns,
	};
	merge->apply = apply;
}

static int apply_close(struct merge *merge, struct apply *apply, int r)
{
	if (r == 0 && apply_count(apply))
		r = apply_end(apply);
	apply_deinit(apply);
	merge->apply = NULL;
	/* A loose table has no home, and so nobody refuses. */
	return r > 0 ? -EIO : r;
}

static int write_owner(struct merge *merge, const uint8_t *key, size_t key_len,
		       struct rrsets old, struct rrsets new)
{
	uint8_t octets[TABLE_KEY_SIZE];
	struct name owner;

	if (name_from_key(key, key_len, &owner) < 0)
		return -EIO;
	put_u32(octets, merge->to.table);
	memcpy(octets + TABLE_NUMBER_SIZE, key, key_len);
	return apply_add(merge->apply, octets, TABLE_NUMBER_SIZE + key_len,
			 &owner, old, new);
}

/* ---- Secondaries ---- */

/* In order of their names, so that a nested one comes behind. */
static int find_secondaries(struct merge *merge, MDB_txn *txn,
			    const struct name *taken)
{
	const struct settling *settling = &merge->settling;
	uint8_t key[NAME_KEY_SIZE];
	size_t key_len = 0;
	struct zone_row row;
	struct name apex;
	bool is_first = true;
	int r = 0;

	if (!settling->home.secondaries && !settling->home.catalogs)
		return 0;
	while (r == 0) {
		r = zone_row_next(settling->tables, txn, settling->home_id,
				  is_first ? NULL : key, key_len, &apex, &row);
		if (r == 0 && (row.is_secondary || row.is_catalog) &&
		    !(taken && name_equal(&apex, taken)))
			r = buffer_add(&merge->secondaries, &apex,
				       sizeof(apex));
		key_len = r ? 0 : name_to_key(&apex, key);
		is_first = false;
	}
	return r == -ENOENT ? 0 : r;
}

static int carry_owner(void *arg, const uint8_t *key, size_t key_len,
		       struct rrsets old, struct rrsets new)
{
	return write_owner(arg, key, key_len, old, new);
}

static int carry_slice(struct merge *merge, MDB_txn *txn, size_t max)
{
	struct zone_take *take = &merge->take;
	bool left;
	int r;

	if (!take->begun) {
		buffer_deinit(&take->value);
		*take = (struct zone_take){
			.tables = merge->settling.tables,
			.table = merge->to.table,
			.source = merge->from.table,
			.is_loose = true,
		};
		memcpy(&take->apex, merge->secondaries.data + merge->carried,
		       sizeof(take->apex));
	}
	r = zone_take_slice(take, txn, max, carry_owner, merge, &left);
	if (r == 0 && !left) {
		merge->carried += sizeof(take->apex);
		take->begun = false;
	}
	return r;
}

/* ---- Zones ---- */

/* The one around @at that has an SOA on that side. */
static struct open_zone *around(struct open_zone *at, bool after)
{
	while (at && !(after ? at->zone.is : at->zone.was))
		at = at->next;
	return at;
}

static void break_zone(struct open_zone *zone)
{
	if (zone)
		zone->zone.changed = zone->zone.broken = true;
}

static bool has_ds(struct rrsets rrsets)
{
	struct rrset ds;

	return rrsets_find(rrsets, RR_DS, &ds);
}

/* What comes or goes moves owners, and whose the DS of others is. */
static void break_moved(struct merge *merge, struct open_zone *zone,
			const struct pair_entry *at)
{
	struct open_zone *old = around(merge->open, false);
	struct open_zone *new = around(merge->open, true);

	if (zone->zone.was != zone->zone.is)
		break_zone(zone->zone.is ? new : old);
	if ((old && !new &&has_ds(at->b)) || (!old && new &&has_ds(at->a)))
		break_zone(zone);
}

static int read_counts(struct merge *merge, struct open_zone *zone)
{
	const struct settling *settling = &merge->settling;
	struct zone_counts counts = {0};
	int r = table_zone(settling->tables, settling->txn, merge->from.table,
			   &zone->zone.apex, &counts);

	if (r < 0 && r != -ENOENT)
		return r;
	zone->zone.was_ahead = counts.is_ahead;
	zone->is_nested = counts.is_nested;
	zone->changed_ns = counts.changed_ns;
	r = table_zone(settling->tables, settling->txn, merge->to.table,
		       &zone->zone.apex, &counts);
	zone->most = r ? 0 : zone_shown(&counts).wire;
	return r == -ENOENT ? 0 : r;
}

static int enter(struct merge *merge, const struct pair_entry *at)
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

/* ---- What changes ---- */

static int give_entry(struct merge *merge, struct open_zone *zone)
{
	struct settle_zone *of = &zone->zone;
	struct rrsets apex;
	struct rrset soa;
	struct rrset_rr rr;
	size_t offset = 0;
	int r;

	if (zone->entry || of->broken || of->was_ahead || !of->was || !of->is ||
	    !zone_is_shared(&merge->settling.home, &of->row))
		return 0;
	r = journal_begin(&zone->entry, merge->settling.tables, zone->most);
	if (r == 0)
		r = look(&merge->from.view, &of->apex, &apex);
	if (r < 0)
		return r;
	rrsets_find(apex, RR_SOA, &soa);
	rrset_next(&soa, &offset, &rr);
	return journal_gone(zone->entry, &of->apex, rr);
}

struct telling {
	struct diff diff;
	struct merge *merge;
	struct open_zone *zone;
};

static int tell(struct diff *diff, const struct name *owner, struct rrset_rr rr,
		bool came)
{
	struct telling *telling = container_of(diff, struct telling, diff);
	struct open_zone *zone = telling->zone;
	int r;

	if (get_u16(rr.wire) == RR_SOA)
		return 0;
	zone->zone.changed = true;
	r = give_entry(telling->merge, zone);
	if (r < 0 || !zone->entry)
		return r;
	return came ? journal_came(zone->entry, owner, rr)
		    : journal_gone(zone->entry, owner, rr);
}

static int tell_gone(struct diff *diff, const struct name *owner,
		     struct rrset_rr rr)
{
	return tell(diff, owner, rr, false);
}

static int tell_came(struct diff *diff, const struct name *owner,
		     struct rrset_rr rr)
{
	return tell(diff, owner, rr, true);
}

static int merge_owner(struct merge *merge, const struct pair_entry *at)
{
	struct telling telling = {{tell_gone, tell_came}, merge, NULL};
	struct open_zone *old = around(merge->open, false);
	struct open_zone *new = around(merge->open, true);
	unsigned parts = PART_ALL;
	struct name owner;

	if (old != new) {
		break_zone(old);
		break_zone(new);
		return 0;
	}
	if (!old || old->zone.broken ||
	    (at->a.len == at->b.len &&
	     !memcmp(at->a.data, at->b.data, at->a.len)))
		return 0;
	if (name_from_key(at->key, at->key_len, &owner) < 0)
		return -EIO;
	if (old->is_nested && zone_key_is(&old->key, at->key, at->key_len))
		parts &= ~(unsigned)PART_DS;
	telling.zone = old;
	return diff_rrsets(&telling.diff, &owner, at->a, parts, at->b, parts);
}

/* What the zone around it shows of it, if both are there all the time. */
static int merge_delegation(struct merge *merge, struct open_zone *zone)
{
	struct telling telling = {{tell_gone, tell_came}, merge, NULL};
	struct open_zone *old = around(zone->next, false);

	if (!old || !zone->zone.was || !zone->zone.is || old->zone.broken ||
	    old != around(zone->next, true))
		return 0;
	telling.zone = old;
	return delegation_diff(&zone->zone.apex, &merge->from.view,
			       &merge->to.view, &telling.diff);
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
	int r = look(&merge->to.view, &of->apex, &old);

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
	return write_owner(merge, zone->key.octets, zone->key.len, old, new);
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
			of->was && !serial_is_ahead(of->serial, of->before);
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
		r = give_entry(merge, zone);
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

static void zone_free(struct open_zone *zone)
{
	journal_free(zone->entry);
	free(zone);
}

/* Those that the owner with that key is not in; NULL: all. */
static int leave(struct merge *merge, const uint8_t *key, size_t key_len)
{
	int r = 0;

	while (r == 0 && merge->open) {
		struct open_zone *zone = merge->open;

		if (key && table_key_is_under(key, key_len, zone->key.octets,
					      zone->key.len))
			break;
		r = end_zone(merge, zone);
		LL_DELETE(merge->open, zone);
		zone_free(zone);
	}
	return r;
}

/* ---- Slices ---- */

static bool has_soa(struct rrsets rrsets)
{
	struct rrset soa;

	return rrsets_find(rrsets, RR_SOA, &soa);
}

/* It reads, but for zones that end: what these write is elsewhere. */
static int pair_step(struct merge *merge, struct table_pair *pair)
{
	struct pair_entry at;
	int r = table_pair_next(pair, &at);

	if (r < 0)
		return r;
	/* The next key behind it: the shortest label's. */
	zone_key_set(&merge->place, at.key, at.key_len);
	merge->place.octets[merge->place.len++] = 0;
	if (has_soa(at.a) || has_soa(at.b))
		r = enter(merge, &at);
	return r ? r : merge_owner(merge, &at);
}

/*
 * Does the next owner leave a zone? Then what that writes comes first, and the
 * pair is made anew: it may not see writes.
 */
static bool leaves(const struct merge *merge, const struct table_pair *pair)
{
	const struct open_zone *zone = merge->open;
	const MDB_val *keys[] = {&pair->a.key, &pair->b.key};
	bool stays = false;

	for (size_t i = 0; zone && i < 2; i++)
		stays |=
			keys[i]->mv_size &&
			table_key_is_under((uint8_t *)keys[i]->mv_data +
						   TABLE_NUMBER_SIZE,
					   keys[i]->mv_size - TABLE_NUMBER_SIZE,
					   zone->key.octets, zone->key.len);
	return zone && !stays;
}

static int leave_for(struct merge *merge, const struct table_pair *pair)
{
	const MDB_val *a = &pair->a.key, *b = &pair->b.key;
	const MDB_val *first = !a->mv_size ? b : a;
	uint8_t key[TABLE_KEY_SIZE];
	size_t len;

	if (a->mv_size && b->mv_size &&
	    table_key_compare((uint8_t *)a->mv_data + TABLE_NUMBER_SIZE,
			      a->mv_size - TABLE_NUMBER_SIZE,
			      (uint8_t *)b->mv_data + TABLE_NUMBER_SIZE,
			      b->mv_size - TABLE_NUMBER_SIZE) > 0)
		first = b;
	if (!first->mv_size)
		return leave(merge, NULL, 0);
	len = first->mv_size - TABLE_NUMBER_SIZE;
	memcpy(key, (uint8_t *)first->mv_data + TABLE_NUMBER_SIZE, len);
	return leave(merge, key, len);
}

/* What the owners so far have filled of a journal. */
static int flush(struct merge *merge, struct open_zone *zone)
{
	int r = settle_zone_row(&zone->zone, &merge->settling);

	return r ? r
		 : journal_flush(zone->entry, merge->settling.txn,
				 &zone->zone.row);
}

/* Owners up to where something is to be written, or the end of the slice. */
static int pair_run(struct merge *merge, size_t *max)
{
	CLEANUP(table_pair_deinit) struct table_pair pair = {0};
	const struct settling *settling = &merge->settling;
	int r = table_pair_init(&pair, settling->tables, settling->txn,
				merge->from.table, merge->to.table, true,
				&merge->place);

	while (r == 0 && *max) {
		struct open_zone *zone = merge->open;

		--*max;
		if (leaves(merge, &pair))
			return leave_for(merge, &pair);
		if (zone && zone->entry && journal_is_full(zone->entry))
			return flush(merge, zone);
		r = pair_step(merge, &pair);
	}
	if (r != -ENOENT)
		return r;
	merge->is_done = true;
	return leave(merge, NULL, 0);
}

int merge_slice(struct merge *merge, MDB_txn *txn, size_t max, bool *left)
{
	struct apply apply;
	int r;

	assert(!merge->is_done);
	merge->settling.txn = txn;
	apply_open(merge, &apply);
	r = apply_begin(&apply);
	if (r == 0 && merge->carried < merge->secondaries.len)
		r = carry_slice(merge, txn, max);
	else
		while (r == 0 && max && !merge->is_done)
			r = pair_run(merge, &max);
	r = apply_close(merge, &apply, r);
	*left = !merge->is_done;
	return r;
}

/* ---- The end ---- */

typedef int done_fn(const struct merge *merge, const struct settling *settling,
		    const struct done_zone *done, struct settle_zone *zone);

static int each_done(const struct merge *merge, const struct settling *settling,
		     done_fn *fn)
{
	const struct buffer *all = &merge->done;
	struct done_zone done;
	struct name apex;
	int r = 0;

	for (size_t at = 0; r == 0 && at < all->len;) {
		struct settle_zone zone;

		memcpy(&done, all->data + at, sizeof(done));
		apex.len = done.len;
		memcpy(apex.wire, all->data + at + sizeof(done), done.len);
		at += sizeof(done) + done.len;
		r = settle_zone_begin(&zone, settling, &apex);
		if (r == 0)
			r = fn(merge, settling, &done, &zone);
	}
	return r;
}

static int check_done(const struct merge *merge,
		      const struct settling *settling,
		      const struct done_zone *done, struct settle_zone *zone)
{
	(void)merge;
	(void)settling;
	return zone->row.edits == done->edits ? 0 : -EAGAIN;
}

static int write_done(const struct merge *merge,
		      const struct settling *settling,
		      const struct done_zone *done, struct settle_zone *zone)
{
	int r;

	zone->was = done->was;
	zone->is = done->is;
	zone->before = done->before;
	zone->serial = done->serial;
	r = settle_zone_end(zone, settling, done->entry);
	if (r < 0 || !zone->is)
		return r;
	return settle_zone_bound(zone, settling, merge->to.table);
}

int merge_end(const struct merge *merge, MDB_txn *txn)
{
	struct settling settling = merge->settling;
	struct home home;
	int r = home_get(settling.tables, txn, settling.home_id, &home);

	assert(merge->is_done);
	settling.txn = txn;
	if (r < 0)
		return r;
	if (memcmp(&home, &settling.home, sizeof(home)))
		return -EAGAIN;
	r = each_done(merge, &settling, check_done);
	return r ? r : each_done(merge, &settling, write_done);
}

static void merge_freep(struct merge **merge)
{
	merge_free(*merge);
}

int merge_new(struct merge **out, const struct tables *tables, MDB_txn *txn,
	      uint32_t home, uint32_t from, uint32_t to,
	      const struct name *taken, int64_t now_ns)
{
	CLEANUP(merge_freep) struct merge *merge = calloc(1, sizeof(*merge));
	int r;

	if (!merge)
		return -ENOMEM;
	merge->from = (struct side){{look}, merge, from};
	merge->to = (struct side){{look}, merge, to};
	r = settling_begin(&merge->settling, tables, txn, home, SETTLE_BY_FILE,
			   now_ns);
	if (r == 0)
		r = find_secondaries(merge, txn, taken);
	if (r == 0)
		*out = steal(&merge);
	return r;
}

struct merge *merge_free(struct merge *merge)
{
	struct open_zone *zone, *next;

	if (!merge)
		return NULL;
	LL_FOREACH_SAFE (merge->open, zone, next)
		zone_free(zone);
	zone_take_deinit(&merge->take);
	buffer_deinit(&merge->secondaries);
	buffer_deinit(&merge->done);
	free(merge);
	return NULL;
}
