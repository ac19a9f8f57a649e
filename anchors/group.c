// SPDX-License-Identifier: Apache-2.0
/*
 * group.c - run jobs together; where that fails, one by one
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>
#include <uv.h>

#include "anchors/group.h"

/*
 * How much early work may pile up in one transaction, in octets. LMDB keeps
 * the pages of an open transaction in memory, about three times as much.
 */
#define EARLY_MAX (8 * 1024 * 1024)
/*
 * The same while others change something too, who wait for its commit; and for
 * how long after one of them has.
 */
#define EARLY_SHARED (512 * 1024)
#define SHARED_NS    (1000 * 1000 * 1000)
/* For so many octets that are staged, one owner of a loose table is freed. */
#define SWEEP_PER 32

static int run(struct transaction *transaction, struct job *job)
{
	int r;

	assert(transaction->txn);
	if (job->loss && job->loss->error)
		return job->loss->error;
	if (job->adds && !store_has_room(transaction->store))
		return ENOSPC;
	r = job->run(job, transaction->txn);
	if (r == 0 && job->receipt && job->reply == JOB_DURABLE)
		r = receipt_put(transaction->store, transaction->txn,
				job->receipt, job->made);
	return r;
}

/* The job is handed back, or goes on, before what it did is on disk. */
static void remember_early(struct transaction *transaction, struct job *job)
{
	assert(job->loss);
	if (!job->result || job->result == JOB_MORE)
		transaction_remember(transaction, job->loss);
}

static size_t early_max(const struct transaction *transaction)
{
	return uv_hrtime() < transaction->shared_until_ns ? EARLY_SHARED
							  : EARLY_MAX;
}

/* Return: 0; -errno: the transaction is lost, with what all of them did. */
static int run_together(struct transaction *transaction, struct job *jobs)
{
	bool durable = false, shared = false;
	size_t staged = 0;
	struct job *job;
	int r = transaction_begin(transaction);

	for (job = jobs; r >= 0 && job; job = job->next) {
		r = job->result = run(transaction, job);
		if (r == JOB_MORE)
			remember_early(transaction, job);
		/* A slice is not what anybody waits for. */
		durable |= job->reply == JOB_DURABLE && r != JOB_MORE;
		/* Who ends a replacement waits for no work but its own. */
		shared |= job->reply == JOB_DURABLE && !job->loss;
		staged += job->octets;
	}
	if (shared && (transaction->early || staged))
		transaction->shared_until_ns = uv_hrtime() + SHARED_NS;
	if (r >= 0)
		r = transaction_sweep(transaction, staged / SWEEP_PER);
	if (r < 0) {
		transaction_lose(transaction, r);
		return r;
	}
	transaction->early += staged;
	if (durable || transaction->early > early_max(transaction))
		return transaction_commit(transaction,
					  transaction_share(transaction));
	LL_FOREACH (jobs, job)
		remember_early(transaction, job);
	return 0;
}

static void try_alone(struct transaction *transaction, struct job *job)
{
	int r = transaction_begin(transaction);

	job->result = r < 0 ? r : run(transaction, job);
	if (job->result == JOB_MORE)
		remember_early(transaction, job);
	if (job->result < 0) {
		transaction_lose(transaction, job->result);
		return;
	}
	r = transaction_commit(transaction, 0);
	if (r < 0)
		job->result = r;
}

static void run_alone(struct transaction *transaction, struct job *job)
{
	try_alone(transaction, job);
	if (job->result == -ENOSPC && !job->adds) {
		store_use_reserve(transaction->store);
		try_alone(transaction, job);
		store_keep_reserve(transaction->store);
	}
	if (job->result < 0 && job->loss)
		job->loss->error = job->result;
	assert(!transaction->txn);
}

void group_run(struct transaction *transaction, struct job *jobs)
{
	struct job *job;

	if (run_together(transaction, jobs) == 0)
		return;
	LL_FOREACH (jobs, job)
		run_alone(transaction, job);
}
