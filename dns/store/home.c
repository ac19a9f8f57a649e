// SPDX-License-Identifier: Apache-2.0
/*
 * home.c - homes, and the zones in them
 *
 * Numbers of homes and of zones come from one count, so that none is ever
 * another's, and a journal that was left behind is nobody's.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/home_layout.h"

/* ---- Rows ---- */

int home_put_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key, const void *row,
		 size_t size)
{
	MDB_val value = {size, (void *)row};

	return table_errno(mdb_put(txn, dbi, &key, &value, 0));
}

int home_get_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key, void *row, size_t size)
{
	MDB_val value;
	int rc = mdb_get(txn, dbi, &key, &value);

	if (rc != 0)
		return table_errno(rc);
	if (value.mv_size != size)
		return -EIO;
	memcpy(row, value.mv_data, size);
	return 0;
}

int home_del_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key)
{
	int rc = mdb_del(txn, dbi, &key, NULL);

	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

int home_del_all(MDB_txn *txn, MDB_dbi dbi, MDB_val prefix)
{
	size_t max = SIZE_MAX;
	bool left;

	return table_del_slice(txn, dbi, prefix, &max, &left);
}

int home_next_row(MDB_txn *txn, MDB_dbi dbi, const struct home_key *prefix,
		  const uint8_t *after, size_t after_len, struct name *name,
		  MDB_val *value)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	struct home_key from = *prefix;
	int rc = mdb_cursor_open(txn, dbi, &cursor);
	MDB_val key;

	assert(after_len <= sizeof(from.octets) - from.len);
	if (after_len)
		memcpy(from.octets + from.len, after, after_len);
	from.len += after_len;
	key = home_key_val(&from);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, value, MDB_SET_RANGE);
	if (rc == 0 && after && key.mv_size == from.len &&
	    !memcmp(key.mv_data, from.octets, from.len))
		rc = mdb_cursor_get(cursor, &key, value, MDB_NEXT);
	if (rc != 0)
		return table_errno(rc);
	if (key.mv_size < prefix->len ||
	    memcmp(key.mv_data, prefix->octets, prefix->len) != 0)
		return -ENOENT;
	return name_from_key((uint8_t *)key.mv_data + prefix->len,
			     key.mv_size - prefix->len, name) < 0
		       ? -EIO
		       : 0;
}

/* ---- Numbers ---- */

static MDB_val count_key(void)
{
	return (MDB_val){1, (void *)"n"};
}

int home_id(const struct tables *tables, MDB_txn *txn, uint32_t *out)
{
	uint32_t last = 0;
	int r = home_get_row(txn, tables->zones, count_key(), &last,
			     sizeof(last));

	if (r < 0 && r != -ENOENT)
		return r;
	/* Four thousand million homes and zones were made by then. */
	if (last == UINT32_MAX)
		return -ENOSPC;
	last++;
	r = home_put_row(txn, tables->zones, count_key(), &last, sizeof(last));
	if (r == 0)
		*out = last;
	return r;
}

/* ---- Homes ---- */

static struct home_key home_row_key(uint32_t home)
{
	struct home_key key = {0};

	home_key_octet(&key, 'h');
	home_key_number(&key, home);
	return key;
}

static struct home_key zone_prefix(uint32_t home)
{
	struct home_key key = {0};

	home_key_octet(&key, 'z');
	home_key_number(&key, home);
	return key;
}

static struct home_key zone_key(uint32_t home, const struct name *apex)
{
	struct home_key key = zone_prefix(home);

	home_key_name(&key, apex);
	return key;
}

int home_get(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     struct home *out)
{
	struct home_key key = home_row_key(home);

	return home_get_row(txn, tables->zones, home_key_val(&key), out,
			    sizeof(*out));
}

int home_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     const struct home *in)
{
	struct home_key key = home_row_key(home);

	return home_put_row(txn, tables->zones, home_key_val(&key), in,
			    sizeof(*in));
}

