/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt.h - that a call of another host's was done, kept where it was done
 *
 * Who has sent a call and got no answer asks whether it was done, perhaps a
 * daemon that was killed in between. So the number of the call is written in
 * the transaction of what it does: it is there if and only if that was done. A
 * row is kept for each slot of each requester, with the last call in it; one
 * that was refused has changed nothing, and leaves none. Hosts come and go, so
 * there are RECEIPTS_MAX rows at most, and the oldest make room: who asks does
 * so within seconds.
 *
 * Operations do not hand the receipt on to each other: the host has the one of
 * the call at hand, and a task takes it along when it is made. Whatever puts
 * work off until later notes the one at hand, and enters it again when it goes
 * on: a task for who hears of it, an open file's queue, a question about a
 * caller, work of the pool, who waits for what is being staged.
 *
 * Threading: the main loop; receipt_put() the writer's thread; receipt_get()
 * any thread that has a transaction.
 */
#ifndef ANCHORS_RECEIPT_H
#define ANCHORS_RECEIPT_H

#include <lmdb.h>
#include <stdint.h>

struct host;
struct store;

#define RECEIPT_NAME_MAX 63 /* octets of a host's name */

#define RECEIPTS_MAX 65536
/* So many make room at once, for it takes a look at all. */
#define RECEIPTS_DROPPED (RECEIPTS_MAX / 8)

struct receipt {
	char from[RECEIPT_NAME_MAX +
		  1];	  /* the requester; "": this host's own */
	uint64_t session; /* its number of it */
	uint64_t seq;	  /* of the slot */
	uint16_t slot;
};

/* What is kept. */
struct receipt_row {
	uint64_t session;
	uint64_t seq;
	uint64_t anchor; /* that was made; 0: none was */
	uint64_t order;	 /* the number of its transaction: they only grow */
};

/** receipt_of() - @from has at most RECEIPT_NAME_MAX octets */
struct receipt receipt_of(const char *from, uint64_t session, uint16_t slot,
			  uint64_t seq);

/** receipt_at_hand() - the one of the call that is being done, or of none */
const struct receipt *receipt_at_hand(const struct host *host);

/**
 * receipt_enter() - a call goes on, and its receipt is the one at hand
 * @before: gets the one that was, for receipt_leave(), which follows in the
 *          same function
 */
void receipt_enter(struct host *host, const struct receipt *receipt,
		   struct receipt *before);
void receipt_leave(struct host *host, const struct receipt *before);

/** receipt_put() - in the transaction of what was done: 0, -errno
 *
 * @anchor: the one that was made, or 0
 */
int receipt_put(const struct store *store, MDB_txn *txn,
		const struct receipt *receipt, uint64_t anchor);

/** receipt_get() - the last one of that slot: 0; -ENOENT; -errno */
int receipt_get(const struct store *store, MDB_txn *txn, const char *from,
		uint16_t slot, struct receipt_row *out);

/**
 * receipt_find() - was that call done? It takes a transaction of its own
 * @anchor: the one that it made, or 0
 *
 * What is on its way through the writer is not done yet: ask when none of that
 * requester's calls is. Return: 0: it was; -ENOENT: it was not; -errno: nobody
 * knows.
 */
int receipt_find(const struct host *host, const struct receipt *receipt,
		 uint64_t *anchor);

#endif
