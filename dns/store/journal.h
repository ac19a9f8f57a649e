/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what a zone's changes were, from serial to serial
 *
 * One entry is one change: the records that went and those that came, in wire
 * form with their owners, uncompressed, in the order in which an IXFR has them
 * (RFC 1995, section 4): the old SOA, what went, the new SOA, what came. It
 * stands in chunks of JOURNAL_CHUNK octets, each of whole records; one that is
 * longer is a chunk by itself. Entries are numbered
 * from zone_row.first to .next, each from the serial where the one before
 * ended, so that all of them back to back are an IXFR.
 *
 * The journal is never larger than the zone in wire form (zone_shown()): the
 * oldest entries go first. Who is behind it takes an AXFR.
 *
 * Threading: writing on the writer; reading in a snapshot.
 */
#ifndef DNS_JOURNAL_H
#define DNS_JOURNAL_H

#include "dns/store/home.h"

#define JOURNAL_CHUNK 65536

/* An entry that is being written. */
struct journal_entry;

/**
 * journal_begin() - a new entry; nobody sees it before journal_accept()
 * @most: octets; a longer one is not kept
 *
 * It may be written over several transactions, and given up in a later one;
 * but is to be given up, with nothing more written, when the row's next is
 * another by then. Return: 0, -ENOMEM.
 */
int journal_begin(struct journal_entry **out, const struct tables *tables,
		  uint64_t most);
/**
 * journal_gone(), journal_came() - the old SOA first; what went and what came
 * may come in turns, and the new SOA at any time, once: 0, -ENOMEM
 *
 * They keep it in memory, so that the store may be read meanwhile.
 */
int journal_gone(struct journal_entry *entry, const struct name *owner,
		 struct rrset_rr rr);
int journal_came(struct journal_entry *entry, const struct name *owner,
		 struct rrset_rr rr);
/** journal_is_full() - has journal_flush() something to write? */
bool journal_is_full(const struct journal_entry *entry);
/** journal_flush() - write what fills chunks; after each owner, or so
 * @row: whose it is, with its id */
int journal_flush(struct journal_entry *entry, MDB_txn *txn,
		  const struct zone_row *row);
/**
 * journal_close() - write all that is left of it
 * @octets: of all of it; 0: it was too long, and nothing is left of it
 */
int journal_close(struct journal_entry *entry, MDB_txn *txn,
		  const struct zone_row *row, uint64_t *octets);
/**
 * journal_accept() - from here on it is the last one of @row, and seen
 * @to:     the serial that it ends with
 * @octets: of journal_close(); with 0 there is no journal any more
 *
 * In this transaction, or a later one with no entry of that zone between. The
 * caller puts @row. Return: 0, -errno.
 */
int journal_accept(const struct tables *tables, MDB_txn *txn,
		   struct zone_row *row, uint32_t to, uint64_t octets);
void journal_free(struct journal_entry *entry); /* NULL is fine */

/** journal_shorten() - the oldest entries go, until the others have no more
 * than @most octets; the caller puts @row */
int journal_shorten(const struct tables *tables, MDB_txn *txn,
		    struct zone_row *row, uint64_t most);

/** journal_drop() - all entries; the caller puts @row */
int journal_drop(const struct tables *tables, MDB_txn *txn,
		 struct zone_row *row);

/**
 * snapshot_journal_find() - the sequence of the entry that begins at @serial
 * Return: 0; -ENOENT: it does not go back so far; -EIO.
 */
int snapshot_journal_find(struct snapshot *snapshot, const struct zone_row *row,
			  uint32_t serial, uint64_t *sequence);

/**
 * snapshot_journal_next() - the chunk behind a place
 * @sequence, @chunk: where; are moved on. Start with the found one, and 0.
 *         A chunk is of one entry, but numbers of chunks have gaps
 *
 * Return: 0, with whole records in @out; -ENOENT: that was all of @row; -EIO.
 */
int snapshot_journal_next(struct snapshot *snapshot, const struct zone_row *row,
			  uint64_t *sequence, uint32_t *chunk, MDB_val *out);

#endif
