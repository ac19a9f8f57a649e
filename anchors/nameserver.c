// SPDX-License-Identifier: Apache-2.0
/*
 * nameserver.c - what clients do to nameservers, as tasks for the writer
 *
 * Each operation checks what the main loop can check, then hands the writer
 * a task: what to do in the transaction, and what to do on the main loop when
 * that is on disk.
 */
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "anchors/task.h"

static void log_address(const struct anchor *anchor)
{
	char at[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, at);
	if (anchor->server)
		host_log(anchor, LOG_INFO, "answers on %s", at);
	else
		host_log(anchor, LOG_INFO, "stopped");
}

/* ---- Make and scrub ---- */

static int run_make(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = store_put_anchor(task_store(task), txn, &task->stored);

	(void)writer;
	if (r == 0)
		r = table_create(task_tables(task), txn, &table);
	if (r == 0)
		r = table_publish(task_tables(task), txn, task->stored.id,
				  table, task->now_ns);
	return r;
}

static int settle_make(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;

	if (result == 0)
		result = server_start(anchor->server);
	if (result == 0) {
		anchor->parent->mtime_ns = task->now_ns;
		log_address(anchor);
		return 0;
	}
	/* It was in the tree, so that nobody else took its name. */
	server_stop(steal(&anchor->server), NULL, NULL);
	anchor_unlink(anchor);
	return result;
}

/* What is there stays, also where the limit is a new one. */
static int one_more(const struct host *host, struct refusal *why)
{
	if (!host->anchors_max || host->anchors < host->anchors_max)
		return 0;
	*why = (struct refusal){0};
	snprintf(why->reason, sizeof(why->reason),
		 "max-anchors=%zu: there are %zu already; remove one, or start "
		 "circuitfs with more",
		 host->anchors_max, host->anchors);
	return -EDQUOT;
}

void nameserver_make(struct anchor *parent, const char *name, uid_t uid,
		     gid_t gid, mode_t mode, nameserver_done *done, void *arg)
{
	struct host *host = parent->host;
	struct store_anchor stored = {
		.id = host->next_id,
		.parent = parent->id,
		.uid = uid,
		.gid = gid,
		.mode = mode,
		.mtime_ns = host_now_ns(),
		.address = host->listen,
	};
	struct anchor *anchor;
	struct refusal refusal;
	struct task *task;
	int r = parent->gone ? -ENODEV : 0;

	if (r == 0)
		r = anchor_parse_name(name, &stored.address);
	if (r == 0 && anchor_child(parent, name))
		r = -EEXIST;
	if (r == 0)
		r = one_more(host, &refusal);
	if (r == 0) {
		stored.name_len = (uint8_t)strlen(name);
		memcpy(stored.name, name, stored.name_len);
		r = anchor_new(&anchor, host, parent, &stored);
	}
	if (r == 0) {
		/* Before anything is stored: a taken port leaves no trace. */
		r = server_bind(&anchor->server, host->pool, anchor->traffic,
				&anchor->address);
		if (r < 0)
			anchor_unlink(anchor);
	}
	if (r < 0) {
		done(arg, r, r == -EDQUOT ? &refusal : NULL);
		return;
	}
	host->next_id++;
	anchor->address = *server_address(anchor->server);
	task = task_new_live(anchor, done, arg);
	if (!task) {
		server_stop(steal(&anchor->server), NULL, NULL);
		anchor_unlink(anchor);
		return;
	}
	anchor_store_form(anchor, &task->stored);
	task->job.adds = true;
	task->settle = settle_make;
	task_submit(task, run_make);
}

static int run_scrub(struct job *job, struct writer *writer, MDB_txn *txn)
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
		r = writer_loosen(writer, table);
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

	if (result < 0)
		return result;
	if (anchor->parent)
		anchor->parent->mtime_ns = task->now_ns;
	anchor_unlink(anchor);
	host_log(anchor, LOG_INFO, "removed");
	if (!anchor->server)
		return 0;
	/* When rmdir returns, the address can be bound again. */
	server_stop(steal(&anchor->server), stopped, task);
	return -EINPROGRESS;
}

void nameserver_scrub(struct anchor *anchor, nameserver_done *done, void *arg)
{
	struct task *task;

	if (anchor->children) {
		done(arg, -ENOTEMPTY, NULL);
		return;
	}
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	task->settle = settle_scrub;
	task_submit(task, run_scrub);
}

/* ---- What the store keeps of an anchor ---- */

static int run_keep(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);

	(void)writer;
	return store_put_anchor(task_store(task), txn, &task->stored);
}

