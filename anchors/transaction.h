/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction.h - the writer's transaction, and the tables swept along with it
 *
 * There is one write transaction at a time, open from the first job of a group
 * to the commit. While early work is in it that nobody waits for, it stays open
 * between groups; it remembers whose work that is, so that each of them learns
 * it when the transaction is lost.
 *
 * Loose tables, those that nobody points at, are freed here too, a slice with
 * every commit: a table of a million names would hold up all others. The list
 * of them is memory's own; the store is asked at the start what a crash has
 * left. A table that was loosened in a transaction is not loose when that is
 * lost, so the list is then put back to what it was.
 *
 * Threading: the writer's, which calls transaction_enter() first, but for
 * commits, which any thread may read. transaction_init() and _deinit() come
 * before and after it.
 */
#ifndef ANCHORS_TRANSACTION_H
#define ANCHORS_TRANSACTION_H

#include <pthread.h>

#include "anchors/histogram.h"
#include "anchors/job.h"
#include "anchors/store.h"

struct transaction {
	struct store *store;
	pthread_t thread;	  /* that may touch this */
	MDB_txn *txn;		  /* NULL: none is open */
	size_t early;		  /* octets of early work in it */
	uint64_t shared_until_ns; /* group.c's: others change something, too */
	struct job_loss *losses;  /* utlist: whose early work is in it */
	struct buffer loose;	  /* uint32_t: tables to free */
	struct buffer loose_before; /* the same when the transaction began */
	bool sweep_failed; /* and is not tried until something is committed */
	struct histogram commits; /* how long they took */
};

/** transaction_init() - none is open; ask for loose tables: 0, -errno */
int transaction_init(struct transaction *out, struct store *store);
void transaction_deinit(struct transaction *transaction);

/** transaction_enter() - from here on, the calling thread is the writer's */
void transaction_enter(struct transaction *transaction);

/** transaction_begin() - unless one is open: 0, -errno as dns/store/table.h */
int transaction_begin(struct transaction *transaction);

/**
 * transaction_commit() - free some of what is loose, and bring it to disk
 * @sweep_max: owners of loose tables, at most; see transaction_share()
 *
 * Return: 0; -errno: it is lost, as by transaction_lose(). -ENOSPC, -EIO.
 */
int transaction_commit(struct transaction *transaction, size_t sweep_max);

/** transaction_share() - how many owners a commit has to free, for its part */
size_t transaction_share(const struct transaction *transaction);

/**
 * transaction_lose() - undo it, if one is open
 * @error: -errno, for all that have early work in it
 */
void transaction_lose(struct transaction *transaction, int error);

/** transaction_remember() - @loss has early work in it; again is fine */
void transaction_remember(struct transaction *transaction,
			  struct job_loss *loss);

/** transaction_loosen() - free that table by and by: 0, -ENOMEM */
int transaction_loosen(struct transaction *transaction, uint32_t table);

/**
 * transaction_sweep() - free up to @max owners in it, and stay open
 *
 * Return: 0, also with nothing to do; -errno: then it must be lost.
 */
int transaction_sweep(struct transaction *transaction, size_t max);

/** transaction_is_swept() - is nothing loose, or nothing to be done about it?
 */
bool transaction_is_swept(const struct transaction *transaction);

/**
 * transaction_sweep_idle() - free some with a commit for nothing else
 *
 * It makes room, and on a full disk it takes the store's reserve for that.
 */
void transaction_sweep_idle(struct transaction *transaction);

#endif
