/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - tables of records in LMDB: the layout, and changing it
 *
 * A table is a set of owners with their RRsets. Tables have numbers that are
 * never used twice; a nameserver answers from the table that `serving` names
 * under the nameserver's id. Three LMDB databases hold this:
 *
 *   records   table number (4 octets, network order), owner key -> rrset.h
 *   tables    table number -> struct table_counts and whether it is served
 *   serving   nameserver id (8 octets, network order) -> table number
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

struct tables {
	MDB_env *env; /* borrowed */
	MDB_dbi records;
	MDB_dbi tables;
	MDB_dbi serving;
	uint64_t records_max; /* of a nameserver; 0: any number */
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
};

/** table_errno() - what an LMDB return code is as a negative errno */
int table_errno(int rc);

/** tables_open() - open the databases inside @txn; a write one makes them */
int tables_open(struct tables *out, MDB_env *env, MDB_txn *txn);

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
 * Return: 0; EINVAL, EDQUOT refused, with @why; -errno.
 */
int table_apply(const struct tables *tables, MDB_txn *txn, uint32_t table,
		const struct change *change, bool fresh, int64_t now_ns,
		struct refusal *why);

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
 * Its former table, if any, becomes loose. Return: 0; -errno.
 */
int table_publish(const struct tables *tables, MDB_txn *txn, uint64_t server,
		  uint32_t table, int64_t now_ns);

/** table_touch() - say that its last change was then: 0; -errno */
int table_touch(const struct tables *tables, MDB_txn *txn, uint32_t table,
		int64_t changed_ns);

/** table_retire() - @server answers no more; its table becomes loose */
int table_retire(const struct tables *tables, MDB_txn *txn, uint64_t server);

/** table_loose() - append the numbers of all loose tables, as uint32_t */
int table_loose(const struct tables *tables, MDB_txn *txn, struct buffer *out);

/**
 * table_free_slice() - remove some owners of a loose table
 * @max:  up to so many, where a large one counts as one more for each 4 KiB:
 *        its pages are freed one by one
 * @left: false once the table is gone altogether
 */
int table_free_slice(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     size_t max, bool *left);

#endif
