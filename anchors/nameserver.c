// SPDX-License-Identifier: Apache-2.0
/*
 * nameserver.c - a nameserver's life: made, bound elsewhere, removed
 */
#include <assert.h>
#include <errno.h>
#include <syslog.h>

#include "anchors/nameserver.h"
#include "anchors/task.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"

static void log_address(const struct anchor *anchor)
{
	char at[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, at);
	if (anchor->server)
		host_log(anchor, LOG_INFO, "answers on %s", at);
	else
		host_log(anchor, LOG_INFO, "stopped");
}

/* ---- Make ---- */

struct make_task {
	struct task task;
	struct store_anchor stored; /* the new anchor, as it shall be kept */
};

static int find_parent(const struct make_task *make, MDB_txn *txn)
{
	struct store_anchor parent;

	/* The host's anchor is never gone, and may have no row yet. */
	if (make->stored.parent == STORE_HOST_ID)
		return 0;
	return task_stored(&make->task, txn, make->stored.parent, &parent);
}

static int run_make(struct job *job, MDB_txn *txn)
{
	struct make_task *make = container_of(job, struct make_task, task.job);
	const struct tables *tables = task_tables(&make->task);
	uint32_t table;
	int r = find_parent(make, txn);

	if (r == 0)
		r = store_put_anchor(task_store(&make->task), txn,
				     &make->stored);
	if (r == 0)
		r = table_create(tables, txn, &table);
	if (r == 0)
		r = table_publish(tables, txn, make->stored.id, table,
				  make->task.now_ns);
	return r;
}

/* It was in the tree, so that nobody else took its name. */
static void unmake(struct anchor **anchor)
{
	if (!*anchor)
		return;
	if ((*anchor)->server)
		server_stop(steal(&(*anchor)->server), NULL, NULL);
	anchor_unlink(steal(anchor));
}

static int settle_make(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;

	if (result < 0) {
		unmake(&anchor);
		return result;
	}
	server_start(anchor->server);
	anchor->parent->mtime_ns = task->now_ns;
	log_address(anchor);
	return 0;
}

/* The limit may be lower than before: what is there stays. */
static int one_more(const struct host *host, struct refusal *why)
{
	if (!host->anchors_max || host->anchors < host->anchors_max)
		return 0;
	return refusal_set(why, -EDQUOT,
			   "max-anchors=%zu: there are %zu already; remove "
			   "one, or start circuitfs with more",
			   host->anchors_max, host->anchors);
}

/* May there be one of that name? @out gets the name, and its address. */
static int judge_name(const struct anchor *parent, const char *name,
		      struct store_anchor *out, struct refusal *why)
{
	int r = anchor_parse_name(name, &out->address);

	if (r == 0)
		r = anchor_place(parent, name);
	if (r == 0)
		r = anchor_fits(NULL, parent, name, why);
	if (r == 0)
		r = one_more(parent->host, why);
	if (r < 0)
		return r;
	out->name_len = (uint8_t)strlen(name);
	memcpy(out->name, name, out->name_len);
	return 0;
}

/*
 * An anchor in the tree, with its sockets. It is bound before anything is
 * stored, so that a port that is taken leaves no trace.
 */
static int make_bound(struct anchor **out, struct anchor *parent,
		      const struct store_anchor *stored, struct refusal *why)
{
	CLEANUP(unmake) struct anchor *anchor = NULL;
	struct host *host = parent->host;
	int r = anchor_new(&anchor, host, parent, stored);

	if (r == 0)
		r = host_bind(&anchor->server, anchor, &anchor->address, why);
	if (r < 0)
		return r;
	host->next_id++;
	anchor->address = *server_address(anchor->server);
	*out = steal(&anchor);
	return 0;
}

void nameserver_make(struct anchor *parent, const char *name, uid_t uid,
		     gid_t gid, mode_t mode, anchor_done *done, void *arg)
{
	CLEANUP(unmake) struct anchor *anchor = NULL;
	struct store_anchor stored = {
		.id = parent->host->next_id,
		.parent = parent->id,
		.uid = uid,
		.gid = gid,
		.mode = mode,
		.mtime_ns = host_now_ns(),
		.address = parent->host->listen,
	};
	struct refusal refusal = {0};
	struct make_task *make;
	int r = judge_name(parent, name, &stored, &refusal);

	if (r == 0)
		r = make_bound(&anchor, parent, &stored, &refusal);
	if (r < 0) {
		done(arg, r, refusal.reason[0] ? &refusal : NULL);
		return;
	}
	make = task_new_live(sizeof(*make), anchor, done, arg);
	if (!make)
		return;
	anchor_store_form(steal(&anchor), &make->stored);
	make->task.job.adds = true;
	make->task.job.made = make->stored.id;
	make->task.settle = settle_make;
	task_submit(&make->task, run_make);
}

