// SPDX-License-Identifier: Apache-2.0
/*
 * fetch_write.c - what a transfer has brought, on its way to the writer
 */
#include <errno.h>

#include "anchors/task.h"
#include "anchors/transfer/fetch_layout.h"

/* Changes that may be staged and not judged yet. */
#define FETCH_AHEAD 4

static void fail_by(struct fetch *fetch, int result,
		    const struct refusal *refusal)
{
	if (refusal)
		fetch_fail(fetch, result, "%.100s: %.80s", refusal->text,
			   refusal->reason);
	else
		fetch_fail(fetch, result, "%s", strerror(-result));
}

/* What was to become the zone has, or has not. */
static void written(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;

	fetch->is_busy = false;
	if (result == 0)
		fetch_end(fetch, 0);
	else
		fail_by(fetch, result, refusal);
	fetch_free_if_done(fetch);
}

/* ---- Differences ---- */

struct difference_task {
	struct task task;
	struct fetch *fetch;
};

/* Its last primary may have gone since it was asked. */
static int check_secondary(struct difference_task *on, MDB_txn *txn)
{
	const struct tables *tables = task_tables(&on->task);
	struct zone_row row;
	struct served served;
	int r = table_served(tables, txn, on->task.anchor->id, &served);

	if (r == 0)
		r = zone_row_get(tables, txn, served.home,
				 &on->fetch->request.apex, &row);
	if (r == 0 && !row.is_secondary)
		r = ESTALE;
	return r == -ENOENT ? ESTALE : r;
}

static int run_differences(struct job *job, MDB_txn *txn)
{
	struct difference_task *on =
		container_of(job, struct difference_task, task.job);
	CLEANUP(change_deinit) struct change change = {0};
	struct task *task = &on->task;
	struct change_item item;
	size_t offset = 0;
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r == 0)
		r = check_secondary(on, txn);
	if (r == 0)
		r = incoming_differences(on->fetch->incoming, task_tables(task),
					 txn, table, &change);
	if (r == 0)
		r = table_apply_by(task_tables(task), txn, table, &change,
				   SETTLE_BY_TRANSFER, task->now_ns,
				   &task->refusal);
	if (r == 0)
		task_changes(task);
	while (r == 0 && change_next(&change, &offset, &item))
		touched_count(task->anchor, &item.rr.owner);
	return r;
}

void fetch_apply(struct fetch *fetch)
{
	struct difference_task *on;

	fetch->is_busy = true;
	on = task_new_live(sizeof(*on), fetch->anchor, written, fetch);
	if (!on)
		return;
	on->fetch = fetch;
	on->task.is_edit = true;
	on->task.job.adds = true;
	task_submit(&on->task, run_differences);
}

/* ---- All of a zone ---- */

static void settled(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;
	struct scope scope = {SCOPE_ZONE, fetch->request.apex};

	if (result < 0 || !fetch->done) {
		written(fetch, result < 0 ? result : -ECANCELED, refusal);
		return;
	}
	staging_from_primary(fetch->staging);
	staging_publish(steal(&fetch->staging), &scope, written, fetch);
}

void fetch_publish(struct fetch *fetch)
{
	fetch->is_busy = true;
	staging_settle(fetch->staging, settled, fetch);
}

static void staged(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;

	fetch->is_busy = false;
	if (result < 0)
		fail_by(fetch, result, refusal);
	else if (!fetch->is_closing)
		fetch_go_on(fetch);
	fetch_free_if_done(fetch);
}

void fetch_stage(struct fetch *fetch, struct change *change)
{
	int r = fetch->staging ? 0
			       : staging_new(&fetch->staging, fetch->anchor);

	if (r < 0) {
		fetch_fail(fetch, r, "%s", strerror(-r));
		return;
	}
	fetch->is_busy = true;
	staging_add(fetch->staging, change, FETCH_AHEAD, staged, fetch);
}
