// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "anchors/task.h"
#include "anchors/transfer/catalog.h"
#include "dns/store/catalog.h"

struct catalog_task {
	struct task task;
	bool has_apex; /* else all zones */
	struct name apex;
};

static int run_update(struct job *job, MDB_txn *txn)
{
	struct catalog_task *on =
		container_of(job, struct catalog_task, task.job);
	const struct tables *tables = task_tables(&on->task);
	struct served served;
	int r = table_served(tables, txn, on->task.anchor->id, &served);

	if (r < 0 || !served.home)
		return r == -ENOENT ? ENODEV : r;
	r = catalog_update(tables, txn, served.home, served.table,
			   on->has_apex ? &on->apex : NULL, on->task.now_ns,
			   &on->task.refusal);
	if (r == 0)
		task_changes(&on->task);
	return r;
}

static void updated(void *arg, int result, const struct refusal *refusal)
{
	struct anchor *anchor = arg;

	if (result < 0 && result != -ENODEV)
		anchor_fail(anchor, "transfer/catalog", 0, "",
			    refusal && refusal->reason[0] ? refusal->reason
							  : strerror(-result));
	anchor_unref(anchor);
}

static void update(struct anchor *anchor, const struct name *apex)
{
	struct catalog_task *on =
		task_new_live(sizeof(*on), anchor, updated, anchor_ref(anchor));

	if (!on)
		return;
	on->has_apex = apex;
	if (apex)
		on->apex = *apex;
	on->task.is_edit = true;
	on->task.job.adds = true;
	task_submit(&on->task, run_update);
}

void catalog_zone_changed(struct anchor *anchor, const struct served *served,
			  const struct name *apex)
{
	if (catalog_is_behind(anchor->host->snapshot, served->home,
			      served->table, apex))
		update(anchor, apex);
}

void catalog_look_at(struct anchor *anchor, const struct served *served)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct home home;
	MDB_val text;

	if ((snapshot_home(snapshot, served->home, &home) == 0 &&
	     home.catalogs) ||
	    snapshot_list(snapshot, served->home, LIST_CATALOG, NULL, &text) ==
		    0)
		update(anchor, NULL);
}

void catalog_look(struct anchor *anchor)
{
	struct snapshot *snapshot = anchor->host->snapshot;
	struct served served;

	if (snapshot_begin(snapshot) < 0)
		return;
	if (snapshot_served(snapshot, anchor->id, &served) == 0 && served.home)
		catalog_look_at(anchor, &served);
	snapshot_end(snapshot);
}
