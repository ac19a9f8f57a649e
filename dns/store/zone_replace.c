// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/store/apply.h"
#include "dns/store/rrset_diff.h"
#include "dns/store/zone_replace.h"
#include "dns/store/zone_take.h"

struct replacing {
	struct apply apply;
	const struct zone_replace *replace;
};

static void replacing_deinit(struct replacing *replacing)
{
	apply_deinit(&replacing->apply);
}

static int take_owner(void *arg, const uint8_t *key, size_t key_len,
		      struct rrsets old, struct rrsets new)
{
	struct replacing *replacing = arg;
	const struct zone_replace *replace = replacing->replace;
	uint8_t octets[TABLE_KEY_SIZE];
	struct name owner;

	if (name_from_key(key, key_len, &owner) < 0)
		return -EIO;
	put_u32(octets, replace->table);
	memcpy(octets + TABLE_NUMBER_SIZE, key, key_len);
	if (replace->touched)
		replace->touched(replace->arg, &owner);
	return apply_add(&replacing->apply, octets, TABLE_NUMBER_SIZE + key_len,
			 &owner, old, new);
}

static bool has_soa(const struct tables *tables, MDB_txn *txn, uint32_t table,
		    const struct name *apex)
{
	struct rrsets rrsets;
	struct rrset soa;

	return table_get_owner(tables, txn, table, apex, &rrsets) == 0 &&
	       rrsets_find(rrsets, RR_SOA, &soa);
}

/* A text may leave it out where there is one. */
static int check_soa(const struct tables *tables, MDB_txn *txn,
		     const struct zone_replace *replace, struct refusal *why)
{
	uint64_t records;
	int r;

	if (replace->clears ||
	    has_soa(tables, txn, replace->table, &replace->apex) ||
	    has_soa(tables, txn, replace->source, &replace->apex))
		return 0;
	r = table_records(tables, txn, replace->source, &records);
	if (r < 0 || !records)
		return r;
	return refusal_set(why, EINVAL,
			   "a zone begins with an SOA, and there "
			   "is none");
}

/* Its last primary may have gone while the transfer came. */
static int check_secondary(struct replacing *replacing, struct refusal *why)
{
	const struct apply *apply = &replacing->apply;
	struct zone_row row = {0};
	int r = 0;

	if (apply->counts.home)
		r = zone_row_get(apply->tables, apply->txn, apply->counts.home,
				 &replacing->replace->apex, &row);
	if (r < 0 && r != -ENOENT)
		return r;
	return row.is_secondary ? 0
				: refusal_set(why, EINVAL,
					      "it is no secondary any more");
}

/* ---- What is known by now ---- */

/* Before the key and the new value. */
struct zone_changed {
	size_t key_len, value_len;
};

void zone_changes_deinit(struct zone_changes *changes)
{
	buffer_deinit(&changes->owners);
	*changes = (struct zone_changes){0};
}

static int keep_owner(void *arg, const uint8_t *key, size_t key_len,
		      struct rrsets old, struct rrsets new)
{
	struct zone_changed changed = {key_len, new.len};
	struct zone_changes *out = arg;
	struct buffer *owners = &out->owners;
	size_t len = sizeof(changed) + key_len + new.len;
	int r;

	(void)old;
	out->are_many = out->count == ZONE_CHANGES_MAX ||
			owners->len + len > ZONE_CHANGES_OCTETS;
	if (out->are_many)
		return ECANCELED;
	out->count++;
	r = buffer_reserve(owners, len);
	if (r == 0)
		r = buffer_add(owners, &changed, sizeof(changed));
	if (r == 0)
		r = buffer_add(owners, key, key_len);
	return r ? r : buffer_add(owners, new.data, new.len);
}

int zone_compare(struct zone_take *take, MDB_txn *txn, size_t max,
		 struct zone_changes *out, bool *left)
{
	int r;

	assert(!take->fills);
	r = zone_take_slice(take, txn, max, keep_owner, out, left);
	if (!out->are_many)
		return r;
	*left = false;
	buffer_deinit(&out->owners);
	return 0;
}

static int take_changes(struct replacing *replacing)
{
	const struct zone_replace *replace = replacing->replace;
	const struct apply *apply = &replacing->apply;
	const struct buffer *owners = &replace->changes->owners;
	struct zone_changed changed;
	int r = 0;

	assert(!replace->changes->are_many);
	for (size_t at = 0; r == 0 && at < owners->len;) {
		const uint8_t *key = owners->data + at + sizeof(changed);
		struct rrsets old = {0}, new;
		struct name owner;

		memcpy(&changed, owners->data + at, sizeof(changed));
		at += sizeof(changed) + changed.key_len + changed.value_len;
		new = (struct rrsets){key + changed.key_len, changed.value_len};
		if (name_from_key(key, changed.key_len, &owner) < 0)
			return -EIO;
		r = table_get_owner(apply->tables, apply->txn, replace->table,
				    &owner, &old);
		if (r == 0 || r == -ENOENT)
			r = take_owner(replacing, key, changed.key_len, old,
				       new);
	}
	return r;
}