int snapshot_home(struct snapshot *snapshot, uint32_t home, struct home *out)
{
	return home_get(snapshot_tables(snapshot), snapshot_txn(snapshot), home,
			out);
}

int home_make(const struct tables *tables, MDB_txn *txn, uint64_t server,
	      uint32_t *home)
{
	struct table_counts counts;
	struct served served;
	struct home none = {.server = server};
	int r = table_served(tables, txn, server, &served);

	if (r == 0 && !served.home) {
		r = home_id(tables, txn, &served.home);
		if (r == 0)
			r = home_put(tables, txn, served.home, &none);
		if (r == 0)
			r = table_put_served(tables, txn, server, &served);
		if (r == 0)
			r = table_get_counts(tables, txn, served.table,
					     &counts);
		counts.home = served.home;
		if (r == 0)
			r = table_put_counts(tables, txn, served.table,
					     &counts);
	}
	if (r == 0)
		*home = served.home;
	return r;
}

static struct home_key number_prefix(uint32_t id)
{
	struct home_key prefix = {0};

	home_key_number(&prefix, id);
	return prefix;
}

int home_retire(const struct tables *tables, MDB_txn *txn, uint32_t home)
{
	struct home_key row = home_row_key(home), number = number_prefix(home);
	int r = home_del_all(txn, tables->keys, home_key_val(&number));

	return r < 0 ? r : home_del_row(txn, tables->zones, home_key_val(&row));
}

/* The first zone that is left, as far as @max goes: -ENOENT: there is none. */
static int free_zone(const struct tables *tables, MDB_txn *txn, uint32_t home,
		     size_t *max, bool *left)
{
	struct home_key prefix = zone_prefix(home), zone, journal;
	struct zone_row row;
	struct name apex;
	int r = zone_row_next(tables, txn, home, NULL, 0, &apex, &row);

	if (r < 0)
		return r;
	journal = number_prefix(row.id);
	r = table_del_slice(txn, tables->journal, home_key_val(&journal), max,
			    left);
	if (r == 0 && !*max)
		*left = true;
	if (r < 0 || *left)
		return r;
	zone = prefix;
	home_key_name(&zone, &apex);
	--*max;
	return home_del_row(txn, tables->zones, home_key_val(&zone));
}

int home_free_slice(const struct tables *tables, MDB_txn *txn, uint32_t home,
		    size_t *max, bool *left)
{
	struct home_key number = number_prefix(home);
	int r = 0;

	*left = false;
	while (r == 0 && !*left) {
		*left = !*max;
		if (*max)
			r = free_zone(tables, txn, home, max, left);
	}
	if (r != -ENOENT)
		return r;
	return table_del_slice(txn, tables->lists, home_key_val(&number), max,
			       left);
}

int snapshot_served(struct snapshot *snapshot, uint64_t server,
		    struct served *out)
{
	return table_served(snapshot_tables(snapshot), snapshot_txn(snapshot),
			    server, out);
}

/* ---- Zones ---- */

int zone_row_get(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex, struct zone_row *out)
{
	struct home_key key = zone_key(home, apex);

	return home_get_row(txn, tables->zones, home_key_val(&key), out,
			    sizeof(*out));
}

int zone_row_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex, const struct zone_row *in)
{
	struct home_key key = zone_key(home, apex);

	return home_put_row(txn, tables->zones, home_key_val(&key), in,
			    sizeof(*in));
}

int home_fits_zone(const struct tables *tables, const struct home *home,
		   struct refusal *why)
{
	if (!tables->records_max || home->zones < tables->records_max)
		return 0;
	return refusal_set(why, EDQUOT,
			   "max-records=%llu: %u zones have settings, or a "
			   "serial to go on from; rmdir some, or start with "
			   "more",
			   (unsigned long long)tables->records_max,
			   home->zones);
}

