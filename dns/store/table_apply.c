// SPDX-License-Identifier: Apache-2.0
/*
 * table_apply.c - changing the records of a table
 *
 * A change is judged first and written second: every owner's new value is
 * worked out from what the transaction shows, and only when no owner objects
 * is the first one stored. So a refusal leaves the transaction as it was, and
 * the writer can go on with the next change in the same one.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/apply.h"
#include "dns/store/settle_zone.h"

/* An item of a change, by its owner's place in DNS order. */
struct sorted_item {
	uint8_t *key; /* in one arena */
	size_t key_len;
	size_t offset; /* of the item in the change */
};

void apply_deinit(struct apply *apply)
{
	table_cursor_closep(&apply->cursor);
	free(apply->sorted);
	buffer_deinit(&apply->sorted_keys);
	buffer_deinit(&apply->keys);
	buffer_deinit(&apply->verdicts);
	buffer_deinit(&apply->values);
	buffer_deinit(&apply->value);
	buffer_deinit(&apply->items);
}

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted_item *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(x->key, y->key, len);

	if (order)
		return order;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/*
 * Order the items by owner, and as they were given within an owner: as they
 * are, mostly.
 */
static int apply_sort(struct apply *apply, const struct change *change)
{
	struct change_item item;
	size_t offset = 0, at, i = 0;
	bool in_order = true;
	int r;

	apply->sorted = calloc(change->count, sizeof(*apply->sorted));
	if (!apply->sorted)
		return -ENOMEM;
	/* A key is at most twice its name: one allocation, so none moves. */
	r = buffer_reserve(&apply->sorted_keys, 2 * change->items.len);
	if (r < 0)
		return r;
	for (at = 0; change_next(change, &offset, &item); at = offset) {
		struct sorted_item *out = &apply->sorted[i++];
		uint8_t key[TABLE_KEY_SIZE];

		out->key = apply->sorted_keys.data + apply->sorted_keys.len;
		out->key_len = table_key(key, apply->table, &item.rr.owner);
		out->offset = at;
		assert(out->key_len <=
		       apply->sorted_keys.cap - apply->sorted_keys.len);
		buffer_add(&apply->sorted_keys, key, out->key_len);
		if (i > 1 && in_order)
			in_order = compare_sorted(out - 1, out) < 0;
	}
	assert(i == change->count);
	if (!in_order)
		qsort(apply->sorted, i, sizeof(*apply->sorted), compare_sorted);
	return 0;
}

static void count_size(struct apply *apply, const struct name *owner,
		       struct rrsets rrsets, int sign)
{
	struct rrsets_size size = rrsets_size(owner, rrsets);
	/* Unsigned arithmetic wraps, so minus one times is a subtraction. */
	uint64_t factor = (uint64_t)(int64_t)sign;

	apply->counts.names += rrsets.len ? factor : 0;
	apply->counts.records += factor * size.records;
	apply->counts.text += factor * size.text;
	apply->counts.json += factor * size.json;
}

/* While the old records are there: nothing is written yet. */
static int add_value(struct apply *apply, struct verdict *verdict,
		     const struct name *owner, struct rrsets new)
{
	zone_change_of(owner->len, verdict->old, new, &verdict->zone);
	apply->moves_zones |= verdict->zone.soa != 0;
	verdict->gives_serial = soa_serial_differs(verdict->old, new);
	verdict->value_at = apply->values.len;
	verdict->value_len = new.len;
	return buffer_add(&apply->values, new.data, new.len);
}

int apply_add(struct apply *apply, const uint8_t *key, size_t key_len,
	      const struct name *owner, struct rrsets old, struct rrsets new)
{
	struct verdict verdict = {
		.key_at = apply->keys.len, .key_len = key_len, .old = old};
	int r = buffer_add(&apply->keys, key, key_len);

	count_size(apply, owner, old, -1);
	count_size(apply, owner, new, 1);
	if (r == 0)
		r = add_value(apply, &verdict, owner, new);
	if (r == 0)
		r = buffer_add(&apply->verdicts, &verdict, sizeof(verdict));
	return r;
}

int apply_set(struct apply *apply, size_t at, const struct name *owner,
	      struct rrsets new)
{
	struct verdict *verdict = apply_verdict(apply, at);