/* ---- Scrub ---- */

static int run_scrub(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r)
		return r;
	r = store_del_anchor(task_store(task), txn, task->anchor->id);
	if (r == 0)
		r = table_retire(task_tables(task), txn, task->anchor->id);
	if (r == 0)
		r = task_loosen(task, table);
	return r;
}

static void stopped(void *arg)
{
	struct task *task = arg;

	task_report(task, 0);
}

static int settle_scrub(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;

	assert(anchor->scrubs);
	anchor->scrubs--;
	if (result < 0)
		return result;
	if (anchor->parent)
		anchor->parent->mtime_ns = task->now_ns;
	assert(!anchor->children && !anchor->claims);
	notifier_gone(anchor->host->notifier, anchor->id);
	secondaries_gone(anchor->host->secondaries, anchor->id);
	anchor_unlink(anchor);
	host_log(anchor, LOG_INFO, "removed");
	if (!anchor->server)
		return 0;
	/* The caller hears of it when the address can be bound again. */
	server_stop(steal(&anchor->server), stopped, task);
	return -EINPROGRESS;
}

void nameserver_scrub(struct anchor *anchor, anchor_done *done, void *arg)
{
	struct task *task;

	/* A claim is of an anchor that a rename is about to put here. */
	if (anchor->children || anchor->claims) {
		done(arg, -ENOTEMPTY, NULL);
		return;
	}
	task = task_new_live(sizeof(*task), anchor, done, arg);
	if (!task)
		return;
	anchor->scrubs++;
	task->settle = settle_scrub;
	task_submit(task, run_scrub);
}

/* ---- Rebind ---- */

struct rebind_task {
	struct task task;
	struct address address; /* where it shall answer; with the true port */
	struct server *server;	/* bound there; the task's until it settles */
};

/* There is nothing to change; but the anchor may be gone by then. */
static int run_look(struct job *job, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct store_anchor stored;

	return task_stored(task, txn, task->anchor->id, &stored);
}

static int run_rebind(struct job *job, MDB_txn *txn)
{
	struct rebind_task *rebind =
		container_of(job, struct rebind_task, task.job);
	struct task *task = &rebind->task;
	struct store_anchor stored;
	int r = task_stored(task, txn, task->anchor->id, &stored);

	if (r)
		return r;
	stored.address = rebind->address;
	return store_put_anchor(task_store(task), txn, &stored);
}

static int settle_rebind(struct task *task, int result)
{
	struct rebind_task *rebind =
		container_of(task, struct rebind_task, task);
	struct anchor *anchor = task->anchor;
	struct server *old = anchor->server;

	assert(anchor->rebinding);
	anchor->rebinding = false;
	/* Where it has been removed, run_rebind() has found that it is gone. */
	assert(result < 0 || !anchor->gone);
	if (result < 0) {
		if (rebind->server)
			server_stop(steal(&rebind->server), NULL, NULL);
		return result;
	}
	if (rebind->server)
		server_start(rebind->server);
	anchor->address = rebind->address;
	anchor->server = steal(&rebind->server);
	log_address(anchor);
	if (!old)
		return 0;
	server_stop(old, stopped, task);
	return -EINPROGRESS;
}

void nameserver_rebind(struct anchor *anchor, const struct address *at,
		       anchor_done *done, void *arg)
{
	struct rebind_task *rebind;
	int r = 0;

	if (anchor->rebinding) {
		done(arg, -EBUSY, NULL);
		return;
	}
	rebind = task_new_live(sizeof(*rebind), anchor, done, arg);
	if (!rebind)
		return;
	/* It is there already: it is bound, or it is off and stays so. */
	if (address_equal(&anchor->address, at) &&
	    (anchor->server || at->kind == ADDRESS_OFF)) {
		task_submit(&rebind->task, run_look);
		return;
	}
	rebind->address = *at;
	if (at->kind != ADDRESS_OFF)
		r = host_bind(&rebind->server, anchor, at,
			      &rebind->task.refusal);
	if (r < 0) {
		task_report(&rebind->task, r);
		return;
	}
	if (rebind->server)
		rebind->address = *server_address(rebind->server);
	anchor->rebinding = true;
	rebind->task.settle = settle_rebind;
	task_submit(&rebind->task, run_rebind);
}
