// SPDX-License-Identifier: Apache-2.0
/*
 * zone.c - finding a zone: by its apex, by a name in it, in order
 *
 * The zone of a name is the nearest apex at or above it. In DNS order that is
 * not behind the name; and what stands between the two is below the apex. So
 * the row before a name is its zone, or has its zone in common with it: then it
 * is looked for again from where the two part.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/soa.h"
#include "dns/store/zone_layout.h"

/* Octets of the ancestor whose key has @len octets at most. */
static size_t ancestor_len(const uint8_t *key, size_t len)
{
	while (len > TABLE_NUMBER_SIZE && key[len - 1])
		len--;
	return len;
}

bool zone_key_parent(struct zone_key *key)
{
	if (key->len <= TABLE_NUMBER_SIZE)
		return false;
	key->len = ancestor_len(key->octets, key->len - 1);
	return true;
}

void zone_key_skip(struct zone_key *key)
{
	/* Zero ends a label, and nothing within one is less than one. */
	assert(key->len > TABLE_NUMBER_SIZE && !key->octets[key->len - 1]);
	key->octets[key->len - 1] = 1;
}

int zone_at_from(MDB_val key, MDB_val value, struct zone_at *out)
{
	if (key.mv_size > sizeof(out->key.octets) ||
	    value.mv_size != sizeof(out->counts))
		return -EIO;
	zone_key_set(&out->key, key.mv_data, key.mv_size);
	memcpy(&out->counts, value.mv_data, sizeof(out->counts));
	return 0;
}

/* The last row that is not behind @want. */
static int find_last(MDB_cursor *apexes, const struct zone_key *want,
		     MDB_val *key, MDB_val *value)
{
	int rc;

	*key = (MDB_val){want->len, (void *)want->octets};
	rc = mdb_cursor_get(apexes, key, value, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(apexes, key, value, MDB_LAST);
	if (rc == 0 && !zone_key_is(want, key->mv_data, key->mv_size))
		rc = mdb_cursor_get(apexes, key, value, MDB_PREV);
	return rc;
}

static size_t common_len(const struct zone_key *a, const uint8_t *b,
			 size_t b_len)
{
	size_t len = 0;

	while (len < a->len && len < b_len && a->octets[len] == b[len])
		len++;
	return len;
}

int zone_at_find(MDB_cursor *apexes, const uint8_t *key, size_t len,
		 struct zone_at *out)
{
	struct zone_key want;

	assert(len >= TABLE_NUMBER_SIZE && len <= sizeof(want.octets));
	zone_key_set(&want, key, len);
	for (;;) {
		MDB_val found, value;
		size_t common;
		int rc = find_last(apexes, &want, &found, &value);

		if (rc != 0)
			return table_errno(rc);
		common = common_len(&want, found.mv_data, found.mv_size);
		if (common == found.mv_size)
			return zone_at_from(found, value, out);
		if (common < TABLE_NUMBER_SIZE)
			return -ENOENT;
		want.len = ancestor_len(want.octets, common);
	}
}

int zone_at_get(MDB_cursor *apexes, const struct zone_key *apex,
		struct zone_at *out)
{
	MDB_val value, key = {apex->len, (void *)apex->octets};
	int rc = mdb_cursor_get(apexes, &key, &value, MDB_SET);

	return rc != 0 ? table_errno(rc) : zone_at_from(key, value, out);
}

int zone_at_above(MDB_cursor *apexes, const struct zone_key *of,
		  struct zone_at *out)
{
	struct zone_key parent = *of;

	return zone_key_parent(&parent)
		       ? zone_at_find(apexes, parent.octets, parent.len, out)
		       : -ENOENT;
}

int zone_at_below(MDB_cursor *apexes, const struct zone_key *apex,
		  const struct zone_key *from, struct zone_at *out)
{
	MDB_val value, key = {from->len, (void *)from->octets};
	int rc = mdb_cursor_get(apexes, &key, &value, MDB_SET_RANGE);

	if (rc == 0 && zone_key_is(apex, key.mv_data, key.mv_size))
		rc = mdb_cursor_get(apexes, &key, &value, MDB_NEXT);
	if (rc != 0)
		return table_errno(rc);
	if (!table_key_is_under(key.mv_data, key.mv_size, apex->octets,
				apex->len))
		return -ENOENT;
	return zone_at_from(key, value, out);
}

int zone_at_put(MDB_cursor *apexes, const struct zone_at *at)
{
	MDB_val key = {at->key.len, (void *)at->key.octets};
	MDB_val value = {sizeof(at->counts), (void *)&at->counts};

	return table_errno(mdb_cursor_put(apexes, &key, &value, 0));
}

/* ---- What others ask ---- */

struct zone_size zone_shown(const struct zone_counts *counts)
{
	struct zone_size size = counts->own;

	zone_size_add(&size, &counts->below, 1);
	return size;
}

int table_zone(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *apex, struct zone_counts *out)
{
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val key = {table_key(octets, table, apex), octets}, value;
	int rc = mdb_get(txn, tables->apexes, &key, &value);

	if (rc == 0)
		memcpy(out, value.mv_data, sizeof(*out));
	return table_errno(rc);
}

static int show(const struct zone_at *at, struct name *apex,
		struct zone_counts *out)
{
	if (name_from_key(at->key.octets + TABLE_NUMBER_SIZE,
			  at->key.len - TABLE_NUMBER_SIZE, apex) < 0)
		return -EIO;
	*out = at->counts;
	return 0;
}

int table_zone_of(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *name, struct name *apex,
		  struct zone_counts *out)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	uint8_t key[TABLE_KEY_SIZE];
	size_t len = table_key(key, table, name);
	struct zone_at at;
	int r = table_errno(mdb_cursor_open(txn, tables->apexes, &apexes));

	if (r == 0)
		r = zone_at_find(apexes, key, len, &at);
	return r < 0 ? r : show(&at, apex, out);
}

