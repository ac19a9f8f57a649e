/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.h - one operation on its way through the writer
 *
 * A task carries what an operation needs in the transaction, and what is left
 * to do on the main loop when that is on disk; nameserver.c and staging.c make
 * them. run() belongs to the writer's thread, all else to the main loop.
 */
#ifndef ANCHORS_TASK_H
#define ANCHORS_TASK_H

#include "anchors/host.h"
#include "anchors/nameserver.h"

struct staging;

struct task {
	struct job job;
	struct anchor *anchor; /* a reference */
	nameserver_done *done;
	void *arg;
	const void *origin; /* for host->changed() */
	int64_t now_ns;
	/*
	 * Before the caller hears of it. Returns the result to tell, or
	 * -EINPROGRESS: task_report() will be called later.
	 */
	int (*settle)(struct task *task, int result);

	/*
	 * A new anchor as it shall be kept. Of another one the fields that are
	 * to change, and its id: the rest is as the store has it by then.
	 */
	struct store_anchor stored;
	struct anchor_rights rights;
	struct anchor_claim *claim; /* of a rename: where to; ours until then */
	struct server *server;	    /* bound, not started: ours until then */
	struct change change;
	size_t staged_to; /* octets of its items that are staged by now */
	struct staging *staging;
	struct name owner, to;
	bool is_edit;	 /* of records */
	bool in_flight;	 /* counted so, of its anchor */
	bool owner_only; /* of a replacement: only the owner's records */
	bool made_table; /* of a staging: this task made its table */
	struct refusal refusal;
};

/** task_new() - for an anchor that may be gone; NULL without memory */
struct task *task_new(struct anchor *anchor, nameserver_done *done, void *arg);

/** task_new_live() - the same, or NULL and @done has heard why */
struct task *task_new_live(struct anchor *anchor, nameserver_done *done,
			   void *arg);

/** task_changes() - run() has changed records; in a group that is lost, too */
void task_changes(struct task *task);

/** task_touches() - and these are of @owner; NULL: of any */
void task_touches(struct task *task, const struct name *owner);

/** task_touched() - how often that was, of @owner, since some moment */
struct touched task_touched(const struct anchor *anchor,
			    const struct name *owner);

/** task_touched_since() - were @owner's records written since @then? */
bool task_touched_since(const struct anchor *anchor, const struct name *owner,
			const struct touched *then);

/** task_submit() - hand it to the writer, to run() there */
void task_submit(struct task *task, int (*run)(struct job *, MDB_txn *));

/** task_report() - tell the caller, and free the task */
void task_report(struct task *task, int result);

/** task_store(), task_tables() - of the task's host */
const struct store *task_store(const struct task *task);
const struct tables *task_tables(const struct task *task);

/**
 * task_table() - the table that the task's nameserver answers from
 * Return: 0; ENODEV: it is gone; -errno.
 */
int task_table(const struct task *task, MDB_txn *txn, uint32_t *out);

/** task_loosen() - free a table that is loose now, by and by: 0, -ENOMEM */
int task_loosen(const struct task *task, uint32_t table);

#endif
