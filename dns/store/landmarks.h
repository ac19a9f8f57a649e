/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landmarks.h - keys that a snapshot comes to again and again
 *
 * Most names of a zone are found by way of the same few others: its apex, a
 * cut, a wildcard. What stood there is kept in a small table of fixed size,
 * where a key has one slot and takes it from whichever had it before.
 *
 * What is kept points into the store's memory, and stays from one read
 * transaction to the next. That is sound while the transactions' id, which
 * counts commits, is the same:
 *
 * - LMDB never changes a page of a commit in place. The writer that follows
 *   commit N puts what it changes, when it commits and also when it has to
 *   write some of it out early, on pages that it takes from the free ones.
 * - It takes only such as were free in N and in N-1, even while nobody reads
 *   (mdb_find_oldest() begins with N). What is free only since N or later
 *   goes to a writer that comes after another commit, and then a read
 *   transaction that is renewed has another id.
 * - The map never moves: its size is set before it is opened (store.c).
 *
 * Threading: as the snapshot's.
 */
#ifndef DNS_LANDMARKS_H
#define DNS_LANDMARKS_H

#include "dns/store/snapshot.h"

#define LANDMARKS	  64
#define LANDMARK_KEY_SIZE 64

/* What stands at or after a key. */
enum landmark_state {
	LANDMARK_UNKNOWN,
	LANDMARK_OWNER, /* the entry */
	LANDMARK_END,	/* nothing */
};

struct landmark {
	size_t moment; /* 0: none; the first commit, of the tables, is 1 */
	uint32_t table;
	uint16_t key_len;
	enum landmark_state state;
	struct snapshot_entry entry;
	uint8_t key[LANDMARK_KEY_SIZE];
};

/* All zero: nothing is known. */
struct landmarks {
	struct landmark slots[LANDMARKS];
};

/**
 * landmarks_at() - the slot of a key
 * @moment: snapshot_moment()
 *
 * Where the state is unknown, the caller may fill it in. NULL: the key is too
 * long to be kept.
 */
struct landmark *landmarks_at(struct landmarks *landmarks, size_t moment,
			      uint32_t table, const uint8_t *key,
			      size_t key_len);

#endif
