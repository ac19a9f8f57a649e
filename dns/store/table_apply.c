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

#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"

/* What an owner's new value does to its table. */
struct verdict {
	uint8_t key[TABLE_KEY_SIZE];
	size_t key_len;
	size_t value_at; /* in the buffer of new values */
	size_t value_len;
	bool had; /* it had records before */
};

/* An item of a change, by its owner's place in DNS order. */
struct sorted_item {
	uint8_t *key; /* in one arena */
	size_t key_len;
	size_t offset; /* of the item in the change */
};

/* One change on its way into a table. */
struct apply {
	const struct tables *tables;
	MDB_txn *txn;
	uint32_t table;
	bool fresh;
	struct refusal *why;
	/*
	 * One cursor finds and puts all owners. They come in order, and LMDB
	 * looks in the page where the cursor stands before it descends.
	 */
	MDB_cursor *cursor;
	struct table_counts counts;
	uint64_t before; /* records */
	struct sorted_item *sorted;
	struct buffer keys;	/* the arena behind sorted */
	struct buffer verdicts; /* struct verdict */
	struct buffer values;
	struct buffer value; /* the one being worked out */
	struct buffer items; /* struct change_item of the owner at hand */
};

static void apply_deinit(struct apply *apply)
{
	table_cursor_closep(&apply->cursor);
	free(apply->sorted);
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

/* Order the items by owner, and as they were given within an owner. */
static int apply_sort(struct apply *apply, const struct change *change)
{
	struct change_item item;
	size_t offset = 0, at, i = 0;
	int r;

	apply->sorted = calloc(change->count, sizeof(*apply->sorted));
	if (!apply->sorted)
		return -ENOMEM;
	/* A key is at most twice its name: one allocation, so none moves. */
	r = buffer_reserve(&apply->keys, 2 * change->items.len);
	if (r < 0)
		return r;
	for (at = 0; change_next(change, &offset, &item); at = offset) {
		struct sorted_item *out = &apply->sorted[i++];
		uint8_t key[TABLE_KEY_SIZE];

		out->key = apply->keys.data + apply->keys.len;
		out->key_len = table_key(key, apply->table, &item.rr.owner);
		out->offset = at;
		assert(out->key_len <= apply->keys.cap - apply->keys.len);
		buffer_add(&apply->keys, key, out->key_len);
	}
	assert(i == change->count);
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

/* The owner has @new for @old. @verdict: its key is set */
static int add_verdict(struct apply *apply, struct verdict *verdict,
		       const struct name *owner, struct rrsets old,
		       struct rrsets new)
{
	int r;

	count_size(apply, owner, old, -1);
	count_size(apply, owner, new, 1);
	verdict->had = old.len;
	verdict->value_at = apply->values.len;
	verdict->value_len = new.len;
	r = buffer_add(&apply->values, new.data, new.len);
	if (r == 0)
		r = buffer_add(&apply->verdicts, verdict, sizeof(*verdict));
	return r;
}

/* Judge one owner: @count items from @sorted on. */
static int apply_judge(struct apply *apply, const struct change *change,
		       const struct sorted_item *sorted, size_t count)
{
	struct verdict verdict = {.key_len = sorted->key_len};
	const struct change_item *items;
	struct rrsets old = {0}, new;
	MDB_val key, value;
	int r, rc;

	assert(count && sorted->key_len <= sizeof(verdict.key));
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

	memcpy(verdict.key, sorted->key, sorted->key_len);
	key = (MDB_val){verdict.key_len, verdict.key};
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
	return add_verdict(apply, &verdict, &items->rr.owner, old, new);
}

static int apply_write(struct apply *apply)
{
	const struct verdict *verdict =
		(const struct verdict *)apply->verdicts.data;
	size_t count = apply->verdicts.len / sizeof(*verdict);
	int rc = 0;

	for (; rc == 0 && count; verdict++, count--) {
		MDB_val key = {verdict->key_len, (void *)verdict->key};
		MDB_val value = {verdict->value_len,
				 apply->values.data + verdict->value_at};

		assert(value.mv_size <= apply->values.len - verdict->value_at);
		if (verdict->value_len)
			rc = mdb_cursor_put(apply->cursor, &key, &value, 0);
		else if (verdict->had)
			rc = mdb_del(apply->txn, apply->tables->records, &key,
				     NULL);
	}
	return table_errno(rc);
}

static int apply_begin(struct apply *apply)
{
	int r = table_errno(mdb_cursor_open(apply->txn, apply->tables->records,
					    &apply->cursor));

	if (r == 0)
		r = table_get_counts(apply->tables, apply->txn, apply->table,
				     &apply->counts);
	apply->before = apply->counts.records;
	return r;
}

/* All owners are judged: what the whole comes to, and write it. */
static int apply_end(struct apply *apply, int64_t now_ns)
{
	int r = 0;

	if (!apply->fresh)
		r = table_fits(apply->tables, apply->before,
			       apply->counts.records, apply->why);
	if (r == 0)
		r = apply_write(apply);
	apply->counts.changed_ns = now_ns;
	return r ? r
		 : table_put_counts(apply->tables, apply->txn, apply->table,
				    &apply->counts);
}

static bool same_owner(const struct sorted_item *a, const struct sorted_item *b)
{
	return a->key_len == b->key_len && !memcmp(a->key, b->key, a->key_len);
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
		.why = why,
	};
	size_t count;
	int r;

	if (!change->count)
		return 0;
	r = apply_begin(&apply);
	if (r == 0)
		r = apply_sort(&apply, change);
	for (size_t i = 0; r == 0 && i < change->count; i += count) {
		for (count = 1; i + count < change->count; count++)
			if (!same_owner(&apply.sorted[i],
					&apply.sorted[i + count]))
				break;
		r = apply_judge(&apply, change, &apply.sorted[i], count);
	}
	return r ? r : apply_end(&apply, now_ns);
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
		.tables = tables, .txn = txn, .table = table, .why = why};
	struct rrsets old = {0}, new = {0};
	struct verdict verdict;
	int r = apply_begin(&apply);

	verdict.key_len = table_key(verdict.key, table, owner);
	if (r == 0)
		r = table_get_owner(tables, txn, table, owner, &old);
	if (r == 0 || r == -ENOENT)
		r = table_get_owner(tables, txn, source, owner, &new);
	if (r == 0 || r == -ENOENT)
		r = add_verdict(&apply, &verdict, owner, old, new);
	return r ? r : apply_end(&apply, now_ns);
}
