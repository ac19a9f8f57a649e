/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home.h - what a nameserver has beside its records: settings, keys, and what
 * is known of its zones whether or not they have an SOA
 *
 * A nameserver that has none of this has no home (number 0), and pays nothing.
 * The first setting gives it one. Databases:
 *
 *   zones    "n" -> u32: the last number given to a home or a zone
 *            "h", home (4 octets) -> struct home
 *            "z", home (4), apex key -> struct zone_row
 *   lists    home (4), enum list_kind (1); and for a zone's own list "z", apex
 *            key -> its text: a line each, canonical, as list_line.h prints
 *            it; there is no empty one
 *   keys     home (4), the key name's key form -> enum hmac_kind (1), secret
 *   journal  zone id (4), sequence (8), chunk (4) -> see journal.h
 *
 * `serving` has table number and home number, 4 octets each; and so that a
 * change needs no look there, table_counts.home is the home of who serves it.
 *
 * Threading: a transaction's on the writer; a snapshot's on its thread.
 * Errors: 0, -ENOENT, -errno as in table.h.
 */
#ifndef DNS_HOME_H
#define DNS_HOME_H

#include "dns/store/serial.h"
#include "dns/store/snapshot.h"
#include "dns/wire/hmac.h"

/* Which text; of a zone, of all zones of the nameserver, or both. Stored. */
enum list_kind {
	LIST_SECONDARIES = 1, /* both */
	LIST_PRIMARIES = 2,   /* of a zone */
	LIST_UPDATES = 3,     /* both */
	LIST_CATALOG = 4,     /* of all: one name */
};

struct home {
	uint64_t server;	 /* the nameserver's id */
	uint8_t policy;		 /* enum serial_policy */
	uint8_t has_secondaries; /* for all zones there is a line */
	uint8_t has_updates;	 /* the same */
	uint16_t keys;		 /* how many */
	uint32_t dark;		 /* zones that are secondaries with nothing to
				  * answer: not come yet, or expired */
	uint32_t secondaries;	 /* zones that are secondaries */
	uint32_t catalogs;	 /* zones that are one: catalog.h. 0 or 1 */
	uint32_t zones;		 /* that have a row */
};

/*
 * A zone that has settings, or had a serial that somebody may know. It stays
 * without an SOA; only rmdir removes it.
 */
struct zone_row {
	uint32_t id;	 /* of its journal; never used twice */
	uint32_t serial; /* the last that it had */
	uint8_t has_serial;
	uint8_t has_secondaries, has_updates; /* lines of its own */
	uint8_t is_secondary;		      /* has primaries */
	uint8_t is_catalog;   /* catalog.h changes it, and nobody else */
	uint8_t is_dark;      /* and SERVFAIL is all that there is to say */
	uint64_t edits;	      /* changes of what it shows */
	uint64_t first, next; /* sequences in its journal; equal: none */
	uint64_t journal;     /* octets */
	int64_t checked_ns;   /* secondary: when the primary last said that
			       * this is the newest; 0: never */
};

/** zone_row_is_first() - has it had no more than one change? */
static inline bool zone_row_is_first(const struct zone_row *row)
{
	return row->edits <= 1;
}

/* What `serving` says of a nameserver. */
struct served {
	uint32_t table;
	uint32_t home; /* 0: none */
};

int snapshot_served(struct snapshot *snapshot, uint64_t server,
		    struct served *out);
int table_served(const struct tables *tables, MDB_txn *txn, uint64_t server,
		 struct served *out);

/** home_make() - @server's home, made if it has none yet; writer */
int home_make(const struct tables *tables, MDB_txn *txn, uint64_t server,
	      uint32_t *home);

int home_get(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     struct home *out);
int home_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     const struct home *in);
int snapshot_home(struct snapshot *snapshot, uint32_t home, struct home *out);

/** home_id() - a number that no home and no zone has had */
int home_id(const struct tables *tables, MDB_txn *txn, uint32_t *out);

/**
 * home_fits_zone() - may one more zone have a row?
 *
 * There are as many as a nameserver may have records: a zone with an SOA has
 * one, and one without may be removed. Asked before anything is written.
 * Return: 0; EDQUOT, with @why.
 */
int home_fits_zone(const struct tables *tables, const struct home *home,
		   struct refusal *why);

/**
 * home_retire() - the nameserver is gone: its keys too, and the rest is garbage
 *
 * Nothing finds that by the nameserver any more, and its number is never
 * another's. table_retire() leaves it to who frees the table.
 */