int zone_replace(const struct tables *tables, MDB_txn *txn,
		 const struct zone_replace *replace, struct refusal *why)
{
	CLEANUP(replacing_deinit)
	struct replacing replacing = {
		.apply = {.tables = tables,
			  .txn = txn,
			  .table = replace->table,
			  .by = replace->by,
			  .now_ns = replace->now_ns,
			  .why = why},
		.replace = replace,
	};
	CLEANUP(zone_take_deinit)
	struct zone_take take = {
		.tables = tables,
		.table = replace->table,
		.source = replace->source,
		.apex = replace->apex,
		.clears = replace->clears,
		.is_loose = replace->by == SETTLE_BY_TRANSFER,
		.why = why,
	};
	bool left;
	int r = check_soa(tables, txn, replace, why);

	if (r == 0)
		r = apply_begin(&replacing.apply);
	/* Without settings, a zone is forgotten in the same way. */
	if (r == 0 && replace->by == SETTLE_BY_TRANSFER && !replace->clears)
		r = check_secondary(&replacing, why);
	if (r == 0 && replace->changes)
		r = take_changes(&replacing);
	else if (r == 0)
		r = zone_take_slice(&take, txn, SIZE_MAX, take_owner,
				    &replacing, &left);
	if (r || !apply_count(&replacing.apply))
		return r;
	return apply_end(&replacing.apply);
}

/* ---- The other way round ---- */

/* Fewer records than that are replaced within a tenth of a second, whatever
 * changes. */
#define ZONE_LARGE 20000

int zone_is_large(const struct tables *tables, MDB_txn *txn,
		  const struct zone_replace *replace, uint32_t home,
		  struct refusal *why)
{
	struct zone_counts counts = {0};
	uint64_t new = 0;
	int r = table_zone(tables, txn, replace->table, &replace->apex,
			   &counts);

	if (r == 0 || r == -ENOENT)
		r = table_records(tables, txn, replace->source, &new);
	if (r < 0)
		return r;
	if (new + counts.own.records < ZONE_LARGE)
		return 0;
	/* All else is settled as files are; so this is, that may be. */
	r = check_soa(tables, txn, replace, why);
	if (r == 0 && home)
		r = settle_locked(tables, txn, home, &replace->apex,
				  replace->by, why);
	return r ? r : 1;
}

static int fill_owner(void *arg, const uint8_t *key, size_t key_len,
		      struct rrsets old, struct rrsets new)
{
	struct apply *apply = arg;
	uint8_t octets[TABLE_KEY_SIZE];
	struct name owner;

	if (name_from_key(key, key_len, &owner) < 0)
		return -EIO;
	put_u32(octets, apply->table);
	memcpy(octets + TABLE_NUMBER_SIZE, key, key_len);
	return apply_add(apply, octets, TABLE_NUMBER_SIZE + key_len, &owner,
			 old, new);
}

int zone_fill(struct zone_take *take, MDB_txn *txn, size_t max, int64_t now_ns,
	      bool *left)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = take->tables,
		.txn = txn,
		.table = take->source,
		.fresh = true,
		.now_ns = now_ns,
		.why = take->why,
	};
	int r = apply_begin(&apply);

	if (r == 0)
		r = zone_take_slice(take, txn, max, fill_owner, &apply, left);
	return r || !apply_count(&apply) ? r : apply_end(&apply);
}

/* ---- A change ---- */

static int refuse(struct refusal *why, const struct change_item *item,
		  const char *reason)
{
	char text[NAME_TEXT_SIZE];

	refusal_set(why, EINVAL, "%s", reason);
	refusal_at_owner(why, item->line, text,
			 name_to_text(&item->rr.owner, text));
	return EINVAL;
}

/* It is for a zone nested in this one. Return: 1: it is left out; 0; EINVAL */
static int filter_nested(const struct change_item *item,
			 const struct name *apex, struct refusal *why)
{
	unsigned part = item->op == CHANGE_ADD ? rrset_part(item->rr.type) : 0;

	if (part == PART_DS && name_equal(&item->rr.owner, apex))
		return 0;
	if (part & (PART_NS | PART_ADDRESS))
		return 1;
	return refuse(why, item,
		      "this name is in another zone, which has a directory of "
		      "its own");
}

static int filter_item(const struct tables *tables, MDB_txn *txn,
		       uint32_t table, const struct name *apex,
		       const struct change_item *item, struct refusal *why)
{
	struct zone_counts counts;
	struct name nested;
	int r;

	if (!name_is_under(&item->rr.owner, apex))
		return refuse(why, item, "this name is not in the zone");
	r = table_zone_of(tables, txn, table, &item->rr.owner, &nested,
			  &counts);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && !name_equal(&nested, apex) &&
	    name_is_under(&nested, apex))
		return filter_nested(item, &nested, why);
	if (item->op != CHANGE_ADD || name_equal(&item->rr.owner, apex))
		/* With a zone above, a DS at the apex is that one's. */
		return r == 0 && item->rr.type == RR_DS && counts.is_nested;
	if (item->rr.type == RR_SOA)
		return refuse(why, item,
			      "a second SOA: the zone has one, at its apex");
	return 0;
}

static bool gives_soa(const struct change *change, const struct name *apex)
{
	struct change_item item;
	size_t offset = 0;

	while (change_next(change, &offset, &item))
		if (item.op == CHANGE_ADD && item.rr.type == RR_SOA &&
		    name_equal(&item.rr.owner, apex))
			return true;
	return false;
}

int zone_filter(const struct tables *tables, MDB_txn *txn, uint32_t table,
		const struct name *apex, const struct change *change,
		struct change *out, struct refusal *why)
{
	struct change_item item;
	size_t offset = 0;
	int r = 0;

	if (!has_soa(tables, txn, table, apex) && !gives_soa(change, apex))
		return refusal_set(why, EINVAL,
				   "a zone begins with an SOA, "
				   "and there is none");
	while ((r == 0 || r == 1) && change_next(change, &offset, &item)) {
		r = filter_item(tables, txn, table, apex, &item, why);
		if (r)
			continue;
		r = item.op == CHANGE_ADD ? change_add(out, &item.rr, item.line)
					  : change_drop(out, &item.rr.owner);
	}
	return r == 1 ? 0 : r;
}