	count_size(apply, owner, apply_value(apply, verdict), -1);
	count_size(apply, owner, new, 1);
	return add_value(apply, verdict, owner, new);
}

/* Judge one owner: @count items from @sorted on. */
static int apply_judge(struct apply *apply, const struct change *change,
		       const struct sorted_item *sorted, size_t count)
{
	const struct change_item *items;
	struct rrsets old = {0}, new;
	MDB_val key, value;
	int r, rc;

	assert(count);
	apply->items.len = 0;
	for (size_t i = 0; i < count; i++) {
		size_t offset = sorted[i].offset;
		struct change_item item;

		change_next(change, &offset, &item);
		r = buffer_add(&apply->items, &item, sizeof(item));
		if (r < 0)
			return r;
	}
	items = (const struct change_item *)apply->items.data;

	key = (MDB_val){sorted->key_len, sorted->key};
	rc = mdb_cursor_get(apply->cursor, &key, &value, MDB_SET);
	if (rc == 0)
		old = (struct rrsets){value.mv_data, value.mv_size};
	else if (rc != MDB_NOTFOUND)
		return table_errno(rc);

	r = rrsets_edit(old, items, count, apply->fresh, &apply->value,
			apply->why);
	if (r)
		return r;
	new = (struct rrsets){apply->value.data, apply->value.len};
	return apply_add(apply, sorted->key, sorted->key_len, &items->rr.owner,
			 old, new);
}

static int apply_write(struct apply *apply)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < apply_count(apply); i++) {
		const struct verdict *verdict = apply_verdict(apply, i);
		struct rrsets new = apply_value(apply, verdict);
		MDB_val key = {verdict->key_len,
			       (void *)apply_key(apply, verdict)};
		MDB_val value = {new.len, (void *)new.data};

		assert(new.len <= apply->values.len - verdict->value_at);
		if (new.len)
			rc = mdb_cursor_put(apply->cursor, &key, &value, 0);
		else if (verdict->old.len)
			rc = mdb_del(apply->txn, apply->tables->records, &key,
				     NULL);
	}
	return table_errno(rc);
}

int apply_begin(struct apply *apply)
{
	int r = table_errno(mdb_cursor_open(apply->txn, apply->tables->records,
					    &apply->cursor));

	if (r == 0)
		r = table_get_counts(apply->tables, apply->txn, apply->table,
				     &apply->counts);
	apply->before = apply->counts.records;
	return r;
}

/* The zones that come and go, from the last one on, and then all owners. */
static int tally_zones(struct apply *apply, struct zone_tally *tally)
{
	size_t count = apply_count(apply);
	const struct verdict *verdict;
	int r = 0;

	for (size_t i = apply->moves_zones ? count : 0; r == 0 && i-- > 0;) {
		verdict = apply_verdict(apply, i);
		if (verdict->zone.soa)
			r = zone_tally_soa(tally, apply_key(apply, verdict),
					   verdict->key_len,
					   verdict->zone.soa > 0);
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		verdict = apply_verdict(apply, i);
		r = zone_tally_owner(tally, apply_key(apply, verdict),
				     verdict->key_len, &verdict->zone);
	}
	return r < 0 ? r : zone_tally_flush(tally);
}

static int write_with_zones(struct apply *apply, struct settle *settle)
{
	CLEANUP(zone_tally_deinit) struct zone_tally tally = {0};
	int r = zone_tally_init(&tally, apply->tables, apply->txn,
				apply->now_ns);

	tally.marks_ahead = !apply->fresh && !settle;
	if (r == 0)
		r = tally_zones(apply, &tally);
	if (r == 0 && settle)
		r = settle_write(settle);
	if (r == 0)
		r = apply_write(apply);
	if (r == 0)
		r = zone_tally_end(&tally);
	if (r < 0 || apply->fresh)
		return r;
	return settle ? settle_end(settle) : settle_serials(apply);
}

/* All owners are judged: what the whole comes to, and write it. */
int apply_end(struct apply *apply)
{
	CLEANUP(settle_freep) struct settle *settle = NULL;
	int r = settle_judge(&settle, apply);

	if (r == 0 && !apply->fresh)
		r = table_fits(apply->tables, apply->before,
			       apply->counts.records, apply->why);
	if (r == 0)
		r = write_with_zones(apply, settle);
	apply->counts.changed_ns = apply->now_ns;
	return r ? r
		 : table_put_counts(apply->tables, apply->txn, apply->table,
				    &apply->counts);
}

