// SPDX-License-Identifier: Apache-2.0
/*
 * home_list.c - lists of who may do what, and what is known of them
 *
 * Whether there is a line, struct home and struct zone_row say too, so that who
 * only wants to know that need not look here. They are kept in the same
 * transaction, by what they were before: a list that is written anew and was
 * there before makes no zone a secondary for a second time.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/home_layout.h"

/* A zone's own lists have one octet more, so that the root's are its own. */
static struct home_key list_key(uint32_t home, enum list_kind kind,
				const struct name *apex)
{
	struct home_key key = {0};

	home_key_number(&key, home);
	home_key_octet(&key, (uint8_t)kind);
	if (apex) {
		home_key_octet(&key, 'z');
		home_key_name(&key, apex);
	}
	return key;
}

int home_list(const struct tables *tables, MDB_txn *txn, uint32_t home,
	      enum list_kind kind, const struct name *apex, MDB_val *out)
{
	struct home_key octets = list_key(home, kind, apex);
	MDB_val key = home_key_val(&octets);

	return table_errno(mdb_get(txn, tables->lists, &key, out));
}

int snapshot_list(struct snapshot *snapshot, uint32_t home, enum list_kind kind,
		  const struct name *apex, MDB_val *out)
{
	return home_list(snapshot_tables(snapshot), snapshot_txn(snapshot),
			 home, kind, apex, out);
}

/* Nothing has come yet from a primary that is new. */
static void become_secondary(struct home *home, struct zone_row *row, bool is)
{
	if (row->is_secondary == is)
		return;
	home->secondaries += is ? 1 : -1u;
	if (row->is_dark != is)
		home->dark += is ? 1 : -1u;
	row->is_secondary = row->is_dark = is;
	row->checked_ns = 0;
}

static int note_zone(const struct tables *tables, MDB_txn *txn, uint32_t number,
		     enum list_kind kind, const struct name *apex, bool has)
{
	struct zone_row row;
	struct home home;
	int r;

	/* A list that goes needs no zone to be made for it. */
	r = has ? zone_row_make(tables, txn, number, apex, &row)
		: zone_row_get(tables, txn, number, apex, &row);
	if (r == -ENOENT && !has)
		return 0;
	if (r == 0)
		r = home_get(tables, txn, number, &home);
	if (r < 0)
		return r;
	if (kind == LIST_SECONDARIES)
		row.has_secondaries = has;
	else if (kind == LIST_UPDATES)
		row.has_updates = has;
	else
		become_secondary(&home, &row, has);
	r = zone_row_put(tables, txn, number, apex, &row);
	return r < 0 ? r : home_put(tables, txn, number, &home);
}

static int note_all(const struct tables *tables, MDB_txn *txn, uint32_t number,
		    enum list_kind kind, bool has)
{
	struct home home;
	int r = home_get(tables, txn, number, &home);

	if (r < 0 || kind == LIST_CATALOG)
		return r;
	if (kind == LIST_SECONDARIES)
		home.has_secondaries = has;
	else
		home.has_updates = has;
	return home_put(tables, txn, number, &home);
}

int home_list_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  enum list_kind kind, const struct name *apex,
		  const char *text, size_t len)
{
	struct home_key octets = list_key(home, kind, apex);
	MDB_val key = home_key_val(&octets);
	int r;

	assert(apex ? kind != LIST_CATALOG : kind != LIST_PRIMARIES);
	/* First what may be refused. */
	r = apex ? note_zone(tables, txn, home, kind, apex, len)
		 : note_all(tables, txn, home, kind, len);
	if (r < 0)
		return r;
	return len ? home_put_row(txn, tables->lists, key, text, len)
		   : home_del_row(txn, tables->lists, key);
}

static int show_list(MDB_val key, MDB_val text, home_list_fn *each, void *arg)
{
	const uint8_t *octets = key.mv_data;
	struct name apex;

	if (key.mv_size < 5)
		return -EIO;
	if (key.mv_size == 5)
		return each(arg, octets[4], NULL, &text);
	if (name_from_key(octets + 6, key.mv_size - 6, &apex) < 0)
		return -EIO;
	return each(arg, octets[4], &apex, &text);
}

/* The first one, or the one behind that which was shown last. */
static int find_list(MDB_cursor *cursor, uint32_t home,
		     const struct home_list_walk *walk, MDB_val *key,
		     MDB_val *text)
{
	struct home_key prefix = {0};
	int rc;

	home_key_number(&prefix, home);
	*key = walk->len ? (MDB_val){walk->len, (void *)walk->key}
			 : home_key_val(&prefix);
	rc = mdb_cursor_get(cursor, key, text, MDB_SET_RANGE);
	if (rc == 0 && walk->len && key->mv_size == walk->len &&
	    !memcmp(key->mv_data, walk->key, walk->len))
		rc = mdb_cursor_get(cursor, key, text, MDB_NEXT);
	return rc;
}

int home_each_list(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   struct home_list_walk *walk, size_t most, bool *left,
		   home_list_fn *each, void *arg)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key, text;
	size_t shown = 0;
	int r = 0, rc = mdb_cursor_open(txn, tables->lists, &cursor);

	if (rc == 0)
		rc = find_list(cursor, home, walk, &key, &text);
	while (rc == 0 && shown < most && get_u32(key.mv_data) == home) {
		r = show_list(key, text, each, arg);
		if (r)
			return r;
		assert(key.mv_size <= sizeof(walk->key));
		memcpy(walk->key, key.mv_data, key.mv_size);
		walk->len = key.mv_size;
		shown++;
		rc = mdb_cursor_get(cursor, &key, &text, MDB_NEXT);
	}
	if (rc && rc != MDB_NOTFOUND)
		return table_errno(rc);
	*left = shown == most;
	return 0;
}
