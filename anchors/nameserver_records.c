// SPDX-License-Identifier: Apache-2.0
/*
 * nameserver_records.c - changes of the records that a nameserver serves
 *
 * A change of all of them at once is staging.c's.
 */
#include "anchors/nameserver.h"
#include "anchors/task.h"
#include "dns/store/zone_replace.h"

/* ---- Set and Unset ---- */

struct edit_task {
	struct task task;
	struct change change; /* owned */
	struct scope scope;
};

/* Of a zone's file, what is a nested zone's is left out. */
static int apply(struct edit_task *edit, MDB_txn *txn, uint32_t table)
{
	CLEANUP(change_deinit) struct change filtered = {0};
	const struct change *change = &edit->change;
	struct task *task = &edit->task;
	int r = 0;

	if (edit->scope.kind == SCOPE_ZONE) {
		r = zone_filter(task_tables(task), txn, table,
				&edit->scope.name, change, &filtered,
				&task->refusal);
		change = &filtered;
	}
	return r ? r
		 : table_apply(task_tables(task), txn, table, change, false,
			       task->now_ns, &task->refusal);
}

static int run_edit(struct job *job, MDB_txn *txn)
{
	struct edit_task *edit = container_of(job, struct edit_task, task.job);
	struct task *task = &edit->task;
	struct change_item item;
	size_t offset = 0;
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r == 0)
		r = apply(edit, txn, table);
	if (r == 0)
		task_changes(task);
	while (r == 0 && change_next(&edit->change, &offset, &item))
		touched_count(task->anchor, &item.rr.owner);
	return r;
}

static int settle_edit(struct task *task, int result)
{
	struct edit_task *edit = container_of(task, struct edit_task, task);

	change_deinit(&edit->change);
	return result;
}

void nameserver_edit(struct anchor *anchor, struct change *change,
		     const struct scope *scope, const void *origin,
		     anchor_done *done, void *arg)
{
	struct edit_task *edit =
		task_new_live(sizeof(*edit), anchor, done, arg);

	if (!edit)
		return;
	if (scope)
		edit->scope = *scope;
	edit->change = *change;
	*change = (struct change){0};
	edit->task.origin = origin;
	edit->task.is_edit = true;
	edit->task.job.adds = change_adds(&edit->change);
	edit->task.settle = settle_edit;
	task_submit(&edit->task, run_edit);
}

/* ---- All of an owner's, to another ---- */

struct move_task {
	struct task task;
	struct name from, to;
};

static int run_move(struct job *job, MDB_txn *txn)
{
	struct move_task *move = container_of(job, struct move_task, task.job);
	struct task *task = &move->task;
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r == 0)
		r = table_move(task_tables(task), txn, table, &move->from,
			       &move->to, task->now_ns, &task->refusal);
	if (r == 0) {
		task_changes(task);
		touched_count(task->anchor, &move->from);
		touched_count(task->anchor, &move->to);
	}
	return r;
}

void nameserver_move(struct anchor *anchor, const struct name *from,
		     const struct name *to, anchor_done *done, void *arg)
{
	struct move_task *move =
		task_new_live(sizeof(*move), anchor, done, arg);

	if (!move)
		return;
	move->from = *from;
	move->to = *to;
	move->task.is_edit = true;
	task_submit(&move->task, run_move);
}

/* ---- The time alone ---- */

static int run_touch(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	return r ? r : table_touch(task_tables(task), txn, table, task->now_ns);
}

void nameserver_touch(struct anchor *anchor, int64_t mtime_ns,
		      anchor_done *done, void *arg)
{
	struct task *task = task_new_live(sizeof(*task), anchor, done, arg);

	if (!task)
		return;
	task->now_ns = mtime_ns;
	task_submit(task, run_touch);
}
