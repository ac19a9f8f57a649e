/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.h - where a name and its ancestors stand among a table's owners
 *
 * Keys sort by DNS order and a name's key begins with its ancestors' keys. So
 * one key serves for the name and all its ancestors, each of which is as much
 * of it as has so many labels; and the neighbours of a missing name show its
 * closest encloser.
 *
 * A search goes up by what has records, not label by label: an ancestor that
 * has any also encloses the owner just before the name, or is that owner. It
 * knows nothing of what the records mean: that is lookup.c's.
 *
 * It lives on the stack of lookup_name(). Threading: as the snapshot's.
 */
#ifndef DNS_SEARCH_H
#define DNS_SEARCH_H

#include "dns/store/snapshot.h"

struct search {
	struct snapshot *snapshot; /* borrowed */
	uint32_t table;
	unsigned labels; /* of the name; the root's is never counted */
	unsigned at; /* how many labels of the key the cursor was sent to, or
		      * NAME_LABELS_MAX + 1: it is elsewhere */
	uint16_t ends[NAME_LABELS_MAX + 1]; /* octets of the key by labels */
	uint8_t key[NAME_KEY_SIZE];
};

/* What stands at a key. */
enum search_place {
	SEARCH_NOTHING,
	SEARCH_ABOVE, /* no records, but names below it: RFC 8020, section 2 */
	SEARCH_OWNER,
};

/* Where a search stands on its way up: an ancestor-or-self. */
struct rung {
	unsigned labels;
	struct rrsets rrsets; /* its own; none if it has no records */
};

void search_init(struct search *search, struct snapshot *snapshot,
		 uint32_t table, const struct name *name);

/**
 * search_name() - look at the name itself
 * @recall: it may well be one that is remembered
 * @entry:  the first owner from there on; its key is NULL if there is none
 *
 * Return: enum search_place; -EIO.
 */
int search_name(struct search *search, bool recall,
		struct snapshot_entry *entry);

/**
 * search_again() - look at an ancestor, or a wildcard below one
 *
 * Others have done so before, and so it is remembered. Return: enum
 * search_place; -EIO.
 */
int search_again(struct search *search, unsigned labels,
		 struct snapshot_entry *entry);

/**
 * search_encloser() - the closest encloser of a name that does not exist
 * @after: what search_name() has found, right before
 * @rung:  from where to go up
 *
 * RFC 4592, section 3.3.1: all that encloses it and exists also encloses the
 * owner just before or just after it. Return: how many labels it has; -EIO.
 */
int search_encloser(struct search *search, const struct snapshot_entry *after,
		    struct rung *rung);

/**
 * search_wildcard() - look at "*" below an ancestor of a name that is missing
 *
 * It takes the name's place in the key, so that only ancestors, and this one
 * with a label more than @encloser, are there to be looked at from now on.
 *
 * Return: enum search_place; -EIO.
 */
int search_wildcard(struct search *search, unsigned encloser,
		    struct snapshot_entry *entry);

/** search_up() - the next one above that can have records: 0, -ENOENT, -EIO */
int search_up(struct search *search, struct rung *rung);

#endif
