/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - the zones of a table: what each has, and how it is found
 *
 * A zone is where an SOA stands: its owner is the apex, and the zone is all
 * that is at or below it and not at or below the apex of a zone nested in it
 * (RFC 1034, section 4.2). What a table holds above any SOA is in no zone.
 *
 *   apexes   table number (4 octets, network order), apex key -> struct
 *            zone_counts
 *
 * A row is there exactly while the SOA is. table_apply() and all else that
 * changes a table keep the rows in the transaction of the change, so that they
 * are true in every snapshot, and nobody walks a zone to know its size. An
 * apex that comes or goes moves what is below it from one zone to another,
 * which takes a walk of that; in DNS order it comes before them.
 *
 * Of one owner's RRsets all are of its zone, but for the DS at an apex with a
 * zone above it: that is the zone's above (RFC 4035, section 2.4). And a zone
 * shows more than is its own: of each zone right below it the NS of its apex
 * and the addresses of these that are at or below that apex, which delegate
 * to it (RFC 1034, section 4.2.1), and its DS. The nested zone's row says how
 * much that is (@up), and the zone's row has the sum (@below).
 *
 * Threading: as table.h and snapshot.h.
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "dns/store/snapshot.h"

/* Records, and their octets. */
struct zone_size {
	uint64_t records;
	uint64_t text; /* of their lines in `records` */
	uint64_t wire; /* uncompressed, with their owners */
};

struct zone_counts {
	uint64_t names; /* owners that have records of the zone's own */
	struct zone_size own;
	struct zone_size up;	/* shown by the zone above; 0 without one */
	struct zone_size below; /* the sum of @up of those right below */
	int64_t changed_ns; /* wall clock of the last change of what it shows */
	uint8_t is_nested;  /* there is a zone above */
	/* Something else has changed since the SOA had its serial. */
	uint8_t is_ahead;
};

/** zone_shown() - of all that the zone shows: own and below */
struct zone_size zone_shown(const struct zone_counts *counts);

/** zone_is_bare() - it has an SOA and nothing else, as mkdir makes it */
static inline bool zone_is_bare(const struct zone_counts *counts)
{
	return counts->own.records == 1 && !counts->below.records;
}

/**
 * snapshot_zone() - the counts of the zone with that apex
 * Return: 0; -ENOENT: there is no SOA; -EIO.
 */
int snapshot_zone(struct snapshot *snapshot, uint32_t table,
		  const struct name *apex, struct zone_counts *out);

/**
 * snapshot_zone_of() - the zone that a name is in
 * @apex: is set; the nearest at or above @name
 *
 * Return: 0; -ENOENT: it is in none; -EIO.
 */
int snapshot_zone_of(struct snapshot *snapshot, uint32_t table,
		     const struct name *name, struct name *apex,
		     struct zone_counts *out);

/**
 * snapshot_zone_next() - the first zone behind a key, in DNS order
 * @after: name_to_key() form, @after_len octets; of any name, also of one that
 *         is gone; NULL: the first of the table
 *
 * Return: 0; -ENOENT: there is none; -EIO.
 */
int snapshot_zone_next(struct snapshot *snapshot, uint32_t table,
		       const uint8_t *after, size_t after_len,
		       struct name *apex, struct zone_counts *out);

/** snapshot_serial() - of the zone with that apex: 0; -ENOENT: it has no SOA;
 * -EIO */
int snapshot_serial(struct snapshot *snapshot, uint32_t table,
		    const struct name *apex, uint32_t *out);

/* The same in a transaction of whichever kind; -errno as in table.h. */
int table_zone(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *apex, struct zone_counts *out);
int table_zone_of(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *name, struct name *apex,
		  struct zone_counts *out);

/* Whose an RRset is, of who changes one zone. */
enum zone_side {
	ZONE_OWN,
	ZONE_NESTED, /* of a zone nested in it */
	ZONE_ABOVE,  /* it is the DS at the apex, which is the zone's above */
};

/**
 * zone_side() - of a name at or below @apex, and a type
 *
 * The DS at an apex is the zone's above: RFC 4035, section 2.4. Of a zone that
 * has no SOA all is its own. Return: enum zone_side; -errno.
 */
int zone_side(const struct tables *tables, MDB_txn *txn, uint32_t table,
	      const struct name *apex, const struct name *owner, uint16_t type);

/** zone_is_alone() - is no zone nested in that one, and it in none? 1, 0,
 * -errno
 */
int zone_is_alone(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *apex);

/** zone_touch() - say that its last change was then: 0; -ENOENT; -errno */
int zone_touch(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *apex, int64_t changed_ns);

/* ---- All that a zone shows, in order ---- */

/*
 * A walk through a zone in a transaction, or in a snapshot's. What it shows is
 * good until the transaction writes or ends. It steps over nested zones with
 * one seek each, and shows what delegates to them instead: NS, DS, then glue.
 * The SOA comes first (RRsets of an owner stand so), and is shown once.
 *
 * It may be read RRset by RRset, or owner by owner.
 */
struct zone_walk;

/* Of an owner, what the zone shows. */
struct zone_entry {
	const uint8_t *key; /* name_to_key() form; borrowed, as @rrsets is */
	size_t key_len;
	struct rrsets rrsets;
	bool is_delegation; /* as below */
	bool is_glue;	    /* and not of the nested apex itself */
};

struct zone_item {
	struct name owner;
	struct rrset rrset; /* borrowed */
	bool is_delegation; /* of a nested zone: what delegates to it */
};

/** zone_walk_new() - at the start: 0; -ENOENT: no such zone; -ENOMEM, -EIO */
int zone_walk_new(struct zone_walk **out, const struct tables *tables,
		  MDB_txn *txn, uint32_t table, const struct name *apex);
int zone_walk_snapshot(struct zone_walk **out, struct snapshot *snapshot,
		       uint32_t table, const struct name *apex);
struct zone_walk *zone_walk_free(struct zone_walk *walk);

/** zone_walk_next() - 0; -ENOENT: that was all; -EIO, -ENOMEM */
int zone_walk_next(struct zone_walk *walk, struct zone_item *out);

/** zone_walk_owner() - the next owner with all that is shown of it; results as
 * above */
int zone_walk_owner(struct zone_walk *walk, struct zone_entry *out);

/**
 * zone_walk_seek() - go on with the first owner at or after a key
 * @key: name_to_key() form of a name in the zone, @key_len octets; of no
 *       octets: the start
 *
 * What delegates to a nested zone is all at the place of the nested apex, glue
 * too. Return: 0; -EIO.
 */
int zone_walk_seek(struct zone_walk *walk, const uint8_t *key, size_t key_len);

#endif
