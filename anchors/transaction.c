// SPDX-License-Identifier: Apache-2.0
/*
 * transaction.c - begin, commit, lose; and the sweep of loose tables
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>
#include <uv.h>

#include "anchors/transaction.h"

/*
 * How many owners of loose tables go with a commit, for each such table: the
 * more are left, the faster they go, or a client that does nothing but replace
 * would fill the disk. And the most in one transaction, a few milliseconds.
 */
#define SWEEP	  256
#define SWEEP_MAX 2048

/* A table that is loose before anything runs was left by a crash. */
static int find_loose(struct transaction *transaction)
{
	struct store *store = transaction->store;
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return table_errno(rc);
	r = table_loose(&store->tables, txn, &transaction->loose);
	mdb_txn_abort(txn);
	return r;
}

int transaction_init(struct transaction *out, struct store *store)
{
	*out = (struct transaction){.store = store};
	return find_loose(out);
}

void transaction_deinit(struct transaction *transaction)
{
	assert(!transaction->txn);
	buffer_deinit(&transaction->loose);
	buffer_deinit(&transaction->loose_before);
}

void transaction_enter(struct transaction *transaction)
{
	transaction->thread = pthread_self();
}

static void assert_thread(const struct transaction *transaction)
{
	assert(pthread_equal(transaction->thread, pthread_self()));
}

int transaction_begin(struct transaction *transaction)
{
	int r;

	assert_thread(transaction);
	if (transaction->txn)
		return 0;
	assert(!transaction->losses && !transaction->early);
	transaction->loose_before.len = 0;
	r = buffer_add(&transaction->loose_before, transaction->loose.data,
		       transaction->loose.len);
	if (r < 0)
		return r;
	return table_errno(mdb_txn_begin(transaction->store->env, NULL, 0,
					 &transaction->txn));
}

/* It has ended; with an @error, its early work is lost. */
static void settle(struct transaction *transaction, int error)
{
	struct job_loss *loss, *next;

	LL_FOREACH_SAFE (transaction->losses, loss, next) {
		assert(loss->pending);
		loss->pending = false;
		if (error)
			loss->error = error;
	}
	transaction->losses = NULL;
	transaction->early = 0;
	transaction->txn = NULL;
	if (error) {
		struct buffer lost = transaction->loose;

		transaction->loose = transaction->loose_before;
		transaction->loose_before = lost;
	}
}

void transaction_lose(struct transaction *transaction, int error)
{
	assert_thread(transaction);
	assert(error < 0);
	/* Where it could not even begin, there is nothing to undo. */
	if (!transaction->txn)
		return;
	mdb_txn_abort(transaction->txn);
	settle(transaction, error);
}

int transaction_commit(struct transaction *transaction, size_t sweep_max)
{
	struct store *store = transaction->store;
	uint64_t begun_ns;
	MDB_txn *txn;
	size_t id;
	int r = transaction_sweep(transaction, sweep_max);

	if (r < 0) {
		transaction_lose(transaction, r);
		return r;
	}
	txn = steal(&transaction->txn);
	begun_ns = uv_hrtime();
	id = mdb_txn_id(txn);
	r = store_errno(store, table_errno(mdb_txn_commit(txn)));
	histogram_add(&transaction->commits, uv_hrtime() - begun_ns);
	if (r < 0)
		store_commit_failed(store, id);
	else if (store->reserve_used)
		store_keep_reserve(store);
	settle(transaction, r);
	transaction->sweep_failed &= r < 0;
	return r;
}

void transaction_remember(struct transaction *transaction,
			  struct job_loss *loss)
{
	assert_thread(transaction);
	assert(transaction->txn);
	if (loss->pending)
		return;
	loss->pending = true;
	LL_PREPEND(transaction->losses, loss);
}

/* ---- Loose tables ---- */

int transaction_loosen(struct transaction *transaction, uint32_t table)
{
	assert_thread(transaction);
	assert(transaction->txn);
	return buffer_add(&transaction->loose, &table, sizeof(table));
}

size_t transaction_share(const struct transaction *transaction)
{
	size_t max = SWEEP * (transaction->loose.len / sizeof(uint32_t));

	return max < SWEEP_MAX ? max : SWEEP_MAX;
}

bool transaction_is_swept(const struct transaction *transaction)
{
	return !transaction->loose.len || transaction->sweep_failed;
}

int transaction_sweep(struct transaction *transaction, size_t max)
{
	struct buffer *loose = &transaction->loose;
	bool left = false;
	uint32_t table;
	int r;

	assert_thread(transaction);
	assert(transaction->txn && loose->len % sizeof(table) == 0);
	if (transaction_is_swept(transaction))
		return 0;
	memcpy(&table, loose->data + loose->len - sizeof(table), sizeof(table));
	r = table_free_slice(&transaction->store->tables, transaction->txn,
			     table, max, &left);
	if (r == 0 && !left)
		loose->len -= sizeof(table);
	transaction->sweep_failed = r < 0;
	return r;
}

static int sweep_now(struct transaction *transaction, size_t max)
{
	int r = transaction_begin(transaction);

	return r < 0 ? r : transaction_commit(transaction, max);
}

void transaction_sweep_idle(struct transaction *transaction)
{
	int r = sweep_now(transaction, SWEEP_MAX);

	if (r == -ENOSPC) {
		store_use_reserve(transaction->store);
		transaction->sweep_failed = false;
		r = sweep_now(transaction, SWEEP);
		store_keep_reserve(transaction->store);
	}
	transaction->sweep_failed = r < 0;
}
