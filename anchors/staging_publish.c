// SPDX-License-Identifier: Apache-2.0
/*
 * staging_publish.c - what is staged becomes what is answered
 *
 * Of all records that is one small write, which changes the table's number. Of
 * one owner's, they are taken over into the table that is served. Either may
 * depend on what was there when the new content was made.
 */
#include <assert.h>
#include <errno.h>

#include "anchors/staging_layout.h"

/* ---- Publish ---- */

struct publishing {
	struct staging_task on;
	bool owner_only; /* only @owner's records are replaced */
	struct name owner;
};

/*
 * The jobs that ran before this one count, whether their callers have heard of
 * them by now or not.
 */
static int is_as_marked(const struct publishing *publishing, MDB_txn *txn,
			uint32_t table, bool *out)
{
	const struct task *task = &publishing->on.task;
	const struct staging *staging = publishing->on.staging;
	const struct staging_mark *mark = &staging->mark;
	uint64_t digest;
	int r;

	*out = atomic_load(&task->anchor->changes) == mark->changes &&
	       (mark->all_seen || !staging->otherwise);
	if (*out || !publishing->owner_only)
		return 0;
	/* Records that were removed and put back are new ones. */
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
	/* If nothing is published, it does not count as an edit. */
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

/* ---- What it was made of ---- */

int staging_mark(struct staging_mark *out, const struct anchor *anchor,
		 const struct name *owner)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct staging_mark mark = {
		.changes = atomic_load(&anchor->changes),
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
