// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <syslog.h>

#include "anchors/task.h"

/*
 * With another errno, a reason that is there comes from an attempt before, in a
 * transaction that was lost.
 */
static bool is_refusal(int result)
{
	return result == -EINVAL || result == -EDQUOT ||
	       result == -ENAMETOOLONG || result == -EMFILE ||
	       result == -EROFS || result == -ERANGE || result == -EBUSY ||
	       result == -EHOSTDOWN;
}

static void end_task(struct task *task, int result,
		     const struct refusal *refusal)
{
	struct host *host = task->anchor->host;
	struct receipt before;

	/* What it goes on with is still the same call. */
	receipt_enter(host, &task->receipt, &before);
	task->done(task->arg, result, refusal);
	receipt_leave(host, &before);
	anchor_unref(task->anchor);
	free(task);
}

/* Who has to know of the change does. */
static void report_changed(void *arg)
{
	end_task(arg, 0, NULL);
}

void task_report(struct task *task, int result)
{
	bool refused = is_refusal(result) && task->refusal.reason[0];
	struct host *host = task->anchor->host;

	if (task->in_flight) {
		assert(task->anchor->in_flight);
		task->anchor->in_flight--;
	}
	if (result == 0 && task->is_edit)
		task->anchor->edits++;
	/* What is staged cannot be seen yet, so nothing has changed. */
	if (result == 0 && task->job.reply == JOB_DURABLE &&
	    !host->changed(host->changed_arg, task->anchor, task->origin,
			   report_changed, task))
		return;
	end_task(task, result, refused ? &task->refusal : NULL);
}

/* An errno does not say what it means here, nor what is to be done. */
static void tell_of_disk(struct host *host)
{
	static const char line[] =
		"the disk failed: nothing more can be changed until circuitfs "
		"is started again; what was kept before is answered";

	if (host->told_of_disk || !store_failed(&host->store))
		return;
	host->told_of_disk = true;
	host_log(host->root, LOG_ERR, "%s", line);
	anchor_fail(host->root, "state", 0, NULL, line);
}

/* Who wrote has the errno; who looks after the disk reads the log. */
static void tell_of_space(struct host *host, const struct job *job, int result)
{
	host->met_full += result == -ENOSPC;
	if (result == -ENOSPC && !host->told_of_space) {
		host->told_of_space = true;
		host_log(host->root, LOG_WARNING,
			 "no space is left for the state: what adds to it is "
			 "refused");
	} else if (result == 0 && job->adds && host->told_of_space) {
		host->told_of_space = false;
		host_log(host->root, LOG_NOTICE,
			 "there is space for the state again");
	}
}

static void task_done(struct job *job, int result)
{
	struct task *task = container_of(job, struct task, job);

	if (result < 0)
		tell_of_disk(task->anchor->host);
	tell_of_space(task->anchor->host, job, result);
	if (task->settle)
		result = task->settle(task, result);
	/* A server that stops tells when its address is free: stopped(). */
	if (result != -EINPROGRESS)
		task_report(task, result);
}

void *task_new(size_t size, struct anchor *anchor, anchor_done *done, void *arg)
{
	struct task *task;

	assert(size >= sizeof(*task));
	task = calloc(1, size);
	if (!task)
		return NULL;
	task->anchor = anchor_ref(anchor);
	task->done = done;
	task->arg = arg;
	task->now_ns = host_now_ns();
	task->job.done = task_done;
	task->receipt = *receipt_at_hand(anchor->host);
	if (task->receipt.from[0])
		task->job.receipt = &task->receipt;
	return task;
}

void *task_new_live(size_t size, struct anchor *anchor, anchor_done *done,
		    void *arg)
{
	void *task = anchor->gone ? NULL : task_new(size, anchor, done, arg);

	if (!task)
		done(arg, anchor->gone ? -ENODEV : -ENOMEM, NULL);
	return task;
}

/* The writer's thread. A task that is no call's has no receipt. */
static int run_task(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);

	if (job->receipt &&
	    !lease_holds(&task->anchor->host->leases, job->receipt))
		return refusal_set(&task->refusal, EHOSTDOWN,
				   "%s was not heard in time, or could not "
				   "hear of it: it counts as not done there",
				   job->receipt->from);
	return task->run(job, txn);
}

void task_submit(struct task *task, int (*run)(struct job *, MDB_txn *))
{
	assert(!task->job.run);
	task->run = run;
	task->job.run = run_task;
	task->in_flight = task->is_edit;
	if (task->in_flight)
		task->anchor->in_flight++;
	writer_submit(task->anchor->host->writer, &task->job);
}

void task_changes(struct task *task)
{
	atomic_fetch_add(&task->anchor->changes, 1);
}

const struct store *task_store(const struct task *task)
{
	return &task->anchor->host->store;
}

const struct tables *task_tables(const struct task *task)
{
	return &task->anchor->host->store.tables;
}

int task_stored(const struct task *task, MDB_txn *txn, uint64_t id,
		struct store_anchor *out)
{
	int r = store_get_anchor(task_store(task), txn, id, out);

	if (r == -ENOENT)
		return ENODEV;
	return r == -EBADMSG ? EIO : r;
}

int task_table(const struct task *task, MDB_txn *txn, uint32_t *out)
{
	int r = table_serving(task_tables(task), txn, task->anchor->id, out);

	return r == -ENOENT ? ENODEV : r;
}

int task_loosen(const struct task *task, uint32_t table)
{
	return writer_loosen(task->anchor->host->writer, table);
}
