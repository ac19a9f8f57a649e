/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - tables of records in LMDB: the layout, and changing it
 *
 * A table is a set of owners with their RRsets. Tables have numbers that are
 * never used twice; a nameserver answers from the table that `serving` names
 * under the nameserver's id. LMDB databases hold this:
 *
 *   records   table number (4 octets, network order), owner key -> rrset.h
 *   tables    table number -> struct table_counts and whether it is served
 *   serving   nameserver id (8 octets, network order) -> table number, number
 *             of its home (4 octets each, network order)
 *
 * What zones are in a table is zone.h's (`apexes`), what a nameserver has
 * beside its records home.h's (`zones`, `lists`, `keys`, `journal`).
 *
 * A table that no nameserver serves is loose: one that a replacement is still
 * filling, or garbage. What is loose when the store opens is garbage.
 *
 * Threading: everything here that takes a write transaction runs on the
 * writer's thread. Reading is snapshot.h.
 *
 * Errors: 0; a positive errno refuses and has changed nothing; a negative one
 * says that the store failed (-ENOSPC, -EIO, -ENOMEM): the transaction is lost.
 */
#ifndef DNS_TABLE_H
#define DNS_TABLE_H

#include <lmdb.h>
#include <stdatomic.h>

#include "dns/store/rrset.h"

/* Who changes records. */
enum settle_by {
	SETTLE_BY_FILE = 0,
	SETTLE_BY_UPDATE,
	SETTLE_BY_TRANSFER, /* from the primary: serials are its own */
	SETTLE_BY_REMOVAL,  /* of a zone with all that is remembered of it */
	SETTLE_BY_CATALOG,  /* of the catalog zone alone: as catalog.h has it */
};

struct tables {
	MDB_env *env; /* borrowed */
	MDB_dbi records;
	MDB_dbi tables;
	MDB_dbi serving;
	MDB_dbi apexes;
	MDB_dbi zones;
	MDB_dbi lists;
	MDB_dbi keys;
	MDB_dbi journal;
	uint64_t records_max; /* of a nameserver; 0: any number */
	/*
	 * A zone of a nameserver with a home shows something else, or has
	 * another serial; the writer's thread, before the commit, which may be
	 * lost: who hears looks again, at a snapshot of transaction @txn_id or
	 * later. NULL: nobody wants to know.
	 */
	void (*zone_changed)(void *arg, size_t txn_id, uint32_t home,
			     const struct name *apex);
	void *zone_changed_arg;
	/*
	 * Where to read when the environment has failed for good; NULL before.
	 * Set once, by tables_fall_back(), while other threads read.
	 */
	const struct tables *_Atomic fallback;
};

/* What is known of a table without walking it. */
struct table_counts {
	uint64_t names;
	uint64_t records;
	uint64_t text;	    /* octets of all rrsets_to_text() */
	uint64_t json;	    /* octets of all rrsets_to_json(), no commas */
	int64_t changed_ns; /* wall clock of the last change, since 1970 */
	uint8_t served;	    /* some nameserver answers from it */
	uint32_t home;	    /* of that one; or loose: of the last; 0: none */
};

/** table_errno() - what an LMDB return code is as a negative errno */
int table_errno(int rc);

/* Databases that tables_open() opens. */
#define TABLES_DBS 8

/** tables_open() - open the databases inside @txn; a write one makes them */
int tables_open(struct tables *out, MDB_env *env, MDB_txn *txn);

/**
 * tables_take_over() - make a store of format 1 one of format 2
 *
 * That one knew of no zones and no homes. All records are looked at once, and
 * none is written. Return: 0; -errno: the transaction is lost.
 */
int tables_take_over(const struct tables *tables, MDB_txn *txn);

/**
 * tables_fall_back() - let snapshots read from another environment
 *
 * After a failed update of its meta page, LMDB begins no transaction any more,
 * not even one to read (MDB_PANIC). Snapshots then go on in @fallback, which
 * is borrowed and must outlive them. Any thread.
 */