int home_retire(const struct tables *tables, MDB_txn *txn, uint32_t home);

/**
 * home_free_slice() - remove some of what a retired home had, journals too
 * @max, @left: as table_free_slice() has them; @max is what is left of it
 */
int home_free_slice(const struct tables *tables, MDB_txn *txn, uint32_t home,
		    size_t *max, bool *left);

/* ---- Zones of a home ---- */

int zone_row_get(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex, struct zone_row *out);
int zone_row_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex, const struct zone_row *in);
/** zone_row_make() - zone_row_get(), and with a new id where there is none */
int zone_row_make(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const struct name *apex, struct zone_row *out);
/**
 * zone_row_checked() - what a secondary has heard of its primary
 * @checked_ns: when it said that what is here is the newest; wall clock
 * @is_dark:    but it has expired, or has never come
 */
int zone_row_checked(const struct tables *tables, MDB_txn *txn, uint32_t home,
		     const struct name *apex, int64_t checked_ns, bool is_dark);

/** zone_row_del() - with its lists and its journal; -ENOENT: there is none */
int zone_row_del(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *apex);
int snapshot_zone_row(struct snapshot *snapshot, uint32_t home,
		      const struct name *apex, struct zone_row *out);
/** zone_row_next() - as snapshot_zone_next() */
int zone_row_next(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const uint8_t *after, size_t after_len, struct name *apex,
		  struct zone_row *out);
/** snapshot_zone_row_next() - as snapshot_zone_next() */
int snapshot_zone_row_next(struct snapshot *snapshot, uint32_t home,
			   const uint8_t *after, size_t after_len,
			   struct name *apex, struct zone_row *out);

/** zone_is_counted() - has its serial to go on, by the policy that holds: may
 * somebody transfer or update it, or is it asked for? */
bool zone_is_counted(const struct home *home, const struct zone_row *row);
/** zone_is_shared() - may somebody transfer it? Then it has a journal */
bool zone_is_shared(const struct home *home, const struct zone_row *row);

/* ---- Lists ---- */

/*
 * @apex: the zone's own; NULL: that for all zones.
 * home_list_put() keeps struct home and the zone_row true (has_..., is_...,
 * is_dark, counts), and makes the row of the zone. @len 0: the list goes. A
 * zone that becomes a secondary is dark until whoever transfers it says else.
 */
int home_list(const struct tables *tables, MDB_txn *txn, uint32_t home,
	      enum list_kind kind, const struct name *apex, MDB_val *out);
int home_list_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  enum list_kind kind, const struct name *apex,
		  const char *text, size_t len);
int snapshot_list(struct snapshot *snapshot, uint32_t home, enum list_kind kind,
		  const struct name *apex, MDB_val *out);

/* What a walk through lists calls: 0 goes on, all else ends it. */
typedef int home_list_fn(void *arg, enum list_kind kind,
			 const struct name *apex, const MDB_val *text);

/* How far a walk has come. All zero: it begins. */
struct home_list_walk {
	uint8_t key[6 + NAME_KEY_SIZE]; /* of the last list that was shown */
	size_t len;
};

/**
 * home_each_list() - the next lists of a home; @apex NULL: that for all zones
 * @walk: the transaction may be another one each time
 * @most: so many of them
 * @left: whether there are more, perhaps; untouched on failure
 */
int home_each_list(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   struct home_list_walk *walk, size_t most, bool *left,
		   home_list_fn *each, void *arg);

/* ---- Keys ---- */

#define KEY_SECRET_SIZE 512 /* octets at most */
#define HOME_KEYS_MAX	1024

/* A key of TSIG: RFC 8945. Wipe it after use: sodium_memzero(). */
struct tsig_key {
	struct name name;
	enum hmac_kind kind;
	uint16_t len;
	uint8_t secret[KEY_SECRET_SIZE];
};

int home_key(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     const struct name *name, struct tsig_key *out);
/** home_key_put() - -EDQUOT: it would be one more than HOME_KEYS_MAX */
int home_key_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct tsig_key *key);
/** home_key_del() - -ENOENT: there is none */
int home_key_del(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *name);
int snapshot_key(struct snapshot *snapshot, uint32_t home,
		 const struct name *name, struct tsig_key *out);
int snapshot_key_next(struct snapshot *snapshot, uint32_t home,
		      const uint8_t *after, size_t after_len,
		      struct tsig_key *out);

#endif
