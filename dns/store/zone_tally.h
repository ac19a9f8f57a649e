/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_tally.h - keep the rows of `apexes` true while a table changes
 *
 * A change comes in three steps. First, what it does to each owner is noted,
 * while the transaction still shows the old records: zone_change_of(). Then the
 * zones are divided anew, as SOAs come and go, still with the old records in
 * them: zone_tally_soa(); and each owner's difference goes to the zone that it
 * is in now: zone_tally_owner(). Last, when the records are written, what the
 * zones above show is looked at again where it may be another:
 * zone_tally_end().
 *
 * Threading: the writer's. Errors: 0; -errno as in table.h.
 */
#ifndef DNS_ZONE_TALLY_H
#define DNS_ZONE_TALLY_H

#include "dns/store/zone_layout.h"

/* A difference in what is counted of one owner; an owner's value is bounded. */
struct zone_diff {
	int32_t names, records, text, wire;
};

/* What a change does to one owner. */
struct zone_change {
	struct zone_diff all;
	struct zone_diff but_ds; /* the same without DS */
	int8_t soa;		 /* 1: comes, -1: goes */
	bool differs;		 /* at all */
	bool differs_but_ds;
	bool delegates; /* NS or DS differ */
	bool addresses; /* A or AAAA differ */
};

/** zone_change_of() - @owner_len: octets of the owner in wire form */
void zone_change_of(size_t owner_len, struct rrsets old, struct rrsets new,
		    struct zone_change *out);

struct zone_stale;

struct zone_tally {
	const struct tables *tables;
	MDB_txn *txn;
	MDB_cursor *apexes;
	int64_t now_ns;
	bool marks_ahead; /* what changes is ahead of its serial: zone.h */
	/*
	 * Owners come in order, and mostly many of a zone: the row at hand,
	 * and up to which key it is the one.
	 */
	struct zone_at at; /* no key: in no zone */
	bool is_found, is_changed;
	bool has_until;
	struct zone_key from, until; /* of no key: the end of all */
	struct zone_stale *stale;    /* owned: those whose @up may be another */
};

int zone_tally_init(struct zone_tally *tally, const struct tables *tables,
		    MDB_txn *txn, int64_t now_ns);
void zone_tally_deinit(struct zone_tally *tally);

/**
 * zone_tally_soa() - a zone begins or ends there; before any owner
 *
 * From the last to the first in DNS order each owner is walked once at most.
 */
int zone_tally_soa(struct zone_tally *tally, const uint8_t *key, size_t len,
		   bool comes);

/** zone_tally_owner() - in DNS order it is fastest */
int zone_tally_owner(struct zone_tally *tally, const uint8_t *key, size_t len,
		     const struct zone_change *change);

/** zone_tally_flush() - the row at hand; before the records are written */
int zone_tally_flush(struct zone_tally *tally);

/** zone_tally_end() - the records are written */
int zone_tally_end(struct zone_tally *tally);

#endif
