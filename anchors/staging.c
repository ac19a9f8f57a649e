// SPDX-License-Identifier: Apache-2.0
/*
 * staging.c - new content, in a table that nobody answers from yet
 */
#include <assert.h>
#include <errno.h>

#include "anchors/staging.h"
#include "anchors/task.h"

/* Records that are staged at a time: a few milliseconds. */
#define STAGING_SLICE 4096

struct staging {
	struct anchor *anchor; /* a reference */
	struct job_loss loss;
	bool expects; /* publish only if all is as it was then: */
	struct staging_mark mark;
	int otherwise; /* what to tell if it is not; -errno */
	uint32_t table;
	bool has_table; /* the writer's thread, as is table */

	/* The main loop from here on. */
	unsigned running; /* changes that the writer has still to judge */
	int result;	  /* of the first that failed */
	struct refusal refusal;
	bool refused; /* the refusal says why */
	anchor_done *done;
	void *arg;
	unsigned ahead; /* call done() when no more than these are running */
};

int staging_new(struct staging **out, struct anchor *anchor)
{
	struct staging *staging = calloc(1, sizeof(*staging));

	if (!staging)
		return -ENOMEM;
	staging->anchor = anchor_ref(anchor);
	*out = staging;
	return 0;
}

static void staging_free(struct staging *staging)
{
	/* The writer is through with it: what it had in flight was told. */
	assert(!staging->running && !staging->loss.pending);
	anchor_unref(staging->anchor);
	free(staging);
}

/* What each operation on a staging begins with. */
struct staging_task {
	struct task task;
	struct staging *staging;
	bool made_table; /* this task made its table */
};

static void *staging_task_new(size_t size, struct staging *staging,
			      anchor_done *done, void *arg)
{
	/* Also for an anchor that is gone: the staging must still go. */
	struct staging_task *on = task_new(size, staging->anchor, done, arg);

	if (on)
		on->staging = staging;
	return on;
}

/* The table to stage in, made by the first task that needs it. */
static int staging_table(struct staging_task *on, MDB_txn *txn)
{
	struct staging *staging = on->staging;
	int r;

	/* Run again after a lost transaction, a task makes it again. */
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
static int staging_fits(struct staging_task *on, MDB_txn *txn)
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

/* A slice, so that others need not wait for all of it. */
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
	anchor_done *done = staging->done;

	if (!done || (!staging->result && staging->running > staging->ahead))
		return;
	staging->done = NULL;
	done(staging->arg, staging->result,
	     staging->refused ? &staging->refusal : NULL);
}

static void await(struct staging *staging, unsigned ahead, anchor_done *done,
		  void *arg)
{
	assert(!staging->done);
	staging->done = done;
	staging->arg = arg;
	staging->ahead = ahead;
	call_waiter(staging);
}