static bool same_owner(const struct sorted_item *a, const struct sorted_item *b)
{
	return a->key_len == b->key_len && !memcmp(a->key, b->key, a->key_len);
}

static int apply_change(struct apply *apply, const struct change *change)
{
	size_t count;
	int r;

	if (!change->count)
		return 0;
	r = apply_begin(apply);
	if (r == 0)
		r = apply_sort(apply, change);
	for (size_t i = 0; r == 0 && i < change->count; i += count) {
		for (count = 1; i + count < change->count; count++)
			if (!same_owner(&apply->sorted[i],
					&apply->sorted[i + count]))
				break;
		r = apply_judge(apply, change, &apply->sorted[i], count);
	}
	return r ? r : apply_end(apply);
}

int table_apply(const struct tables *tables, MDB_txn *txn, uint32_t table,
		const struct change *change, bool fresh, int64_t now_ns,
		struct refusal *why)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = tables,
		.txn = txn,
		.table = table,
		.fresh = fresh,
		.now_ns = now_ns,
		.why = why,
	};

	return apply_change(&apply, change);
}

int table_apply_by(const struct tables *tables, MDB_txn *txn, uint32_t table,
		   const struct change *change, enum settle_by by,
		   int64_t now_ns, struct refusal *why)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = tables,
		.txn = txn,
		.table = table,
		.by = by,
		.now_ns = now_ns,
		.why = why,
	};

	return apply_change(&apply, change);
}

/* The records of @rrsets as adds with this owner. */
static int add_all(struct change *change, struct rrsets rrsets,
		   const struct name *owner)
{
	struct rr rr = {.owner = *owner};
	struct rrset rrset;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && rrsets_next(rrsets, &offset, &rrset)) {
		struct rrset_rr one;
		size_t at = 0;

		rr.type = rrset.type;
		while (r == 0 && rrset_next(&rrset, &at, &one)) {
			rr.ttl = get_u32(one.wire + RR_HEAD_TTL);
			rr.rdata = one.rdata;
			rr.rdlen = one.rdlen;
			r = rr_measure(rr.type, rr.rdata, rr.rdlen,
				       &rr.measure);
			if (r == 0)
				r = change_add(change, &rr, 0);
		}
	}
	return r;
}

int table_move(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *from, const struct name *to, int64_t now_ns,
	       struct refusal *why)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct rrsets rrsets;
	int r = table_get_owner(tables, txn, table, from, &rrsets);

	if (r == -ENOENT)
		return ENOENT;
	if (r == 0)
		r = change_drop(&change, from);
	if (r == 0)
		r = change_drop(&change, to);
	if (r == 0)
		r = add_all(&change, rrsets, to);
	if (r < 0)
		return r;
	return table_apply(tables, txn, table, &change, false, now_ns, why);
}

int table_digest(const struct tables *tables, MDB_txn *txn, uint32_t table,
		 const struct name *owner, uint64_t *out)
{
	struct rrsets rrsets = {0};
	int r = table_get_owner(tables, txn, table, owner, &rrsets);

	if (r < 0 && r != -ENOENT)
		return r;
	*out = rrsets_digest(rrsets);
	return 0;
}

/* Whole, and not record by record: an owner may have a mebibyte of them. */
int table_take(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       uint32_t source, const struct name *owner, int64_t now_ns,
	       struct refusal *why)
{
	CLEANUP(apply_deinit)
	struct apply apply = {
		.tables = tables,
		.txn = txn,
		.table = table,
		.now_ns = now_ns,
		.why = why,
	};
	struct rrsets old = {0}, new = {0};
	uint8_t key[TABLE_KEY_SIZE];
	size_t key_len = table_key(key, table, owner);
	int r = apply_begin(&apply);

	if (r == 0)
		r = table_get_owner(tables, txn, table, owner, &old);
	if (r == 0 || r == -ENOENT)
		r = table_get_owner(tables, txn, source, owner, &new);
	if (r == 0 || r == -ENOENT)
		r = apply_add(&apply, key, key_len, owner, old, new);
	return r ? r : apply_end(&apply);
}
