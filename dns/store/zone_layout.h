/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_layout.h - rows of `apexes`, for those that find, keep and walk them
 *
 * Keys here are those of records: a table's number and an owner's key. Of one
 * table all stand together, in DNS order, and a zone's key is a prefix of those
 * of all names in it.
 *
 * Threading: of the transaction's thread. Errors as in table.h.
 */
#ifndef DNS_ZONE_LAYOUT_H
#define DNS_ZONE_LAYOUT_H

#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"
#include "dns/store/zone.h"

/* A key that is kept. */
struct zone_key {
	size_t len; /* 0: none */
	uint8_t octets[TABLE_KEY_SIZE];
};

static inline void zone_key_set(struct zone_key *key, const void *octets,
				size_t len)
{
	copy_octets(key->octets, octets, len);
	key->len = len;
}

static inline bool zone_key_is(const struct zone_key *key,
			       const uint8_t *octets, size_t len)
{
	return key->len == len && !memcmp(key->octets, octets, len);
}

/** zone_key_parent() - cut off the first label; false: it is the root */
bool zone_key_parent(struct zone_key *key);

/** zone_key_skip() - the first key behind all at and below a name, which is not
 * the root */
void zone_key_skip(struct zone_key *key);

/* A row: a zone as it stands in the transaction. */
struct zone_at {
	struct zone_key key;
	struct zone_counts counts;
};

/** zone_at_from() - what a cursor in `apexes` has shown: 0; -EIO */
int zone_at_from(MDB_val key, MDB_val value, struct zone_at *out);

/** zone_at_find() - the nearest zone at or above a key: 0; -ENOENT; -errno */
int zone_at_find(MDB_cursor *apexes, const uint8_t *key, size_t len,
		 struct zone_at *out);

/** zone_at_get() - the zone with exactly that apex: 0; -ENOENT; -errno */
int zone_at_get(MDB_cursor *apexes, const struct zone_key *apex,
		struct zone_at *out);

/** zone_at_above() - the zone above that name: 0; -ENOENT; -errno */
int zone_at_above(MDB_cursor *apexes, const struct zone_key *of,
		  struct zone_at *out);

/**
 * zone_at_below() - the first zone below @apex that is not before @from
 *
 * Start with @from @apex, and go on with what zone_key_skip() makes of the key
 * that was found: each right below @apex is found once.
 *
 * Return: 0; -ENOENT; -errno.
 */
int zone_at_below(MDB_cursor *apexes, const struct zone_key *apex,
		  const struct zone_key *from, struct zone_at *out);

/** zone_at_put() - 0, -errno */
int zone_at_put(MDB_cursor *apexes, const struct zone_at *at);

/* ---- Sizes ---- */

/* What is counted of one owner. */
struct zone_share {
	uint64_t names; /* 0 or 1 */
	struct zone_size size;
};

/* Unsigned arithmetic wraps: with a factor of minus one it is taken away. */
static inline void zone_size_add(struct zone_size *to,
				 const struct zone_size *what, int sign)
{
	uint64_t factor = (uint64_t)(int64_t)sign;

	to->records += factor * what->records;
	to->text += factor * what->text;
	to->wire += factor * what->wire;
}

static inline void zone_share_add(struct zone_counts *to,
				  const struct zone_share *what, int sign)
{
	to->names += (uint64_t)(int64_t)sign * what->names;
	zone_size_add(&to->own, &what->size, sign);
}

/** zone_key_owner_len() - octets of the owner in wire form, by its key */
size_t zone_key_owner_len(const uint8_t *key, size_t len);

/**
 * zone_share_of() - an owner's records, in a zone
 * @is_delegated: it is an apex with a zone above, so that its DS is not the
 *                zone's own
 */
struct zone_share zone_share_of(const uint8_t *key, size_t len,
				struct rrsets rrsets, bool is_delegated);

/** zone_up() - what the zone above shows of that apex: 0, -errno */
int zone_up(const struct tables *tables, MDB_txn *txn,
	    const struct zone_key *apex, struct zone_size *out);

/** zone_get_owner() - what an owner has; no octets: nothing. 0, -errno */
int zone_get_owner(const struct tables *tables, MDB_txn *txn,
		   const struct zone_key *owner, struct rrsets *out);

/** zone_server_key() - of the name in an NS record of the apex; false: that is
 * not at or below it, and its addresses do not delegate */
bool zone_server_key(const struct zone_key *apex, const struct rrset_rr *ns,
		     struct zone_key *out);

/** zone_names_server() - is that owner named by an NS record of the apex with
 * those RRsets, and at or below it? */
bool zone_names_server(const struct zone_key *apex, struct rrsets rrsets,
		       const uint8_t *owner, size_t owner_len);

/**
 * zones_measure() - set all rows to what the tables hold
 *
 * A row that has been made of nothing but changed_ns gets the rest: all apexes
 * must have one. Return: 0; -errno.
 */
int zones_measure(const struct tables *tables, MDB_txn *txn);

/* ---- All owners of a zone's own ---- */

/* Steps over nested zones. It reads anew after each of them. */
struct zone_region {
	MDB_cursor *records, *apexes;
	struct zone_key apex;
	struct zone_at nested; /* the next one; no key: none */
	MDB_val key, value;    /* the next owner; no key: none */
};

/** zone_region_init() - at the start; 0, -errno: nothing to deinit */
int zone_region_init(struct zone_region *region, const struct tables *tables,
		     MDB_txn *txn, const struct zone_key *apex);
void zone_region_deinit(struct zone_region *region);

/** zone_region_seek() - before the first at or after that key: 0, -errno */
int zone_region_seek(struct zone_region *region, const struct zone_key *from);

/**
 * zone_region_next() - an owner, or a nested zone
 * @key, @value: the owner's; borrowed
 * @nested:      or a zone right below, copied; then @key has no octets
 *
 * Return: 0; -ENOENT: that was all; -errno.
 */
int zone_region_next(struct zone_region *region, MDB_val *key, MDB_val *value,
		     struct zone_at *nested);

#endif
