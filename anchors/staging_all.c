// SPDX-License-Identifier: Apache-2.0
/*
 * staging_all.c - all records become others: by the table's number
 *
 * Where they have zones that somebody may transfer, it is first found out what
 * changes in these: merge.h. That takes slices, between which others change
 * what is served; then it is done again. The third time nobody comes in
 * between.
 */
#include <errno.h>

#include "anchors/staging_publish.h"

/* What a slice writes, about: serials, and what has filled of journals. */
#define MERGE_OCTETS (64 * 1024)

void publishing_deinit(struct publishing *publishing)
{
	publishing->merge = merge_free(publishing->merge);
	zone_changes_deinit(&publishing->found);
	zone_take_deinit(&publishing->take);
}

bool publishing_is_good(const struct publishing *publishing, uint32_t table)
{
	const struct anchor *anchor = publishing->on.task.anchor;

	return publishing->goes_on && publishing->merged == table &&
	       publishing->changes == atomic_load(&anchor->changes);
}

void publishing_begin(struct publishing *publishing,
		      const struct served *served)
{
	struct task *task = &publishing->on.task;
	const struct staging *staging = publishing->on.staging;

	publishing_deinit(publishing);
	publishing->take = (struct zone_take){
		.tables = task_tables(task),
		.table = served->table,
		.source = staging->table,
		.apex = publishing->scope.name,
		.is_loose = staging->by == SETTLE_BY_TRANSFER,
		.clears = staging->clears,
		.fills = publishing->fills,
		.again = publishing->mixed,
		.why = &task->refusal,
	};
	publishing->filled = !publishing->fills;
	publishing->tries++;
	publishing->merged = served->table;
	publishing->changes = atomic_load(&task->anchor->changes);
}

static int begin_merge(struct publishing *publishing, MDB_txn *txn,
		       const struct served *served)
{
	struct task *task = &publishing->on.task;
	const struct staging *staging = publishing->on.staging;
	/* Others that are secondaries are carried over, this one is not. */
	bool is_taken = staging->by == SETTLE_BY_TRANSFER ||
			staging->by == SETTLE_BY_REMOVAL;

	return merge_new(&publishing->merge, task_tables(task), txn,
			 served->home, served->table, staging->table,
			 is_taken ? &publishing->scope.name : NULL, staging->by,
			 task->now_ns);
}

/* One slice of what is to be done. */
static int step(struct publishing *publishing, MDB_txn *txn,
		const struct served *served, bool *left)
{
	int r = 0;

	if (!publishing->filled) {
		r = zone_fill(&publishing->take, txn, PUBLISH_SLICE,
			      publishing->on.task.now_ns, left);
		publishing->filled = r == 0 && !*left;
		*left |= served->home != 0;
		return r;
	}
	*left = false;
	if (!served->home)
		return 0;
	if (!publishing->merge)
		r = begin_merge(publishing, txn, served);
	return r ? r : merge_slice(publishing->merge, txn, PUBLISH_SLICE, left);
}

/* Go on; JOB_MORE: others come in between. */
static int merge_on(struct publishing *publishing, MDB_txn *txn,
		    const struct served *served)
{
	bool left = true;
	int r = 0;

	if (!publishing_is_good(publishing, served->table))
		publishing_begin(publishing, served);
	publishing->goes_on = false;
	while (r == 0 && left) {
		r = step(publishing, txn, served, &left);
		if (publishing->tries < PUBLISH_TRIES)
			break;
	}
	if (r || !left)
		return r;
	publishing->goes_on = true;
	publishing->mixed = publishing->fills;
	publishing->on.task.job.octets = MERGE_OCTETS;
	return JOB_MORE;
}

/* With what is carried over there may be more than fits. */
static int merge_once(struct publishing *publishing, MDB_txn *txn,
		      const struct served *served)
{
	int r = merge_on(publishing, txn, served);

	if (r == 0)
		r = staging_fits(&publishing->on, txn);
	return r || !served->home ? r : merge_end(publishing->merge, txn);
}

static int settle_zones(struct publishing *publishing, MDB_txn *txn,
			const struct served *served)
{
	int r = merge_once(publishing, txn, served);

	if (r != -EAGAIN)
		return r;
	/* Lists, or the policy, have become others: once more, at once. */
	publishing->tries = PUBLISH_TRIES;
	return merge_once(publishing, txn, served);
}

/*
 * How many zones are new is not known yet. So it is asked whether there are too
 * many by now: there are never more than may be, and those of one replacement.
 */
static int zones_fit(struct publishing *publishing, MDB_txn *txn,
		     const struct served *served)
{
	struct task *task = &publishing->on.task;
	const struct tables *tables = task_tables(task);
	struct home home;
	int r = home_get(tables, txn, served->home, &home);

	if (r < 0)
		return r;
	if (home.zones)
		home.zones--;
	return home_fits_zone(tables, &home, &task->refusal);
}

int publish_all(struct publishing *publishing, MDB_txn *txn,
		const struct served *served)
{
	struct task *task = &publishing->on.task;
	int r = staging_fits(&publishing->on, txn);

	if (r == 0 && served->home && !publishing->tries)
		r = zones_fit(publishing, txn, served);
	if (r == 0 && (served->home || publishing->fills))
		r = settle_zones(publishing, txn, served);
	if (r == 0)
		r = table_publish(task_tables(task), txn, task->anchor->id,
				  publishing->on.staging->table, task->now_ns);
	if (r == 0)
		r = task_loosen(task, served->table);
	if (r == 0)
		touched_count_all(task->anchor);
	return r;
}