void tables_fall_back(struct tables *tables, const struct tables *fallback);

/**
 * tables_measure() - set the sizes of all text to what they are now
 *
 * For a program whose rr_types_digest() is not that of the one that wrote it.
 * It prints every record, and writes the owners whose sizes were others.
 * Return: 0; -errno.
 */
int tables_measure(const struct tables *tables, MDB_txn *txn);

/** table_create() - a new table, empty and loose */
int table_create(const struct tables *tables, MDB_txn *txn, uint32_t *out);

/**
 * table_fits() - may a nameserver have @after records, having had @before?
 *
 * The limit is for growth: with more than that, fewer are always fine. Return:
 * 0; EDQUOT refused, with @why.
 */
int table_fits(const struct tables *tables, uint64_t before, uint64_t after,
	       struct refusal *why);

/** table_records() - how many a table has: 0; -errno */
int table_records(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  uint64_t *out);

/**
 * table_apply() - make a change to a table, all of it or nothing
 * @fresh: see rrsets_edit(); then the limit is looked at when it is published
 * @now_ns: becomes changed_ns
 *
 * For a nameserver with a home, it is settled what that means for its zones:
 * settle.h.
 *
 * Return: 0; EINVAL, EDQUOT, EROFS refused, with @why; -errno.
 */
int table_apply(const struct tables *tables, MDB_txn *txn, uint32_t table,
		const struct change *change, bool fresh, int64_t now_ns,
		struct refusal *why);

/**
 * table_apply_by() - table_apply() for who is no file
 *
 * Return: as table_apply(); EROFS: a zone is a secondary, with @why.
 */
int table_apply_by(const struct tables *tables, MDB_txn *txn, uint32_t table,
		   const struct change *change, enum settle_by by,
		   int64_t now_ns, struct refusal *why);

/** table_digest() - rrsets_digest() of what @owner has there: 0; -errno */
int table_digest(const struct tables *tables, MDB_txn *txn, uint32_t table,
		 const struct name *owner, uint64_t *out);

/**
 * table_move() - give all records of one owner another owner
 *
 * What @to had is replaced. Return: 0; ENOENT: @from has no records; EINVAL
 * (it would not fit), with @why; -errno.
 */
int table_move(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       const struct name *from, const struct name *to, int64_t now_ns,
	       struct refusal *why);

/**
 * table_take() - replace an owner's records with the ones it has in @source
 *
 * There may be none. Return: 0; EDQUOT refused, with @why; -errno.
 */
int table_take(const struct tables *tables, MDB_txn *txn, uint32_t table,
	       uint32_t source, const struct name *owner, int64_t now_ns,
	       struct refusal *why);

/** table_serving() - the table of a nameserver: 0; -ENOENT; -errno */
int table_serving(const struct tables *tables, MDB_txn *txn, uint64_t server,
		  uint32_t *out);

/**
 * table_publish() - let @server answer from @table
 *
 * Its former table, if any, becomes loose, and its home is kept. Return: 0;
 * -errno.
 */
int table_publish(const struct tables *tables, MDB_txn *txn, uint64_t server,
		  uint32_t table, int64_t now_ns);

/** table_touch() - say that its last change was then: 0; -errno */
int table_touch(const struct tables *tables, MDB_txn *txn, uint32_t table,
		int64_t changed_ns);

/** table_retire() - @server answers no more; its table becomes loose, and its
 * home goes with that */
int table_retire(const struct tables *tables, MDB_txn *txn, uint64_t server);

/** table_loose() - append the numbers of all loose tables, as uint32_t */
int table_loose(const struct tables *tables, MDB_txn *txn, struct buffer *out);

/**
 * table_free_slice() - remove some owners and zones of a loose table, and of a
 * home that was retired with it
 * @max:  up to so many, where a large one counts as one more for each 4 KiB:
 *        its pages are freed one by one
 * @left: false once the table is gone altogether
 */
int table_free_slice(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     size_t max, bool *left);

#endif
