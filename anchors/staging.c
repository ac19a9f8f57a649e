// SPDX-License-Identifier: Apache-2.0
/*
 * staging.c - new content, in a table that nobody answers from yet
 */
#include <assert.h>
#include <errno.h>

#include "anchors/staging_layout.h"

/* So many records are staged at a time, which takes a few milliseconds. */
#define STAGING_SLICE 4096

int staging_new(struct staging **out, struct anchor *anchor)
{
	struct staging *staging = calloc(1, sizeof(*staging));

	if (!staging)
		return -ENOMEM;
	staging->anchor = anchor_ref(anchor);
	*out = staging;
	return 0;
}

void staging_free(struct staging *staging)
{
	/* The writer is through with it, and all has been told. */
	assert(!staging->running && !staging->loss.pending);
	anchor_unref(staging->anchor);
	free(staging);
}

void *staging_task_new(size_t size, struct staging *staging, anchor_done *done,
		       void *arg)
{
	/* The anchor may be gone: what was staged must go all the same. */
	struct staging_task *on = task_new(size, staging->anchor, done, arg);

	if (on)
		on->staging = staging;
	return on;
}

/* The first task that needs the table makes it. */
int staging_table(struct staging_task *on, MDB_txn *txn)
{
	struct staging *staging = on->staging;
	int r;

	/* Where that task is run again, its table was lost. */
	if (staging->has_table && !on->made_table)
		return 0;
	r = table_create(task_tables(&on->task), txn, &staging->table);
	staging->has_table = on->made_table = r == 0;
	return r;
}

/*
 * May all that is staged be published, instead of all that is served? Asked
 * for every piece too: what never could be need not fill the disk.
 */
int staging_fits(struct staging_task *on, MDB_txn *txn)
{
	struct task *task = &on->task;
	const struct tables *tables = task_tables(task);
	uint64_t served = 0, staged = 0;
	uint32_t table;
	int r;

	if (!tables->records_max)
		return 0;
	r = task_table(task, txn, &table);
	if (r == 0)
		r = table_records(tables, txn, table, &served);
	if (r == 0)
		r = table_records(tables, txn, on->staging->table, &staged);
	return r ? r : table_fits(tables, served, staged, &task->refusal);
}

/* ---- A piece ---- */

struct piece {
	struct staging_task on;
	struct change change; /* owned */
	size_t staged_to;     /* octets of its items: all slices but the last */
};

/* It stages one slice, so that others need not wait for all of them. */
static int run_stage(struct job *job, MDB_txn *txn)
{
	struct piece *piece = container_of(job, struct piece, on.task.job);
	struct task *task = &piece->on.task;
	struct change slice;
	size_t staged_to;
	int r = piece->staged_to ? 0 : staging_table(&piece->on, txn);

	if (r == 0)
		r = staging_fits(&piece->on, txn);
	if (r)
		return r;
	slice = change_slice(&piece->change, piece->staged_to, STAGING_SLICE);
	job->octets = slice.items.len;
	r = table_apply(task_tables(task), txn, piece->on.staging->table,
			&slice, true, task->now_ns, &task->refusal);
	if (r)
		return r;
	staged_to = piece->staged_to + slice.items.len;
	assert(staged_to <= piece->change.items.len);
	/*
	 * The last slice may be run again, after a transaction that was lost
	 * with it; of those before it, staging->loss tells.
	 */
	if (staged_to == piece->change.items.len)
		return 0;
	piece->staged_to = staged_to;
	return JOB_MORE;
}

static int settle_stage(struct task *task, int result)
{
	struct piece *piece = container_of(task, struct piece, on.task);

	change_deinit(&piece->change);
	return result;
}

/* Who waits hears of a failure at once. */
static void call_waiter(struct staging *staging)
{
	struct host *host = staging->anchor->host;
	anchor_done *done = staging->done;
	struct receipt before;

	if (!done || (!staging->result && staging->running > staging->ahead))
		return;
	staging->done = NULL;
	/* What was staged last may be of an earlier call. */
	receipt_enter(host, &staging->receipt, &before);
	done(staging->arg, staging->result,
	     staging->refused ? &staging->refusal : NULL);
	receipt_leave(host, &before);
}

static void await(struct staging *staging, unsigned ahead, anchor_done *done,
		  void *arg)
{
	assert(!staging->done);
	staging->done = done;
	staging->arg = arg;
	staging->ahead = ahead;
	staging->receipt = *receipt_at_hand(staging->anchor->host);
	call_waiter(staging);
}

static void on_staged(void *arg, int result, const struct refusal *refusal)
{
	struct staging *staging = arg;

	assert(staging->running);
	staging->running--;
	/* The first failure is told: later ones come of it. */
	if (result < 0 && !staging->result) {
		staging->result = result;
		staging->refused = refusal;
		if (refusal)
			staging->refusal = *refusal;
	}
	call_waiter(staging);
}

void staging_add(struct staging *staging, struct change *change, unsigned ahead,
		 anchor_done *done, void *arg)
{
	struct piece *piece =
		staging_task_new(sizeof(*piece), staging, on_staged, staging);
	struct task *task;

	if (!piece) {
		done(arg, -ENOMEM, NULL);
		return;
	}
	piece->change = *change;
	*change = (struct change){0};
	task = &piece->on.task;
	task->job.reply = JOB_EARLY;
	task->job.adds = true;
	task->job.loss = &staging->loss;
	task->settle = settle_stage;
	staging->running++;
	task_submit(task, run_stage);
	await(staging, ahead, done, arg);
}

void staging_settle(struct staging *staging, anchor_done *done, void *arg)
{
	await(staging, 0, done, arg);
}

/* ---- Discard ---- */

static int run_discard(struct job *job, MDB_txn *txn)
{
	struct staging_task *on =
		container_of(job, struct staging_task, task.job);

	(void)txn;
	/*
	 * The table may be lost with a transaction, and its number may be
	 * another's by now: then it is left to the next start.
	 */
	if (!on->staging->has_table || on->staging->loss.error)
		return 0;
	return task_loosen(&on->task, on->staging->table);
}

static int settle_discard(struct task *task, int result)
{
	staging_free(container_of(task, struct staging_task, task)->staging);
	return result;
}

static void ignore_result(void *arg, int result, const struct refusal *refusal)
{
	(void)arg;
	(void)result;
	(void)refusal;
}

void staging_discard(struct staging *staging)
{
	struct staging_task *on =
		staging_task_new(sizeof(*on), staging, ignore_result, NULL);

	assert(!staging->done);
	/* Without memory its table stays, until the next start frees it. */
	if (!on)
		return;
	/* It undoes what was not done, and is no call's. */
	on->task.job.receipt = NULL;
	on->task.settle = settle_discard;
	on->task.job.behind = true;
	task_submit(&on->task, run_discard);
}
