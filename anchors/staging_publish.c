// SPDX-License-Identifier: Apache-2.0
/*
 * staging_publish.c - what is staged becomes what is answered
 *
 * Of all records that is one small write, which changes the table's number. Of
 * one owner's or one zone's, they are taken over into the table that is served;
 * but for large zones, see staging_zone.c. Either may depend on what was there
 * when the new content was made.
 */
#include <assert.h>
#include <errno.h>

#include "anchors/staging_publish.h"

static bool is_of(const struct publishing *publishing, enum scope_kind kind)
{
	return publishing->scope.kind == kind;
}

/* A zone that was removed and put back has changed at another time. */
static int zone_is_as_marked(const struct publishing *publishing, MDB_txn *txn,
			     uint32_t table, bool *out)
{
	const struct staging_mark *mark = &publishing->on.staging->mark;
	struct zone_counts counts = {0};
	int r = table_zone(task_tables(&publishing->on.task), txn, table,
			   &publishing->scope.name, &counts);

	if (r < 0 && r != -ENOENT)
		return r;
	*out = !memcmp(&counts, &mark->zone, sizeof(counts));
	return 0;
}

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
	if (*out || is_of(publishing, SCOPE_ALL))
		return 0;
	if (is_of(publishing, SCOPE_ZONE))
		return zone_is_as_marked(publishing, txn, table, out);
	/* Records that were removed and put back are new ones. */
	if (!staging->otherwise && !mark->any_time &&
	    touched_since(task->anchor, &publishing->scope.name,
			  &mark->touched))
		return 0;
	r = table_digest(task_tables(task), txn, table, &publishing->scope.name,
			 &digest);
	*out = digest == mark->owner_digest;
	return r;
}

/* What is staged goes into the table that is served. */
static int replace_owner(struct publishing *publishing, MDB_txn *txn,
			 uint32_t table)
{
	const struct name *owner = &publishing->scope.name;
	struct task *task = &publishing->on.task;
	uint32_t staged = publishing->on.staging->table;
	int r = table_take(task_tables(task), txn, table, staged, owner,
			   task->now_ns, &task->refusal);

	if (r == 0)
		r = task_loosen(task, staged);
	if (r == 0)
		touched_count(task->anchor, owner);
	return r;
}

static int replace(struct publishing *publishing, MDB_txn *txn,
		   const struct served *served)
{
	switch (publishing->scope.kind) {
	case SCOPE_OWNER:
		return replace_owner(publishing, txn, served->table);
	case SCOPE_ZONE:
		return publish_zone(publishing, txn, served);
	default:
		return publish_all(publishing, txn, served);
	}
}

static int run_publish(struct job *job, MDB_txn *txn)
{
	struct publishing *publishing =
		container_of(job, struct publishing, on.task.job);
	struct staging *staging = publishing->on.staging;
	struct task *task = &publishing->on.task;
	struct served served;
	bool is_due = true;
	int r = table_served(task_tables(task), txn, task->anchor->id, &served);

	if (r == -ENOENT)
		r = ENODEV;
	if (r == 0 && staging->expects)
		r = is_as_marked(publishing, txn, served.table, &is_due);
	/* If nothing is published, it does not count as an edit. */
	task->is_edit = is_due;
	if (r == 0 && !is_due)
		return -staging->otherwise;
	/* What a slice was put into is there: else it would not go on. */
	if (r == 0 && !publishing->goes_on)
		r = staging_table(&publishing->on, txn);
	if (r == 0)
		r = replace(publishing, txn, &served);
	if (r == 0)
		task_changes(task);
	return r;
}

static int settle_publish(struct task *task, int result)
{
	struct publishing *publishing =
		container_of(task, struct publishing, on.task);

	publishing_deinit(publishing);
	if (result < 0)
		staging_discard(publishing->on.staging);
	else
		staging_free(publishing->on.staging);
	return result;
}

void staging_publish(struct staging *staging, const struct scope *scope,
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
	if (scope)
		publishing->scope = *scope;
	task = &publishing->on.task;
	task->job.loss = &staging->loss;
	task->is_edit = true;
	task->settle = settle_publish;
	task_submit(task, run_publish);
}

void staging_from_primary(struct staging *staging)
{
	staging->by = SETTLE_BY_TRANSFER;
}

/* ---- What it was made of ---- */

/* What the scope's name has, of the moment that was begun. */
static int mark_scope(struct staging_mark *mark, const struct anchor *anchor,
		      const struct scope *scope)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct rrsets rrsets = {0};
	uint32_t table;
	int r = snapshot_serving(snapshot, anchor->id, &table);

	if (r < 0)
		return r;
	if (scope->kind == SCOPE_ZONE)
		return snapshot_zone(snapshot, table, &scope->name,
				     &mark->zone);
	r = snapshot_get(snapshot, table, &scope->name, &rrsets);
	mark->owner_digest = rrsets_digest(rrsets);
	return r;
}

int staging_mark(struct staging_mark *out, const struct anchor *anchor,
		 const struct scope *scope)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct staging_mark mark = {
		.changes = atomic_load(&anchor->changes),
		.all_seen = !anchor->in_flight,
	};
	int r = 0;

	if (scope_name(scope)) {
		mark.touched = touched_now(anchor, &scope->name);
		r = snapshot_begin(snapshot);
		if (r < 0)
			return r;
		r = mark_scope(&mark, anchor, scope);
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

void staging_clear(struct anchor *anchor, const struct scope *scope,
		   const struct staging_mark *since, anchor_done *done,
		   void *arg)
{
	struct staging *staging;
	int r = anchor->gone ? -ENODEV : staging_new(&staging, anchor);

	if (r < 0) {
		done(arg, r, NULL);
		return;
	}
	staging->clears = true;
	if (since)
		staging_expect(staging, since, 0);
	staging_publish(staging, scope, done, arg);
}

void staging_forget_zone(struct anchor *anchor, const struct name *apex,
			 anchor_done *done, void *arg)
{
	struct scope scope = {SCOPE_ZONE, *apex};
	struct staging *staging;
	int r = anchor->gone ? -ENODEV : staging_new(&staging, anchor);

	if (r < 0) {
		done(arg, r, NULL);
		return;
	}
	staging->clears = staging->forgets = true;
	staging->by = SETTLE_BY_REMOVAL;
	staging_publish(staging, &scope, done, arg);
}
