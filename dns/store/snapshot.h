/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - reading the store: one moment of every table
 *
 * A snapshot is an LMDB read transaction and a cursor that are used again and
 * again. Between snapshot_begin() and snapshot_end() all it shows is of one
 * moment; what it hands out points into the store's memory and is good until
 * snapshot_end(). Reading takes no lock and waits for nobody.
 *
 * An open snapshot keeps the pages of its moment from being used again, so
 * one that stays open for long makes the file grow.
 *
 * Threading: a snapshot is used by one thread at a time, whichever.
 */
#ifndef DNS_SNAPSHOT_H
#define DNS_SNAPSHOT_H

#include <lmdb.h>

#include "dns/store/rrset.h"
#include "dns/store/table.h"

struct snapshot;

/** snapshot_new() - 0; -EMFILE: too many readers; -ENOMEM; -EIO */
int snapshot_new(struct snapshot **out, const struct tables *tables);
struct snapshot *snapshot_free(struct snapshot *snapshot);
void snapshot_freep(struct snapshot **snapshot);

/** snapshot_begin() - take the newest moment; 0, or -errno: show nothing */
int snapshot_begin(struct snapshot *snapshot);
void snapshot_end(struct snapshot *snapshot);

/**
 * snapshot_txn(), snapshot_tables() - what to read the moment's other databases
 * with; good until snapshot_end()
 */
MDB_txn *snapshot_txn(const struct snapshot *snapshot);

/** snapshot_moment() - never 0, and another one after each commit */
size_t snapshot_moment(const struct snapshot *snapshot);

const struct tables *snapshot_tables(const struct snapshot *snapshot);

/* Octets of the store's file. */
struct snapshot_size {
	uint64_t file;
	uint64_t used; /* by all tables of the moment; the rest is spare */
};

/** snapshot_measure() - how much of the file holds something: 0, -errno */
int snapshot_measure(struct snapshot *snapshot, struct snapshot_size *out);

/** snapshot_serving() - the table that @server answers from: 0, -ENOENT */
int snapshot_serving(struct snapshot *snapshot, uint64_t server, uint32_t *out);

/** snapshot_counts() - of a table: 0, -ENOENT */
int snapshot_counts(struct snapshot *snapshot, uint32_t table,
		    struct table_counts *out);

/**
 * snapshot_get() - the RRsets of exactly @owner (case ignored)
 * Return: 0; -ENOENT: no records (there may still be names below); -EIO.
 */
int snapshot_get(struct snapshot *snapshot, uint32_t table,
		 const struct name *owner, struct rrsets *out);

/* What a seek counts in snapshot_effort(). */
#define SNAPSHOT_SEEK 8

/**
 * snapshot_effort() - how much was looked at since snapshot_new()
 *
 * In steps of the cursor, or looks at what is remembered, which take about as
 * long; a seek counts as SNAPSHOT_SEEK of them.
 */
uint64_t snapshot_effort(const struct snapshot *snapshot);

/* Where a walk through a table is: an owner that has records. */
struct snapshot_entry {
	const uint8_t *key; /* name_to_key() form; name_from_key() reads it */
	size_t key_len;
	struct rrsets rrsets;
};

/**
 * snapshot_seek() - the first owner at or after a key, in DNS order
 * @key: name_to_key() form, @key_len octets; may also be a part of one
 *
 * A name with nothing of its own but names below it (an empty non-terminal)
 * is one whose key is a true prefix of the entry's key.
 *
 * Return: 0; -ENOENT: none; -EIO.
 */
int snapshot_seek(struct snapshot *snapshot, uint32_t table, const uint8_t *key,
		  size_t key_len, struct snapshot_entry *out);

/**
 * snapshot_known() - what snapshot_seek() would find, if that is remembered
 *
 * What stands at an apex, a zone cut or a wildcard, many lookups come to. It
 * is found once and remembered until the store changes. Never looks in the
 * store; the cursor stays where it is.
 *
 * Return: 0; -ENOENT: none; -EAGAIN: it is not known.
 */
int snapshot_known(struct snapshot *snapshot, uint32_t table,
		   const uint8_t *key, size_t key_len,
		   struct snapshot_entry *out);

/** snapshot_learn() - snapshot_seek(), and remember what it has found */
int snapshot_learn(struct snapshot *snapshot, uint32_t table,
		   const uint8_t *key, size_t key_len,
		   struct snapshot_entry *out);

/** snapshot_next() - the owner after the last one shown: 0, -ENOENT, -EIO */
int snapshot_next(struct snapshot *snapshot, struct snapshot_entry *out);

/**
 * snapshot_previous() - the last owner before the key of the last seek
 *
 * Only right after snapshot_seek(), whatever that returned but -EIO; or after
 * snapshot_previous(): the one before that.
 *
 * Return: 0; -ENOENT: none; -EIO.
 */
int snapshot_previous(struct snapshot *snapshot, struct snapshot_entry *out);

/**
 * snapshot_look_back() - find an ancestor's key from where we are
 * @before: what snapshot_previous() has just shown, and below the ancestor
 *
 * In DNS order an ancestor stands before what is below it, and mostly not far:
 * a cut just before its glue. Where snapshot_learn() would have to seek for it,
 * one more step back often tells. Both are remembered: who is referred below a
 * cut is told its glue next. Moves the cursor.
 *
 * Return: 0, as snapshot_seek(); -EAGAIN: it is further away; -EIO.
 */
int snapshot_look_back(struct snapshot *snapshot, const uint8_t *key,
		       size_t key_len, const struct snapshot_entry *before,
		       struct snapshot_entry *out);

/**
 * snapshot_recall() - an owner that is remembered; never looks in the store
 * Return: whether it is.
 */
bool snapshot_recall(struct snapshot *snapshot, uint32_t table,
		     const uint8_t *key, size_t key_len,
		     struct snapshot_entry *out);

#endif