static int settle_rebind(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;
	struct server *old = anchor->server;

	anchor->rebinding = false;
	if (anchor->gone)
		result = -ENODEV;
	if (result == 0 && task->server)
		result = server_start(task->server);
	if (result < 0) {
		if (task->server)
			server_stop(task->server, NULL, NULL);
		return result;
	}
	anchor->address = task->stored.address;
	anchor->server = task->server;
	log_address(anchor);
	if (!old)
		return 0;
	server_stop(old, stopped, task);
	return -EINPROGRESS;
}

void nameserver_rebind(struct anchor *anchor, const struct address *at,
		       nameserver_done *done, void *arg)
{
	struct task *task;
	int r = 0;

	if (anchor->rebinding) {
		done(arg, -EBUSY, NULL);
		return;
	}
	/* Where it is already: bound there, or off and to stay so. */
	if (address_equal(&anchor->address, at) &&
	    (anchor->server || at->kind == ADDRESS_OFF)) {
		done(arg, anchor->gone ? -ENODEV : 0, NULL);
		return;
	}
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	anchor_store_form(anchor, &task->stored);
	task->stored.address = *at;
	if (at->kind != ADDRESS_OFF)
		r = server_bind(&task->server, anchor->host->pool,
				anchor->traffic, at);
	if (r < 0) {
		task_report(task, r);
		return;
	}
	if (task->server)
		task->stored.address = *server_address(task->server);
	anchor->rebinding = true;
	task->settle = settle_rebind;
	task_submit(task, run_keep);
}

static int settle_rights(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;

	if (result < 0)
		return result;
	anchor->uid = task->stored.uid;
	anchor->gid = task->stored.gid;
	anchor->mode = task->stored.mode;
	anchor->mtime_ns = task->stored.mtime_ns;
	return 0;
}

void anchor_set_rights(struct anchor *anchor, uid_t uid, gid_t gid, mode_t mode,
		       int64_t mtime_ns, nameserver_done *done, void *arg)
{
	struct task *task = task_new_live(anchor, done, arg);

	if (!task)
		return;
	anchor_store_form(anchor, &task->stored);
	task->stored.uid = uid;
	task->stored.gid = gid;
	task->stored.mode = mode;
	task->stored.mtime_ns = mtime_ns;
	task->settle = settle_rights;
	task_submit(task, run_keep);
}

static int settle_rename(struct task *task, int result)
{
	char name[STORE_NAME_SIZE + 1] = "";

	if (result < 0)
		return result;
	memcpy(name, task->stored.name, task->stored.name_len);
	return anchor_relink(task->anchor, task->parent, name);
}

void anchor_rename(struct anchor *anchor, struct anchor *parent,
		   const char *name, nameserver_done *done, void *arg)
{
	struct task *task;

	if (strlen(name) > STORE_NAME_SIZE) {
		done(arg, -ENAMETOOLONG, NULL);
		return;
	}
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	anchor_store_form(anchor, &task->stored);
	task->parent = anchor_ref(parent);
	task->stored.parent = parent->id;
	task->stored.name_len = (uint8_t)strlen(name);
	memcpy(task->stored.name, name, task->stored.name_len);
	task->settle = settle_rename;
	task_submit(task, run_keep);
}

/* ---- Records ---- */

static int run_edit(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	(void)writer;
	if (r == 0)
		r = table_apply(task_tables(task), txn, table, &task->change,
				false, task->now_ns, &task->refusal);
	if (r == 0)
		task_changes(task);
	return r;
}

void nameserver_edit(struct anchor *anchor, struct change *change,
		     const void *origin, nameserver_done *done, void *arg)
{
	struct task *task = task_new_live(anchor, done, arg);

	if (!task)
		return;
	task->origin = origin;
	task->is_edit = true;
	task->change = *change;
	task->job.adds = change_adds(change);
	*change = (struct change){0};
	task_submit(task, run_edit);
}

static int run_move(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	(void)writer;
	if (r == 0)
		r = table_move(task_tables(task), txn, table, &task->owner,
			       &task->to, task->now_ns, &task->refusal);
	if (r == 0)
		task_changes(task);
	return r;
}

void nameserver_move(struct anchor *anchor, const struct name *from,
		     const struct name *to, nameserver_done *done, void *arg)
{
	struct task *task = task_new_live(anchor, done, arg);

	if (!task)
		return;
	task->is_edit = true;
	task->owner = *from;
	task->to = *to;
	task_submit(task, run_move);
}

static int run_touch(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	(void)writer;
	return r ? r : table_touch(task_tables(task), txn, table, task->now_ns);
}

void nameserver_touch(struct anchor *anchor, int64_t mtime_ns,
		      nameserver_done *done, void *arg)
{
	struct task *task = task_new_live(anchor, done, arg);

	if (!task)
		return;
	task->now_ns = mtime_ns;
	task_submit(task, run_touch);
}
