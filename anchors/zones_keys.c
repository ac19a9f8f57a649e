// SPDX-License-Identifier: Apache-2.0
/*
 * zones_keys.c - keys of TSIG are written and removed
 */
#include <errno.h>
#include <sodium.h>

#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/zones_layout.h"

/* ---- Write ---- */

struct write_key {
	struct zones_task on;
	struct tsig_key key;
};

static int run_write_key(struct job *job, MDB_txn *txn)
{
	struct write_key *write =
		container_of(job, struct write_key, on.task.job);
	struct task *task = &write->on.task;
	const struct tables *tables = task_tables(task);
	struct served served;
	int r = zones_served(&write->on, txn, &served);

	if (r == 0 && !served.home)
		r = home_make(tables, txn, task->anchor->id, &served.home);
	if (r == 0)
		r = home_key_put(tables, txn, served.home, &write->key);
	if (r == -EDQUOT)
		r = refusal_set(&task->refusal, EDQUOT,
				"a nameserver has %d keys at most; remove one",
				HOME_KEYS_MAX);
	return r;
}

static int settle_write_key(struct task *task, int result)
{
	struct write_key *write = container_of(task, struct write_key, on.task);

	sodium_memzero(&write->key, sizeof(write->key));
	if (result == 0) {
		notifier_look(task->anchor->host->notifier, task->anchor);
		secondaries_look(task->anchor->host->secondaries, task->anchor,
				 NULL);
	}
	return result;
}

void zones_write_key(struct anchor *anchor, const struct tsig_key *key,
		     anchor_done *done, void *arg)
{
	struct write_key *write =
		zones_task_new(sizeof(*write), anchor, NULL, done, arg);

	if (!write)
		return;
	write->key = *key;
	write->on.task.job.adds = true;
	write->on.task.settle = settle_write_key;
	task_submit(&write->on.task, run_write_key);
}

/* ---- Remove ---- */

/* Lists that are read in a slice: with one line each, some milliseconds. */
#define LISTS_SLICE 4096

struct remove_key {
	struct zones_task on;
	struct name name;

	/* The writer's. */
	struct home_list_walk walk;
	uint32_t home;	      /* of which it is */
	struct job_loss loss; /* of slices, which write nothing */
};

/* An address may be a key's name too, but then it is one here. */
static int names_key(void *arg, enum list_kind kind, const struct name *apex,
		     const MDB_val *text)
{
	struct remove_key *remove = arg;
	enum list_format format = zones_list_format(kind);
	struct list_line line;
	char zone[NAME_TEXT_SIZE] = "all zones";
	size_t at = 0;

	while (format != LIST_OF_NAME &&
	       list_line_next(format, apex, text->mv_data, text->mv_size, &at,
			      &line, NULL) == 0) {
		if (!line.has_key || !name_equal(&line.key, &remove->name))
			continue;
		if (apex)
			name_to_text(apex, zone);
		return refusal_set(
			&remove->on.task.refusal, EBUSY,
			"in use, so it stays: a list of %.*s names it", 80,
			zone);
	}
	return 0;
}

/*
 * A list that is written between two slices may name it all the same: as any
 * list may name a key that is none.
 */
static int run_remove_key(struct job *job, MDB_txn *txn)
{
	struct remove_key *remove =
		container_of(job, struct remove_key, on.task.job);
	const struct tables *tables = task_tables(&remove->on.task);
	struct served served;
	bool left = false;
	int r = zones_served(&remove->on, txn, &served);

	if (r)
		return r;
	if (!served.home)
		return ENOENT;
	if (served.home != remove->home)
		remove->walk = (struct home_list_walk){0};
	remove->home = served.home;
	r = home_each_list(tables, txn, served.home, &remove->walk, LISTS_SLICE,
			   &left, names_key, remove);
	if (r == 0 && left)
		return JOB_MORE;
	if (r == 0)
		r = home_key_del(tables, txn, served.home, &remove->name);
	return r == -ENOENT ? ENOENT : r;
}

void zones_remove_key(struct anchor *anchor, const struct name *name,
		      anchor_done *done, void *arg)
{
	struct remove_key *remove =
		zones_task_new(sizeof(*remove), anchor, NULL, done, arg);

	if (!remove)
		return;
	remove->name = *name;
	remove->on.task.job.loss = &remove->loss;
	task_submit(&remove->on.task, run_remove_key);
}
