// SPDX-License-Identifier: Apache-2.0
/*
 * staging_publish.c - what is staged becomes what is answered
 *
 * Of all records that is one small write, which changes the table's number. Of
 * one owner's or one zone's, they are taken over into the table that is served;
 * or where they are many, the other way round, so that nobody waits for all of
 * them at once.
 * Either may depend on what was there when the new content was made.
 *
 * Where all records have zones that somebody may transfer, it is first found
 * out what changes in these: merge.h. That takes slices, between which others
 * change what is served; then it is done again. The third time nobody comes in
 * between.
 */
#include <assert.h>
#include <errno.h>

#include "anchors/staging_layout.h"
#include "dns/store/catalog.h"
#include "dns/store/merge.h"
#include "dns/store/zone_replace.h"

/* So many owners of two tables are looked at in a slice: some milliseconds. */
#define MERGE_SLICE 4096
#define MERGE_TRIES 3
/* What a slice writes, about: serials, and what has filled of journals. */
#define MERGE_OCTETS (64 * 1024)

/* ---- Publish ---- */

struct publishing {
	struct staging_task on;
	struct scope scope;

	/* The writer's: of a large zone, the rest is added to it first. */
	bool fills, filled;
	bool mixed; /* some of the rest is in it */
	struct zone_take take;

	/* Then, as of all records, zones are settled. */
	struct merge *merge; /* owned */
	uint32_t merged;     /* the table that it is made of */
	uint64_t changes;    /* of the nameserver, when it was begun */
	unsigned tries;
	bool goes_on; /* a slice of it is done, and not lost */
};

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

static void touch(void *arg, const struct name *owner)
{
	struct task *task = arg;

	touched_count(task->anchor, owner);
}

/* ---- All records, zone by zone ---- */

static void drop_merge(struct publishing *publishing)
{
	publishing->merge = merge_free(publishing->merge);
}

/* Is what is done by now good? A lost transaction has taken what was in it. */
static bool is_good(const struct publishing *publishing, uint32_t table)
{
	const struct anchor *anchor = publishing->on.task.anchor;

	return publishing->goes_on && publishing->merged == table &&
	       publishing->changes == atomic_load(&anchor->changes);
}

/* From the beginning, with what is served now. */
static void begin(struct publishing *publishing, const struct served *served)
{
	struct task *task = &publishing->on.task;
	const struct staging *staging = publishing->on.staging;

	drop_merge(publishing);
	zone_take_deinit(&publishing->take);
	publishing->take = (struct zone_take){
		.tables = task_tables(task),
		.table = served->table,
		.source = staging->table,
		.apex = publishing->scope.name,
		.is_loose = staging->by == SETTLE_BY_TRANSFER,
		.clears = staging->clears,
		.fills = true,
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
		r = zone_fill(&publishing->take, txn, MERGE_SLICE,
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
	return r ? r : merge_slice(publishing->merge, txn, MERGE_SLICE, left);
}

/* Go on; JOB_MORE: others come in between. */
static int merge_on(struct publishing *publishing, MDB_txn *txn,
		    const struct served *served)
{
	bool left = true;
	int r = 0;

	if (!is_good(publishing, served->table))
		begin(publishing, served);
	publishing->goes_on = false;
	while (r == 0 && left) {
		r = step(publishing, txn, served, &left);
		if (publishing->tries < MERGE_TRIES)
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
	publishing->tries = MERGE_TRIES;
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

/* What is staged is served from here on, and the other table is loose. */
static int replace_all(struct publishing *publishing, MDB_txn *txn,
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

/* A large one is filled up with the rest, and published as all records are. */
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
			? publishing->fills
			: is_large(publishing, txn, &replace, served->home);

	if (r < 0 || r > 1)
		return r;
	publishing->fills = r == 1;
	if (publishing->fills)
		return replace_all(publishing, txn, served);
	r = zone_replace(task_tables(task), txn, &replace, &task->refusal);
	return r ? r : task_loosen(task, staging->table);
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

	return r ? r
		 : catalog_update(task_tables(task), txn, served->home,
				  served->table, NULL, task->now_ns,
				  &task->refusal);
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

/* Its primaries may have been removed since they were asked. */
static int take_zone(struct publishing *publishing, MDB_txn *txn,
		     const struct served *served)
{
	struct task *task = &publishing->on.task;
	struct zone_row row = {0};
	int r = 0;

	if (publishing->on.staging->forgets)
		return forget_zone(publishing, txn, served);
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

static int replace(struct publishing *publishing, MDB_txn *txn,
		   const struct served *served)
{
	switch (publishing->scope.kind) {
	case SCOPE_OWNER:
		return replace_owner(publishing, txn, served->table);
	case SCOPE_ZONE:
		return take_zone(publishing, txn, served);
	default:
		return replace_all(publishing, txn, served);
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

	drop_merge(publishing);
	zone_take_deinit(&publishing->take);
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
