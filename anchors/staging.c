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
	nameserver_done *done;
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
	anchor_unref(staging->anchor);
	free(staging);
}

static struct task *staging_task(struct staging *staging, nameserver_done *done,
				 void *arg)
{
	/* Also for an anchor that is gone: the staging must still go. */
	struct task *task = task_new(staging->anchor, done, arg);

	if (task)
		task->staging = staging;
	return task;
}

/* The table to stage in, made by the first task that needs it. */
static int staging_table(struct task *task, MDB_txn *txn)
{
	struct staging *staging = task->staging;
	int r;

	/* Run again after a lost transaction, a task makes it again. */
	if (staging->has_table && !task->made_table)
		return 0;
	r = table_create(task_tables(task), txn, &staging->table);
	staging->has_table = task->made_table = r == 0;
	return r;
}

/*
 * May all that is staged be published, instead of all that is served? Asked
 * for every piece too: what never could be need not fill the disk.
 */
static int staging_fits(struct task *task, MDB_txn *txn)
{
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
		r = table_records(tables, txn, task->staging->table, &staged);
	return r ? r : table_fits(tables, served, staged, &task->refusal);
}

/* A slice, so that others need not wait for all of it. */
static int run_stage(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct change slice;
	int r = task->staged_to ? 0 : staging_table(task, txn);

	if (r == 0)
		r = staging_fits(task, txn);
	if (r)
		return r;
	slice = change_slice(&task->change, task->staged_to, STAGING_SLICE);
	job->octets = slice.items.len;
	r = table_apply(task_tables(task), txn, task->staging->table, &slice,
			true, task->now_ns, &task->refusal);
	if (r)
		return r;
	task->staged_to += slice.items.len;
	return task->staged_to < task->change.items.len ? JOB_MORE : 0;
}

/* Who waits hears of a failure at once. */
static void call_waiter(struct staging *staging)
{
	nameserver_done *done = staging->done;

	if (!done || (!staging->result && staging->running > staging->ahead))
		return;
	staging->done = NULL;
	done(staging->arg, staging->result,
	     staging->refused ? &staging->refusal : NULL);
}

static void await(struct staging *staging, unsigned ahead,
		  nameserver_done *done, void *arg)
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
		 nameserver_done *done, void *arg)
{
	struct task *task = staging_task(staging, on_staged, staging);

	if (!task) {
		done(arg, -ENOMEM, NULL);
		return;
	}
	task->change = *change;
	*change = (struct change){0};
	task->job.reply = JOB_EARLY;
	task->job.adds = true;
	task->job.loss = &staging->loss;
	staging->running++;
	task_submit(task, run_stage);
	await(staging, ahead, done, arg);
}

void staging_settle(struct staging *staging, nameserver_done *done, void *arg)
{
	await(staging, 0, done, arg);
}

/* Only the jobs before this one count, whether reported by now or not. */
static int is_as_marked(const struct task *task, MDB_txn *txn, uint32_t table,
			bool *out)
{
	const struct staging *staging = task->staging;
	const struct staging_mark *mark = &staging->mark;
	uint64_t digest;
	int r;

	*out = task->anchor->changes == mark->changes &&
	       (mark->all_seen || !staging->otherwise);
	if (*out || !task->owner_only)
		return 0;
	/* What was put there again is as new as anything. */
	if (!staging->otherwise && !mark->any_time &&
	    task_touched_since(task->anchor, &task->owner, &mark->touched))
		return 0;
	r = table_digest(task_tables(task), txn, table, &task->owner, &digest);
	*out = digest == mark->owner_digest;
	return r;
}

static int run_publish(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	const struct tables *tables = task_tables(task);
	uint32_t table, loose;
	bool is_due = true;
	int r = task_table(task, txn, &table);

	if (r == 0 && task->staging->expects)
		r = is_as_marked(task, txn, table, &is_due);
	/* What is not done is no edit. */
	task->is_edit = is_due;
	if (r == 0 && !is_due)
		return -task->staging->otherwise;
	if (r)
		return r;
	r = staging_table(task, txn);
	if (r < 0)
		return r;
	if (task->owner_only) {
		r = table_take(tables, txn, table, task->staging->table,
			       &task->owner, task->now_ns, &task->refusal);
		loose = task->staging->table;
	} else {
		r = staging_fits(task, txn);
		if (r == 0)
			r = table_publish(tables, txn, task->anchor->id,
					  task->staging->table, task->now_ns);
		loose = table;
	}
	if (r == 0)
		r = task_loosen(task, loose);
	if (r == 0) {
		task_changes(task);
		task_touches(task, task->owner_only ? &task->owner : NULL);
	}
	return r;
}

static int settle_publish(struct task *task, int result)
{
	if (result < 0)
		staging_discard(task->staging);
	else
		staging_free(task->staging);
	return result;
}

void staging_publish(struct staging *staging, const struct name *owner,
		     nameserver_done *done, void *arg)
{
	struct task *task = staging_task(staging, done, arg);

	assert(!staging->running && !staging->result);
	if (!task) {
		staging_discard(staging);
		done(arg, -ENOMEM, NULL);
		return;
	}
	if (owner) {
		task->owner = *owner;
		task->owner_only = true;
	}
	task->job.loss = &staging->loss;
	task->is_edit = true;
	task->settle = settle_publish;
	task_submit(task, run_publish);
}

static int run_discard(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);

	(void)txn;
	/*
	 * The table may be lost with a transaction, and its number may be
	 * another's by now: then it is left to the next start.
	 */
	if (!task->staging->has_table || task->staging->loss.error)
		return 0;
	return task_loosen(task, task->staging->table);
}

static int settle_discard(struct task *task, int result)
{
	staging_free(task->staging);
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
	struct task *task = staging_task(staging, ignore_result, NULL);

	assert(!staging->done);
	/* Without memory it stays loose until the next start frees it. */
	if (!task)
		return;
	task->settle = settle_discard;
	task->job.behind = true;
	task_submit(task, run_discard);
}

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
		mark.touched = task_touched(anchor, owner);
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
		   const struct staging_mark *since, nameserver_done *done,
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