/* Of an apex that is nested in @apex: is there none between? */
static int side_of_nested(const struct tables *tables, MDB_txn *txn,
			  uint32_t table, const struct name *apex,
			  const struct name *nested)
{
	struct zone_counts counts;
	struct name parent, above;
	int r;

	name_ancestor(nested, 1, &parent);
	r = table_zone_of(tables, txn, table, &parent, &above, &counts);
	if (r < 0)
		return r == -ENOENT ? ZONE_NESTED : r;
	return name_equal(&above, apex) ? ZONE_OWN : ZONE_NESTED;
}

int zone_side(const struct tables *tables, MDB_txn *txn, uint32_t table,
	      const struct name *apex, const struct name *owner, uint16_t type)
{
	struct zone_counts counts;
	struct name at;
	int r = table_zone_of(tables, txn, table, owner, &at, &counts);

	assert(name_is_under(owner, apex));
	if (r < 0)
		return r == -ENOENT ? ZONE_OWN : r;
	if (name_equal(&at, apex))
		return type == RR_DS && counts.is_nested &&
				       name_equal(owner, apex)
			       ? ZONE_ABOVE
			       : ZONE_OWN;
	if (!name_is_under(&at, apex))
		return ZONE_OWN;
	return type == RR_DS && name_equal(owner, &at)
		       ? side_of_nested(tables, txn, table, apex, &at)
		       : ZONE_NESTED;
}

int zone_is_alone(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *apex)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	struct zone_key key;
	struct zone_at other;
	int r = table_errno(mdb_cursor_open(txn, tables->apexes, &apexes));

	key.len = table_key(key.octets, table, apex);
	if (r == 0)
		r = zone_at_below(apexes, &key, &key, &other);
	if (r == -ENOENT)
		r = zone_at_above(apexes, &key, &other);
	return r == -ENOENT ? 1 : r;
}

int zone_touch(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *apex, int64_t changed_ns)
{
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val key = {table_key(octets, table, apex), octets}, value;
	struct zone_counts counts;
	int r = table_zone(tables, txn, table, apex, &counts);

	if (r < 0)
		return r;
	counts.changed_ns = changed_ns;
	value = (MDB_val){sizeof(counts), &counts};
	return table_errno(mdb_put(txn, tables->apexes, &key, &value, 0));
}

int snapshot_zone(struct snapshot *snapshot, uint32_t table,
		  const struct name *apex, struct zone_counts *out)
{
	return table_zone(snapshot_tables(snapshot), snapshot_txn(snapshot),
			  table, apex, out);
}

int snapshot_zone_of(struct snapshot *snapshot, uint32_t table,
		     const struct name *name, struct name *apex,
		     struct zone_counts *out)
{
	return table_zone_of(snapshot_tables(snapshot), snapshot_txn(snapshot),
			     table, name, apex, out);
}

/* The first row of the table that is behind @after. */
static int find_next(MDB_cursor *apexes, const struct zone_key *after,
		     bool is_first, struct zone_at *out)
{
	MDB_val value, key = {after->len, (void *)after->octets};
	int rc = mdb_cursor_get(apexes, &key, &value, MDB_SET_RANGE);

	if (rc == 0 && !is_first &&
	    zone_key_is(after, key.mv_data, key.mv_size))
		rc = mdb_cursor_get(apexes, &key, &value, MDB_NEXT);
	if (rc != 0)
		return table_errno(rc);
	if (!table_key_is_under(key.mv_data, key.mv_size, after->octets,
				TABLE_NUMBER_SIZE))
		return -ENOENT;
	return zone_at_from(key, value, out);
}

int snapshot_zone_next(struct snapshot *snapshot, uint32_t table,
		       const uint8_t *after, size_t after_len,
		       struct name *apex, struct zone_counts *out)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	struct zone_key from = {.len = TABLE_NUMBER_SIZE};
	struct zone_at at;
	int r;

	assert(after_len <= NAME_KEY_SIZE);
	put_u32(from.octets, table);
	if (after_len)
		memcpy(from.octets + from.len, after, after_len);
	from.len += after_len;
	r = table_errno(mdb_cursor_open(snapshot_txn(snapshot),
					snapshot_tables(snapshot)->apexes,
					&apexes));
	if (r == 0)
		r = find_next(apexes, &from, !after, &at);
	return r < 0 ? r : show(&at, apex, out);
}

int snapshot_serial(struct snapshot *snapshot, uint32_t table,
		    const struct name *apex, uint32_t *out)
{
	struct rrsets rrsets;
	struct rrset rrset;
	struct rrset_rr rr;
	size_t at = 0;
	int r = snapshot_get(snapshot, table, apex, &rrsets);

	if (r < 0)
		return r;
	if (!rrsets_find(rrsets, RR_SOA, &rrset) ||
	    !rrset_next(&rrset, &at, &rr))
		return -ENOENT;
	*out = soa_serial(rr.rdata, rr.rdlen);
	return 0;
}