static int count_zone(const struct tables *tables, MDB_txn *txn,
		      uint32_t number, bool comes)
{
	struct home home;
	int r = home_get(tables, txn, number, &home);

	if (r < 0)
		return r;
	assert(comes || home.zones);
	home.zones += comes ? 1 : -1u;
	return home_put(tables, txn, number, &home);
}

int zone_row_make(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const struct name *apex, struct zone_row *out)
{
	struct zone_row row = {0};
	int r = zone_row_get(tables, txn, home, apex, &row);

	if (r == -ENOENT) {
		r = count_zone(tables, txn, home, true);
		if (r == 0)
			r = home_id(tables, txn, &row.id);
		if (r == 0)
			r = zone_row_put(tables, txn, home, apex, &row);
	}
	if (r == 0)
		*out = row;
	return r;
}

int zone_row_del(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex)
{
	static const enum list_kind kinds[] = {LIST_SECONDARIES, LIST_PRIMARIES,
					       LIST_UPDATES};
	struct home_key key = zone_key(home, apex), journal;
	struct zone_row row = {0};
	int r = zone_row_get(tables, txn, home, apex, &row);

	journal = number_prefix(row.id);
	/* By what keeps the home's counts true. */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		r = home_list_put(tables, txn, home, kinds[i], apex, NULL, 0);
	if (r == 0)
		r = home_del_all(txn, tables->journal, home_key_val(&journal));
	if (r == 0)
		r = count_zone(tables, txn, home, false);
	return r < 0 ? r : home_del_row(txn, tables->zones, home_key_val(&key));
}

int snapshot_zone_row(struct snapshot *snapshot, uint32_t home,
		      const struct name *apex, struct zone_row *out)
{
	return zone_row_get(snapshot_tables(snapshot), snapshot_txn(snapshot),
			    home, apex, out);
}

int zone_row_next(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const uint8_t *after, size_t after_len, struct name *apex,
		  struct zone_row *out)
{
	struct home_key prefix = zone_prefix(home);
	MDB_val value;
	int r = home_next_row(txn, tables->zones, &prefix, after, after_len,
			      apex, &value);

	if (r < 0)
		return r;
	if (value.mv_size != sizeof(*out))
		return -EIO;
	memcpy(out, value.mv_data, sizeof(*out));
	return 0;
}

int snapshot_zone_row_next(struct snapshot *snapshot, uint32_t home,
			   const uint8_t *after, size_t after_len,
			   struct name *apex, struct zone_row *out)
{
	return zone_row_next(snapshot_tables(snapshot), snapshot_txn(snapshot),
			     home, after, after_len, apex, out);
}

bool zone_is_shared(const struct home *home, const struct zone_row *row)
{
	return home->has_secondaries || row->has_secondaries;
}

bool zone_is_counted(const struct home *home, const struct zone_row *row)
{
	/* A secondary's serials are its primary's, a catalog's its own. */
	if (row->is_secondary || row->is_catalog || home->policy == SERIAL_KEEP)
		return false;
	return home->policy != SERIAL_AUTO || zone_is_shared(home, row) ||
	       home->has_updates || row->has_updates;
}

int zone_row_checked(const struct tables *tables, MDB_txn *txn, uint32_t number,
		     const struct name *apex, int64_t checked_ns, bool is_dark)
{
	struct zone_row row;
	struct home home;
	int r = home_get(tables, txn, number, &home);

	if (r == 0)
		r = zone_row_get(tables, txn, number, apex, &row);
	if (r < 0 || !row.is_secondary)
		return r < 0 ? r : -ENOENT;
	if (row.is_dark != is_dark) {
		home.dark += is_dark ? 1 : -1u;
		r = home_put(tables, txn, number, &home);
	}
	row.is_dark = is_dark;
	row.checked_ns = checked_ns;
	return r < 0 ? r : zone_row_put(tables, txn, number, apex, &row);
}
