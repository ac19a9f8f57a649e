// SPDX-License-Identifier: Apache-2.0
/*
 * zone_walk.c - all that a zone shows, in order
 *
 * Owners of its own come from the region. At a nested apex what delegates to it
 * is shown: its NS and DS, and then, server by server as NS records name them,
 * addresses. Where not all of an owner's RRsets are shown, those that are stand
 * in a value of the walk's own.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_layout.h"
#include "dns/store/zone_layout.h"

struct zone_walk {
	const struct tables *tables;
	MDB_txn *txn;
	struct zone_region region;
	bool is_nested; /* the DS at the apex is not the zone's */

	/* Where in what delegates to a nested zone; no key: elsewhere. */
	struct zone_key nested;
	struct rrset servers; /* its NS */
	size_t servers_at;    /* octets of those that were shown */

	struct zone_key glue; /* the owner at hand, if it is one */
	struct buffer value;  /* the RRsets that are shown, if not all are */

	/* Of zone_walk_next(): the owner at hand, and how far it is shown. */
	struct zone_entry entry;
	struct name owner;
	size_t entry_at;
};

struct zone_walk *zone_walk_free(struct zone_walk *walk)
{
	if (!walk)
		return NULL;
	zone_region_deinit(&walk->region);
	buffer_deinit(&walk->value);
	free(walk);
	return NULL;
}

static void zone_walk_freep(struct zone_walk **walk)
{
	zone_walk_free(*walk);
}

int zone_walk_new(struct zone_walk **out, const struct tables *tables,
		  MDB_txn *txn, uint32_t table, const struct name *apex)
{
	CLEANUP(zone_walk_freep)
	struct zone_walk *walk = calloc(1, sizeof(*walk));
	struct zone_counts counts;
	struct zone_key key;
	int r;

	if (!walk)
		return -ENOMEM;
	walk->tables = tables;
	walk->txn = txn;
	r = table_zone(tables, txn, table, apex, &counts);
	if (r < 0)
		return r;
	walk->is_nested = counts.is_nested;
	key.len = table_key(key.octets, table, apex);
	r = zone_region_init(&walk->region, tables, txn, &key);
	if (r < 0)
		return r;
	*out = steal(&walk);
	return 0;
}

int zone_walk_snapshot(struct zone_walk **out, struct snapshot *snapshot,
		       uint32_t table, const struct name *apex)
{
	return zone_walk_new(out, snapshot_tables(snapshot),
			     snapshot_txn(snapshot), table, apex);
}

int zone_walk_seek(struct zone_walk *walk, const uint8_t *key, size_t key_len)
{
	const struct zone_key *apex = &walk->region.apex;
	struct zone_key from = *apex;

	assert(key_len <= NAME_KEY_SIZE);
	if (key_len) {
		memcpy(from.octets + TABLE_NUMBER_SIZE, key, key_len);
		from.len = TABLE_NUMBER_SIZE + key_len;
	}
	assert(table_key_is_under(from.octets, from.len, apex->octets,
				  apex->len));
	walk->nested.len = 0;
	walk->entry.rrsets.len = walk->entry_at = 0;
	return zone_region_seek(&walk->region, &from);
}

/* ---- Owner by owner ---- */

typedef bool type_is_shown(uint16_t type);

static bool is_no_ds(uint16_t type)
{
	return type != RR_DS;
}

static bool is_of_cut(uint16_t type)
{
	return type == RR_NS || type == RR_DS;
}

static bool is_address(uint16_t type)
{
	return type == RR_A || type == RR_AAAA;
}

/* Some of an owner's RRsets; none: -EAGAIN, and there is something further. */
static int show(struct zone_walk *walk, const uint8_t *key, size_t len,
		struct rrsets rrsets, type_is_shown *is_shown,
		struct zone_entry *out)
{
	int r = 0;

	walk->value.len = 0;
	for (size_t at = 0, size; r == 0 && at < rrsets.len; at += size) {
		struct rrset_head head = rrset_head_at(rrsets, at);

		size = sizeof(head) + head.len;
		if (is_shown(head.type))
			r = buffer_add(&walk->value, rrsets.data + at, size);
	}
	if (r < 0)
		return r;
	*out = (struct zone_entry){
		.key = key + TABLE_NUMBER_SIZE,
		.key_len = len - TABLE_NUMBER_SIZE,
		.rrsets = {walk->value.data, walk->value.len},
		.is_delegation = is_shown != is_no_ds,
		.is_glue = is_shown == is_address,
	};
	return walk->value.len ? 0 : -EAGAIN;
}

static int show_cut(struct zone_walk *walk, const struct zone_key *apex,
		    struct zone_entry *out)
{
	struct rrsets rrsets;
	int r = zone_get_owner(walk->tables, walk->txn, apex, &rrsets);

	if (r < 0)
		return r;
	walk->nested = *apex;
	walk->servers_at = 0;
	if (!rrsets_find(rrsets, RR_NS, &walk->servers))
		walk->servers.len = 0;
	return show(walk, walk->nested.octets, walk->nested.len, rrsets,
		    is_of_cut, out);
}

static int show_glue(struct zone_walk *walk, struct zone_entry *out)
{
	struct rrsets rrsets;
	struct rrset_rr ns;
	int r;

	if (!rrset_next(&walk->servers, &walk->servers_at, &ns)) {
		walk->nested.len = 0;
		return -EAGAIN;
	}
	if (!zone_server_key(&walk->nested, &ns, &walk->glue))
		return -EAGAIN;
	r = zone_get_owner(walk->tables, walk->txn, &walk->glue, &rrsets);
	return r < 0 ? r
		     : show(walk, walk->glue.octets, walk->glue.len, rrsets,
			    is_address, out);
}

static int show_own(struct zone_walk *walk, MDB_val key, MDB_val value,
		    struct zone_entry *out)
{
	struct rrsets rrsets = {value.mv_data, value.mv_size};

	if (walk->is_nested && key.mv_size == walk->region.apex.len)
		return show(walk, key.mv_data, key.mv_size, rrsets, is_no_ds,
			    out);
	*out = (struct zone_entry){
		.key = (uint8_t *)key.mv_data + TABLE_NUMBER_SIZE,
		.key_len = key.mv_size - TABLE_NUMBER_SIZE,
		.rrsets = rrsets,
	};
	return 0;
}

static int step(struct zone_walk *walk, struct zone_entry *out)
{
	struct zone_at nested;
	MDB_val key, value;
	int r;

	if (walk->nested.len)
		return show_glue(walk, out);
	r = zone_region_next(&walk->region, &key, &value, &nested);
	if (r < 0)
		return r;
	return key.mv_size ? show_own(walk, key, value, out)
			   : show_cut(walk, &nested.key, out);
}

int zone_walk_owner(struct zone_walk *walk, struct zone_entry *out)
{
	int r;

	do
		r = step(walk, out);
	while (r == -EAGAIN);
	return r;
}

/* ---- RRset by RRset ---- */

int zone_walk_next(struct zone_walk *walk, struct zone_item *out)
{
	struct zone_entry *entry = &walk->entry;

	if (walk->entry_at >= entry->rrsets.len) {
		int r = zone_walk_owner(walk, entry);

		walk->entry_at = 0;
		if (r < 0)
			entry->rrsets.len = 0;
		if (r < 0)
			return r;
		if (name_from_key(entry->key, entry->key_len, &walk->owner) < 0)
			return -EIO;
	}
	rrsets_next(entry->rrsets, &walk->entry_at, &out->rrset);
	out->owner = walk->owner;
	out->is_delegation = entry->is_delegation;
	return 0;
}
