/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.h - one operation on its way through the writer
 *
 * An operation's struct begins with its task, and goes on with what only it
 * needs, in the transaction or after it:
 *
 *   struct rebind {
 *           struct task task;
 *           struct address address;
 *           ...
 *   };
 *
 * The main loop makes it with task_new(), checks what it can check there, and
 * hands it over with task_submit(). The writer calls run(); when that is on
 * disk, or has failed, the main loop calls settle(), which makes the tree in
 * memory what the store is by then and gives back what the operation owns;
 * then the caller hears the result, and the task is freed. So run() belongs to
 * the writer's thread, all else to the main loop.
 *
 * Any number of them may be on their way at once, also for one anchor. What
 * they leave is right, since
 *
 * - the writer runs them and hands them back in the order in which they came.
 *   So the tree in memory is the store as it was a moment ago, and each of
 *   them does to one what it has done to the other;
 * - one that changes an anchor reads it inside the transaction, and changes
 *   its own fields of what it finds there, or refuses where that is gone;
 * - a name is taken when the operation that gives it comes, not when it is on
 *   disk: by the new anchor itself, or by a claim of the rename. A name that
 *   is free in memory is thus free in the store whenever the task runs;
 * - an anchor that has a child or a claim in it cannot be removed, and one
 *   whose removal is on its way takes neither.
 *
 * So no two anchors have one name, and none is in one that is gone. That none
 * is in itself is looked up in the transaction, where all moves are done.
 */
#ifndef ANCHORS_TASK_H
#define ANCHORS_TASK_H

#include "anchors/host.h"

struct task {
	struct job job;
	int (*run)(struct job *job, MDB_txn *txn); /* task_submit()'s */
	struct anchor *anchor;			   /* a reference */
	anchor_done *done;
	void *arg;
	const void *origin; /* for host->changed() */
	int64_t now_ns;	    /* of the change; when the task was made */
	/*
	 * Before the caller hears of it. Returns the result to tell, or
	 * -EINPROGRESS: task_report() will be called later. NULL: nothing is
	 * left to do.
	 */
	int (*settle)(struct task *task, int result);
	bool is_edit;	/* of records; run() may find that it is none */
	bool in_flight; /* counted so, of its anchor */
	struct refusal refusal;
	struct receipt receipt; /* of the call that it is for */
};

/**
 * task_new() - for an anchor that may be gone
 * @size: of the operation's struct, octets; all that follows the task is zero
 *
 * Return: that struct; NULL without memory.
 */
void *task_new(size_t size, struct anchor *anchor, anchor_done *done,
	       void *arg);

/** task_new_live() - the same, or NULL and @done has heard why */
void *task_new_live(size_t size, struct anchor *anchor, anchor_done *done,
		    void *arg);

/**
 * task_submit() - hand it to the writer, to run() there; once
 *
 * What is for a call of another host's is refused with EHOSTDOWN if nothing may
 * be begun for that any more when its turn comes, or its next slice's: lease.h.
 */
void task_submit(struct task *task, int (*run)(struct job *, MDB_txn *));

/** task_report() - tell the caller, now or when all know, and free the task */
void task_report(struct task *task, int result);

/** task_changes() - run() has changed records; in a group that is lost, too */
void task_changes(struct task *task);

/** task_store(), task_tables() - of the task's host */
const struct store *task_store(const struct task *task);
const struct tables *task_tables(const struct task *task);

/**
 * task_stored() - an anchor as the store has it by now
 * Return: 0; ENODEV: it is gone; EIO: it cannot be read; -errno.
 */
int task_stored(const struct task *task, MDB_txn *txn, uint64_t id,
		struct store_anchor *out);

/**
 * task_table() - the table that the task's nameserver answers from
 * Return: 0; ENODEV: it is gone; -errno.
 */
int task_table(const struct task *task, MDB_txn *txn, uint32_t *out);

/** task_loosen() - free a table that is loose now, by and by: 0, -ENOMEM */
int task_loosen(const struct task *task, uint32_t table);

#endif
