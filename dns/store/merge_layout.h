/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge_layout.h - a merge on its way, for the files of it
 *
 * merge.c goes through both tables in slices; merge_carry.c is about what the
 * new one takes over from the old one, merge_owner.c about what of an owner has
 * changed, merge_zone.c about a zone that is entered and left, merge_end.c
 * about the end.
 *
 * Threading: the writer's. Errors: 0, -errno, as merge_slice().
 */
#ifndef DNS_MERGE_LAYOUT_H
#define DNS_MERGE_LAYOUT_H

#include "dns/store/apply.h"
#include "dns/store/merge.h"
#include "dns/store/settle_zone.h"
#include "dns/store/table_pair.h"
#include "dns/store/zone_take.h"

/* A zone that the owner at hand is in. */
struct open_zone {
	struct settle_zone zone;
	struct zone_key key; /* name_to_key() form */
	bool is_nested;
	int64_t changed_ns;	     /* before */
	struct journal_entry *entry; /* NULL: nothing to tell yet */
	uint64_t most;		     /* octets of it */
	struct open_zone *next;	     /* utlist: the one around it */
};

/* A zone that has changed, once it is known how. Its name follows. */
struct done_zone {
	uint64_t edits; /* of its row, then */
	uint64_t entry; /* octets; 0: there is none */
	uint32_t before, serial;
	uint8_t was, is;
	uint8_t len;
};

struct merge_side {
	struct view view;
	const struct merge *merge;
	uint32_t table;
};

struct merge {
	struct settling settling;
	struct merge_side from, to;
	struct buffer secondaries; /* struct name: to be carried over */
	size_t carried;		   /* octets of those that are */
	struct zone_take take;	   /* of the one at hand */
	struct zone_key place;	   /* of the owner to go on with */
	struct open_zone *open;	   /* utlist: the innermost first */
	struct buffer done;	   /* struct done_zone, and names */
	struct apply *apply;	   /* of a slice: of the new table */
	bool is_done;
};

/** merge_look() - what an owner has on a side; -ENOENT: nothing */
int merge_look(const struct view *view, const struct name *owner,
	       struct rrsets *out);

/** merge_write_owner() - give an owner of the new table another value; in
 * merge_slice() */
int merge_write_owner(struct merge *merge, const uint8_t *key, size_t key_len,
		      struct rrsets old, struct rrsets new);

/** merge_find_secondaries() - which are to be carried over; @taken: not that
 * one, or NULL */
int merge_find_secondaries(struct merge *merge, MDB_txn *txn,
			   const struct name *taken);

/** merge_carry_slice() - of about @max owners */
int merge_carry_slice(struct merge *merge, MDB_txn *txn, size_t max);

/** merge_around() - the zone around @at that has an SOA, before or after;
 * NULL: none */
struct open_zone *merge_around(struct open_zone *at, bool after);

/** merge_break_zone() - no journal can tell how it changes; NULL is fine */
void merge_break_zone(struct open_zone *zone);

/** merge_owner() - what of an owner is a change of its zone */
int merge_owner(struct merge *merge, const struct pair_entry *at);

/** merge_delegation() - what the zone around that one shows of it, if both are
 * there all the time */
int merge_delegation(struct merge *merge, struct open_zone *zone);

/** merge_give_entry() - let the journal tell of it from here on, if one can */
int merge_give_entry(struct merge *merge, struct open_zone *zone);

/** merge_enter() - an owner that is an apex, on either side */
int merge_enter(struct merge *merge, const struct pair_entry *at);

/** merge_leave() - those that the owner with that key is not in; NULL: all */
int merge_leave(struct merge *merge, const uint8_t *key, size_t key_len);

void merge_zone_free(struct open_zone *zone);

#endif
