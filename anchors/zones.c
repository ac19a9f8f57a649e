// SPDX-License-Identifier: Apache-2.0
/*
 * zones.c - zones made and removed, and their serials
 */
#include <errno.h>

#include "anchors/staging.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/zones_layout.h"
#include "dns/store/settle.h"
#include "dns/text/reader.h"

/* Timers as RIPE-203 has them for small zones, and a negative TTL of 300. */
#define FIRST_SOA "@ 3600 SOA ns hostmaster 1 7200 900 1209600 300\n"

void *zones_task_new(size_t size, struct anchor *anchor,
		     const struct name *apex, anchor_done *done, void *arg)
{
	struct zones_task *on = task_new_live(size, anchor, done, arg);

	if (on && apex) {
		on->has_apex = true;
		on->apex = *apex;
	}
	return on;
}

int zones_served(const struct zones_task *on, MDB_txn *txn, struct served *out)
{
	const struct task *task = &on->task;
	int r = table_served(task_tables(task), txn, task->anchor->id, out);

	return r == -ENOENT ? ENODEV : r;
}

int zones_exists(const struct zones_task *on, MDB_txn *txn,
		 const struct served *served)
{
	const struct tables *tables = task_tables(&on->task);
	struct zone_counts counts;
	struct zone_row row;
	int r = table_zone(tables, txn, served->table, &on->apex, &counts);

	if (r == -ENOENT && served->home)
		r = zone_row_get(tables, txn, served->home, &on->apex, &row);
	return r == -ENOENT ? ENOENT : r;
}

int zones_go_ahead(struct zones_task *on, MDB_txn *txn, uint32_t table)
{
	struct task *task = &on->task;
	const struct name *apex = on->has_apex ? &on->apex : NULL;
	int r = settle_ahead(task_tables(task), txn, table, apex, task->now_ns);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	task->is_edit = true;
	task_changes(task);
	if (apex)
		touched_count(task->anchor, apex);
	else
		touched_count_all(task->anchor);
	return 0;
}

/* ---- Make ---- */

struct make_zone {
	struct zones_task on;
	struct change change; /* owned */
};

static int run_make(struct job *job, MDB_txn *txn)
{
	struct make_zone *make =
		container_of(job, struct make_zone, on.task.job);
	struct task *task = &make->on.task;
	struct served served;
	int r = zones_served(&make->on, txn, &served);

	if (r)
		return r;
	r = zones_exists(&make->on, txn, &served);
	if (r != ENOENT)
		return r ? r : EEXIST;
	r = table_apply(task_tables(task), txn, served.table, &make->change,
			false, task->now_ns, &task->refusal);
	if (r == 0) {
		task_changes(task);
		touched_count(task->anchor, &make->on.apex);
	}
	return r;
}

static int settle_make(struct task *task, int result)
{
	struct make_zone *make = container_of(task, struct make_zone, on.task);

	change_deinit(&make->change);
	return result;
}

static int first_soa(const struct name *apex, struct change *out,
		     struct refusal *why)
{
	CLEANUP(reader_freep) struct reader *reader = NULL;
	int r = reader_new(&reader, apex, NULL);

	if (r == 0)
		r = reader_feed(reader, FIRST_SOA, strlen(FIRST_SOA), out);
	/* Of a long name, those of its server and mailbox are too long. */
	if (r == -EINVAL)
		*why = *reader_error(reader);
	return r;
}

void zones_make(struct anchor *anchor, const struct name *apex,
		anchor_done *done, void *arg)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal why = {0};
	struct make_zone *make;
	int r = first_soa(apex, &change, &why);

	if (r < 0) {
		done(arg, r, r == -EINVAL ? &why : NULL);
		return;
	}
	make = zones_task_new(sizeof(*make), anchor, apex, done, arg);
	if (!make)
		return;
	make->change = change;
	change = (struct change){0};
	make->on.task.is_edit = true;
	make->on.task.job.adds = true;
	make->on.task.settle = settle_make;
	task_submit(&make->on.task, run_make);
}

/* ---- Remove ---- */

/* One on its way. */
struct removal {
	struct anchor *anchor; /* a reference */
	struct name apex;
	anchor_done *done;
	void *arg;
};

/* Who tells others of it, or asks them for it, does so no more. */
static void removed(void *arg, int result, const struct refusal *refusal)
{
	struct removal *removal = arg;
	struct anchor *anchor = removal->anchor;

	if (result == 0) {
		secondaries_look(anchor->host->secondaries, anchor,
				 &removal->apex);
		notifier_look(anchor->host->notifier, anchor);
	}
	removal->done(removal->arg, result, refusal);
	anchor_unref(anchor);
	free(removal);
}

void zones_remove(struct anchor *anchor, const struct name *apex,
		  anchor_done *done, void *arg)
{
	struct removal *removal = malloc(sizeof(*removal));

	if (!removal) {
		done(arg, -ENOMEM, NULL);
		return;
	}
	*removal = (struct removal){
		.anchor = anchor_ref(anchor),
		.apex = *apex,
		.done = done,
		.arg = arg,
	};
	staging_forget_zone(anchor, apex, removed, removal);
}

/* ---- Serials ---- */

struct set_serial {
	struct zones_task on;
	uint32_t serial;
};

static int run_set_serial(struct job *job, MDB_txn *txn)
{
	struct set_serial *set =
		container_of(job, struct set_serial, on.task.job);
	struct task *task = &set->on.task;
	struct served served;
	bool changed = false;
	int r = zones_served(&set->on, txn, &served);

	if (r == 0)
		r = settle_serial(task_tables(task), txn, served.table,
				  &set->on.apex, set->serial, task->now_ns,
				  &changed, &task->refusal);
	/* The same one again is no change. */
	task->is_edit = changed;
	if (r || !changed)
		return r;
	task_changes(task);
	touched_count(task->anchor, &set->on.apex);
	return 0;
}

void zones_set_serial(struct anchor *anchor, const struct name *apex,
		      uint32_t serial, anchor_done *done, void *arg)
{
	struct set_serial *set =
		zones_task_new(sizeof(*set), anchor, apex, done, arg);

	if (!set)
		return;
	set->serial = serial;
	set->on.task.is_edit = true;
	task_submit(&set->on.task, run_set_serial);
}

/* ---- The policy ---- */

struct set_policy {
	struct zones_task on;
	enum serial_policy policy;
};

static int run_set_policy(struct job *job, MDB_txn *txn)
{
	struct set_policy *set =
		container_of(job, struct set_policy, on.task.job);
	const struct tables *tables = task_tables(&set->on.task);
	struct served served;
	struct home home;
	int r = zones_served(&set->on, txn, &served);

	/* Without a home it is auto. */
	if (r || (!served.home && set->policy == SERIAL_AUTO))
		return r;
	if (!served.home)
		r = home_make(tables, txn, set->on.task.anchor->id,
			      &served.home);
	if (r == 0)
		r = home_get(tables, txn, served.home, &home);
	if (r)
		return r;
	home.policy = (uint8_t)set->policy;
	r = home_put(tables, txn, served.home, &home);
	return r ? r : zones_go_ahead(&set->on, txn, served.table);
}

void zones_set_policy(struct anchor *anchor, enum serial_policy policy,
		      anchor_done *done, void *arg)
{
	struct set_policy *set =
		zones_task_new(sizeof(*set), anchor, NULL, done, arg);

	if (!set)
		return;
	set->policy = policy;
	set->on.task.job.adds = true;
	/* Serials may go up. */
	set->on.task.is_edit = true;
	task_submit(&set->on.task, run_set_policy);
}
