// SPDX-License-Identifier: Apache-2.0
/*
 * staging_zone.c - one zone becomes another, or goes
 *
 * Of one that is not large, or of which little changes, in place, in the table
 * that is served. Else the other way round: the rest is added to what is
 * staged, and that is published, so that nobody waits for all of it at once.
 */
#include <errno.h>

#include "anchors/staging_publish.h"
#include "dns/store/catalog.h"

static void touch(void *arg, const struct name *owner)
{
	struct task *task = arg;

	touched_count(task->anchor, owner);
}

/*
 * What is removed from a disk that is full is removed in place, which takes no
 * space, whoever waits for it.
 */
static int is_large(struct publishing *publishing, MDB_txn *txn,
		    const struct zone_replace *replace, uint32_t home)
{
	struct task *task = &publishing->on.task;

	if (replace->clears && !store_has_room(&task->anchor->host->store))
		return 0;
	return zone_is_large(task_tables(task), txn, replace, home,
			     &task->refusal);
}

/* A slice of looking at what changes; JOB_MORE: others come in between. */
static int compare_on(struct publishing *publishing, MDB_txn *txn,
		      const struct served *served)
{
	bool left = true;
	int r = 0;

	if (!publishing_is_good(publishing, served->table))
		publishing_begin(publishing, served);
	publishing->goes_on = false;
	while (r == 0 && left) {
		r = zone_compare(&publishing->take, txn, PUBLISH_SLICE,
				 &publishing->found, &left);
		if (publishing->tries < PUBLISH_TRIES)
			break;
	}
	if (r || !left)
		return r;
	publishing->goes_on = true;
	publishing->on.task.job.octets = 0;
	return JOB_MORE;
}

static int replace_in_place(struct publishing *publishing, MDB_txn *txn,
			    struct zone_replace *replace)
{
	struct task *task = &publishing->on.task;
	int r = zone_replace(task_tables(task), txn, replace, &task->refusal);

	return r ? r : task_loosen(task, replace->source);
}

/*
 * What changes little is changed in place. Else it is filled up with the rest,
 * and published as all records are.
 */
static int replace_large(struct publishing *publishing, MDB_txn *txn,
			 const struct served *served,
			 struct zone_replace *replace)
{
	int r = publishing->fills ? 0 : compare_on(publishing, txn, served);

	if (r)
		return r;
	if (!publishing->fills && !publishing->found.are_many) {
		replace->changes = &publishing->found;
		return replace_in_place(publishing, txn, replace);
	}
	if (!publishing->fills)
		publishing->tries = 0;
	publishing->fills = true;
	return publish_all(publishing, txn, served);
}

static int replace_zone(struct publishing *publishing, MDB_txn *txn,
			const struct served *served)
{
	struct staging *staging = publishing->on.staging;
	struct task *task = &publishing->on.task;
	struct zone_replace replace = {
		.table = served->table,
		.source = staging->table,
		.clears = staging->clears,
		.apex = publishing->scope.name,
		.by = staging->by,
		.now_ns = task->now_ns,
		.touched = touch,
		.arg = task,
	};
	int r = publishing->goes_on
			? 1
			: is_large(publishing, txn, &replace, served->home);

	if (r < 0 || r > 1)
		return r;
	return r ? replace_large(publishing, txn, served, &replace)
		 : replace_in_place(publishing, txn, &replace);
}

static int has_zone(const struct publishing *publishing, MDB_txn *txn,
		    const struct served *served)
{
	const struct tables *tables = task_tables(&publishing->on.task);
	const struct name *apex = &publishing->scope.name;
	struct zone_counts counts;
	struct zone_row row;
	int r = table_zone(tables, txn, served->table, apex, &counts);

	if (r == -ENOENT && served->home)
		r = zone_row_get(tables, txn, served->home, apex, &row);
	return r == -ENOENT ? ENOENT : r;
}

static int forget_settings(const struct publishing *publishing, MDB_txn *txn,
			   const struct served *served)
{
	int r = -ENOENT;

	if (served->home)
		r = zone_row_del(task_tables(&publishing->on.task), txn,
				 served->home, &publishing->scope.name);
	return r == -ENOENT ? 0 : r;
}

/* It would be back at once, if transfer/catalog said that it is to be there. */
static int end_catalog(struct publishing *publishing, MDB_txn *txn,
		       const struct served *served)
{
	struct task *task = &publishing->on.task;
	int r = home_list_put(task_tables(task), txn, served->home,
			      LIST_CATALOG, NULL, "", 0);

	if (r == 0)
		r = catalog_update(task_tables(task), txn, served->home,
				   served->table, NULL, task->now_ns,
				   &task->refusal);
	return r ? r : task_loosen(task, publishing->on.staging->table);
}

/* Also of a secondary: who removes the zone has no need of its primaries. */
static int forget_zone(struct publishing *publishing, MDB_txn *txn,
		       const struct served *served)
{
	struct zone_row row = {0};
	int r = has_zone(publishing, txn, served);

	if (r)
		return r;
	if (served->home)
		r = zone_row_get(task_tables(&publishing->on.task), txn,
				 served->home, &publishing->scope.name, &row);
	if (r < 0 && r != -ENOENT)
		return r;
	if (row.is_catalog)
		return end_catalog(publishing, txn, served);
	r = replace_zone(publishing, txn, served);
	return r ? r : forget_settings(publishing, txn, served);
}

int publish_zone(struct publishing *publishing, MDB_txn *txn,
		 const struct served *served)
{
	struct task *task = &publishing->on.task;
	struct zone_row row = {0};
	int r = 0;

	if (publishing->on.staging->forgets)
		return forget_zone(publishing, txn, served);
	/* Its primaries may have been removed since they were asked. */
	if (publishing->on.staging->by == SETTLE_BY_TRANSFER && served->home)
		r = zone_row_get(task_tables(task), txn, served->home,
				 &publishing->scope.name, &row);
	if (r < 0 && r != -ENOENT)
		return r;
	if (publishing->on.staging->by == SETTLE_BY_TRANSFER &&
	    !row.is_secondary)
		return refusal_set(&task->refusal, EROFS,
				   "it is no secondary any more");
	return replace_zone(publishing, txn, served);
}