static void on_staged(void *arg, int result, const struct refusal *refusal)
{
	struct staging *staging = arg;

	assert(staging->running);
	staging->running--;
	/* What fails after the first one fails because of it, or unasked. */
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

/* ---- Publish ---- */

struct publishing {
	struct staging_task on;
	bool owner_only; /* only @owner's records are replaced */
	struct name owner;
};

/* Only the jobs before this one count, whether reported by now or not. */
static int is_as_marked(const struct publishing *publishing, MDB_txn *txn,
			uint32_t table, bool *out)
{
	const struct task *task = &publishing->on.task;
	const struct staging *staging = publishing->on.staging;
	const struct staging_mark *mark = &staging->mark;
	uint64_t digest;
	int r;

	*out = task->anchor->changes == mark->changes &&
	       (mark->all_seen || !staging->otherwise);
	if (*out || !publishing->owner_only)
		return 0;
	/* What was put there again is as new as anything. */
	if (!staging->otherwise && !mark->any_time &&
	    touched_since(task->anchor, &publishing->owner, &mark->touched))
		return 0;
	r = table_digest(task_tables(task), txn, table, &publishing->owner,
			 &digest);
	*out = digest == mark->owner_digest;
	return r;
}

/* What is staged goes into the table that is served. */
static int replace_owner(struct publishing *publishing, MDB_txn *txn,
			 uint32_t table)
{
	struct task *task = &publishing->on.task;
	uint32_t staged = publishing->on.staging->table;
	int r = table_take(task_tables(task), txn, table, staged,
			   &publishing->owner, task->now_ns, &task->refusal);

	if (r == 0)
		r = task_loosen(task, staged);
	if (r == 0)
		touched_count(task->anchor, &publishing->owner);
	return r;
}

/* What is staged is served from here on, and the other table is loose. */
static int replace_all(struct publishing *publishing, MDB_txn *txn,
		       uint32_t table)
{
	struct task *task = &publishing->on.task;
	int r = staging_fits(&publishing->on, txn);

	if (r == 0)
		r = table_publish(task_tables(task), txn, task->anchor->id,
				  publishing->on.staging->table, task->now_ns);
	if (r == 0)
		r = task_loosen(task, table);
	if (r == 0)
		touched_count_all(task->anchor);
	return r;
}

static int run_publish(struct job *job, MDB_txn *txn)
{
	struct publishing *publishing =
		container_of(job, struct publishing, on.task.job);
	struct staging *staging = publishing->on.staging;
	struct task *task = &publishing->on.task;
	bool is_due = true;
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r == 0 && staging->expects)
		r = is_as_marked(publishing, txn, table, &is_due);
	/* What is not done is no edit. */
	task->is_edit = is_due;
	if (r == 0 && !is_due)
		return -staging->otherwise;
	if (r == 0)
		r = staging_table(&publishing->on, txn);
	if (r == 0)
		r = publishing->owner_only
			    ? replace_owner(publishing, txn, table)
			    : replace_all(publishing, txn, table);
	if (r == 0)
		task_changes(task);
	return r;
}

static int settle_publish(struct task *task, int result)
{
	struct publishing *publishing =
		container_of(task, struct publishing, on.task);

	if (result < 0)
		staging_discard(publishing->on.staging);
	else
		staging_free(publishing->on.staging);
	return result;
}

void staging_publish(struct staging *staging, const struct name *owner,
		     anchor_done *done, void *arg)
{
	struct publishing *publishing =
		staging_task_new(sizeof(*publishing), staging, done, arg);
	struct task *task;

	assert(!staging->running && !staging->result);
	if (!publishing) {
		staging_discard(staging);
		done(arg, -ENOMEM, NULL);
		return;
	}
	if (owner) {
		publishing->owner = *owner;
		publishing->owner_only = true;
	}
	task = &publishing->on.task;
	task->job.loss = &staging->loss;
	task->is_edit = true;
	task->settle = settle_publish;
	task_submit(task, run_publish);
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
	/* Without memory it stays loose until the next start frees it. */
	if (!on)
		return;
	on->task.settle = settle_discard;
	on->task.job.behind = true;
	task_submit(&on->task, run_discard);
}

/* ---- What it was made of ---- */

int staging_mark(struct staging_mark *out, const struct anchor *anchor,
		 const struct name *owner)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct staging_mark mark = {
		.changes = anchor->changes,
		.all_seen = !anchor->in_flight,
	};
	struct rrsets rrsets = {0};
	uint32_t table;
	int r = 0;

	if (owner) {
		mark.touched = touched_now(anchor, owner);
		r = snapshot_begin(snapshot);
		if (r < 0)
			return r;
		r = snapshot_serving(snapshot, anchor->id, &table);
		if (r == 0)
			r = snapshot_get(snapshot, table, owner, &rrsets);
		mark.owner_digest = rrsets_digest(rrsets);
		snapshot_end(snapshot);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	*out = mark;
	return 0;
}

void staging_expect(struct staging *staging, const struct staging_mark *mark,
		    int result)
{
	staging->expects = true;
	staging->mark = *mark;
	staging->otherwise = result;
}

void staging_clear(struct anchor *anchor, const struct name *owner,
		   const struct staging_mark *since, anchor_done *done,
		   void *arg)
{
	struct staging *staging;
	int r = anchor->gone ? -ENODEV : staging_new(&staging, anchor);

	if (r < 0) {
		done(arg, r, NULL);
		return;
	}
	if (since)
		staging_expect(staging, since, 0);
	staging_publish(staging, owner, done, arg);
}
