// SPDX-License-Identifier: Apache-2.0
/*
 * store_anchors.c - the rows of anchors
 *
 * A row is a struct store_anchor as it lies in memory, cut off where its name
 * ends, under its id in the machine's own order.
 */
#include <errno.h>

#include "anchors/store_anchors.h"

/* The name is the last member, and ends the row where it ends. */
static size_t stored_size(const struct store_anchor *anchor)
{
	return offsetof(struct store_anchor, name) + anchor->name_len;
}

static int read_anchor(uint64_t id, const MDB_val *value,
		       struct store_anchor *out)
{
	struct store_anchor anchor = {0};

	if (value->mv_size > sizeof(anchor) ||
	    value->mv_size < offsetof(struct store_anchor, name))
		return -EBADMSG;
	memcpy(&anchor, value->mv_data, value->mv_size);
	if (anchor.id != id || stored_size(&anchor) != value->mv_size)
		return -EBADMSG;
	*out = anchor;
	return 0;
}

struct each {
	store_each_anchor_fn *anchor;
	store_each_served_fn *served;
	void *arg;
};

static int see_anchor(const struct each *each, const MDB_val *key,
		      const MDB_val *value)
{
	struct store_anchor anchor;
	uint64_t id = 0;

	if (key->mv_size == sizeof(id))
		memcpy(&id, key->mv_data, sizeof(id));
	if (id && read_anchor(id, value, &anchor) == 0)
		return each->anchor(each->arg, id, &anchor);
	return each->anchor(each->arg, id, NULL);
}

static int see_served(const struct each *each, const MDB_val *key,
		      const MDB_val *value)
{
	uint64_t id = 0;

	(void)value;
	if (key->mv_size == sizeof(id))
		id = (uint64_t)get_u32(key->mv_data) << 32 |
		     get_u32((uint8_t *)key->mv_data + 4);
	return each->served(each->arg, id);
}

static int each_row(MDB_txn *txn, MDB_dbi dbi,
		    int (*see)(const struct each *, const MDB_val *,
			       const MDB_val *),
		    const struct each *each)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	int r = 0, rc = mdb_cursor_open(txn, dbi, &cursor);

	if (rc != 0)
		return table_errno(rc);
	while (r == 0 &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		r = see(each, &key, &value);
	mdb_cursor_close(cursor);
	return r || rc == MDB_NOTFOUND ? r : table_errno(rc);
}

int store_each(const struct store *store, store_each_anchor_fn *anchor,
	       store_each_served_fn *served, void *arg)
{
	const struct each each = {anchor, served, arg};
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return table_errno(rc);
	r = each_row(txn, store->anchors, see_anchor, &each);
	if (r == 0)
		r = each_row(txn, store->tables.serving, see_served, &each);
	mdb_txn_abort(txn);
	return r;
}

int store_get_anchor(const struct store *store, MDB_txn *txn, uint64_t id,
		     struct store_anchor *out)
{
	MDB_val key = {sizeof(id), &id}, value;
	int rc = mdb_get(txn, store->anchors, &key, &value);

	return rc ? table_errno(rc) : read_anchor(id, &value, out);
}

int store_put_anchor(const struct store *store, MDB_txn *txn,
		     const struct store_anchor *anchor)
{
	uint64_t id = anchor->id;
	MDB_val key = {sizeof(id), &id};
	MDB_val value = {stored_size(anchor), (void *)anchor};

	return table_errno(mdb_put(txn, store->anchors, &key, &value, 0));
}

int store_del_anchor(const struct store *store, MDB_txn *txn, uint64_t id)
{
	MDB_val key = {sizeof(id), &id};

	return table_errno(mdb_del(txn, store->anchors, &key, NULL));
}

int store_above(const struct store *store, MDB_txn *txn, uint64_t below,
		uint64_t id)
{
	struct store_anchor anchor = {.parent = below};
	MDB_stat stat;
	int r = table_errno(mdb_stat(txn, store->anchors, &stat));

	if (r < 0)
		return r;
	/* The host's anchor is in no other one, and may have no row. */
	while (anchor.parent != STORE_HOST_ID) {
		if (anchor.parent == id)
			return EINVAL;
		if (!stat.ms_entries--)
			return EIO;
		r = store_get_anchor(store, txn, anchor.parent, &anchor);
		if (r == -ENOENT)
			return ENODEV;
		if (r < 0)
			return r == -EBADMSG ? EIO : r;
	}
	return 0;
}
