// SPDX-License-Identifier: Apache-2.0
/*
 * nameserver.c - what clients do to nameservers, as jobs for the writer
 *
 * Each operation checks what the main loop can check, then hands the writer
 * a task: what to do in the transaction, and what to do on the main loop when
 * that is on disk.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "anchors/host.h"
#include "anchors/nameserver.h"

/* One operation on its way through the writer. */
struct task {
	struct job job;
	struct anchor *anchor; /* a reference */
	nameserver_done *done;
	void *arg;
	int64_t now_ns;
	/* Before the caller hears of it; the result it returns is passed on. */
	int (*settle)(struct task *task, int result);

	struct store_anchor stored; /* the anchor as it shall be kept */
	struct anchor *parent;	    /* of a rename: the new one; a reference */
	struct server *server;	    /* bound, not started: ours until then */
	struct change change;
	struct staging *staging;
	struct name owner, to;
	bool owner_only;
	bool made_table;
	struct refusal refusal;
};

struct staging {
	struct anchor *anchor; /* a reference */
	struct job_loss loss;
	uint32_t table;
	bool has_table; /* the writer's thread, as is table */
};

/* ---- Tasks ---- */

static void task_free(struct task *task)
{
	anchor_unref(task->anchor);
	anchor_unref(task->parent);
	change_deinit(&task->change);
	free(task);
}

static void task_report(struct task *task, int result)
{
	bool refused = result == -EINVAL && task->refusal.reason[0];

	task->done(task->arg, result, refused ? &task->refusal : NULL);
	task_free(task);
}

static void task_done(struct job *job, int result)
{
	struct task *task = container_of(job, struct task, job);

	if (task->settle)
		result = task->settle(task, result);
	/* The address is free again, or the server stopped, only later. */
	if (result != -EINPROGRESS)
		task_report(task, result);
}

/* A task for a live anchor; on failure the caller has heard of it. */
static struct task *task_new(struct anchor *anchor, nameserver_done *done,
			     void *arg)
{
	struct task *task;

	if (anchor->gone) {
		done(arg, -ENODEV, NULL);
		return NULL;
	}
	task = calloc(1, sizeof(*task));
	if (!task) {
		done(arg, -ENOMEM, NULL);
		return NULL;
	}
	task->anchor = anchor_ref(anchor);
	task->done = done;
	task->arg = arg;
	task->now_ns = host_now_ns();
	task->job.done = task_done;
	return task;
}

static void task_submit(struct task *task,
			int (*run)(struct job *, struct writer *, MDB_txn *))
{
	task->job.run = run;
	writer_submit(task->anchor->host->writer, &task->job);
}

static const struct store *task_store(const struct task *task)
{
	return &task->anchor->host->store;
}

static const struct tables *task_tables(const struct task *task)
{
	return &task->anchor->host->store.tables;
}

/* The table that the task's nameserver answers from. */
static int task_table(const struct task *task, MDB_txn *txn, uint32_t *out)
{
	int r = table_serving(task_tables(task), txn, task->anchor->id, out);

	return r == -ENOENT ? ENODEV : r;
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
		return 0;
	}
	/* It was in the tree, so that nobody else took its name. */
	server_stop(steal(&anchor->server), NULL, NULL);
	anchor_unlink(anchor);
	return result;
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
	struct server *server = NULL;
	struct task *task;
	int r = parent->gone ? -ENODEV : 0;

	if (r == 0)
		r = anchor_parse_name(name, &stored.address);
	if (r == 0 && anchor_child(parent, name))
		r = -EEXIST;
	if (r == 0) {
		stored.name_len = (uint8_t)strlen(name);
		memcpy(stored.name, name, stored.name_len);
		/* Bind before anything is stored: a taken port leaves no
		 * trace. */
		r = server_bind(&server, host->pool, stored.id,
				&stored.address);
	}
	if (r == 0) {
		stored.address = *server_address(server);
		r = anchor_new(&anchor, host, parent, &stored);
		if (r < 0)
			server_stop(server, NULL, NULL);
	}
	if (r < 0) {
		done(arg, r, NULL);
		return;
	}
	host->next_id++;
	anchor->server = server;
	task = task_new(anchor, done, arg);
	if (!task) {
		server_stop(steal(&anchor->server), NULL, NULL);
		anchor_unlink(anchor);
		return;
	}
	anchor_store_form(anchor, &task->stored);
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
	task = task_new(anchor, done, arg);
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
	task = task_new(anchor, done, arg);
	if (!task)
		return;
	anchor_store_form(anchor, &task->stored);
	task->stored.address = *at;
	if (at->kind != ADDRESS_OFF)
		r = server_bind(&task->server, anchor->host->pool, anchor->id,
				at);
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
	struct task *task = task_new(anchor, done, arg);

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
	task = task_new(anchor, done, arg);
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
	return r ? r
		 : table_apply(task_tables(task), txn, table, &task->change,
			       false, task->now_ns, &task->refusal);
}

void nameserver_edit(struct anchor *anchor, struct change *change,
		     nameserver_done *done, void *arg)
{
	struct task *task = task_new(anchor, done, arg);

	if (!task)
		return;
	task->change = *change;
	*change = (struct change){0};
	task_submit(task, run_edit);
}

static int run_move(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = task_table(task, txn, &table);

	(void)writer;
	return r ? r
		 : table_move(task_tables(task), txn, table, &task->owner,
			      &task->to, task->now_ns, &task->refusal);
}

void nameserver_move(struct anchor *anchor, const struct name *from,
		     const struct name *to, nameserver_done *done, void *arg)
{
	struct task *task = task_new(anchor, done, arg);

	if (!task)
		return;
	task->owner = *from;
	task->to = *to;
	task_submit(task, run_move);
}

/* ---- Staging ---- */

int staging_new(struct staging **out, struct anchor *anchor)
{
	struct staging *staging = calloc(1, sizeof(*staging));

	if (!staging)
		return -ENOMEM;
	staging->anchor = anchor_ref(anchor);
	*out = staging;
	return 0;
}

static void staging_free(struct staging *staging)
{
	anchor_unref(staging->anchor);
	free(staging);
}

/* A task also for an anchor that is gone: the staging must still go. */
static struct task *staging_task(struct staging *staging, nameserver_done *done,
				 void *arg)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->anchor = anchor_ref(staging->anchor);
	task->staging = staging;
	task->done = done;
	task->arg = arg;
	task->now_ns = host_now_ns();
	task->job.done = task_done;
	return task;
}

/* The table to stage in, made by the first task that needs it. */
static int staging_table(struct task *task, MDB_txn *txn)
{
	struct staging *staging = task->staging;
	int r;

	/* Run again after a lost transaction, a task makes it again. */
	if (staging->has_table && !task->made_table)
		return 0;
	r = table_create(task_tables(task), txn, &staging->table);
	staging->has_table = task->made_table = r == 0;
	return r;
}

static int run_stage(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	int r = staging_table(task, txn);

	(void)writer;
	return r ? r
		 : table_apply(task_tables(task), txn, task->staging->table,
			       &task->change, true, task->now_ns,
			       &task->refusal);
}

void staging_add(struct staging *staging, struct change *change,
		 nameserver_done *done, void *arg)
{
	struct task *task = staging_task(staging, done, arg);

	if (!task) {
		done(arg, -ENOMEM, NULL);
		return;
	}
	task->change = *change;
	*change = (struct change){0};
	task->job.reply = JOB_EARLY;
	task->job.loss = &staging->loss;
	task->job.octets = task->change.items.len;
	task_submit(task, run_stage);
}

static int run_publish(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	const struct tables *tables = task_tables(task);
	uint32_t table, loose;
	int r = task_table(task, txn, &table);

	if (r)
		return r;
	r = staging_table(task, txn);
	if (r < 0)
		return r;
	if (task->owner_only) {
		r = table_take(tables, txn, table, task->staging->table,
			       &task->owner, task->now_ns);
		loose = task->staging->table;
	} else {
		r = table_publish(tables, txn, task->anchor->id,
				  task->staging->table, task->now_ns);
		loose = table;
	}
	return r < 0 ? r : writer_loosen(writer, loose);
}

static int settle_publish(struct task *task, int result)
{
	if (result < 0)
		staging_discard(task->staging);
	else
		staging_free(task->staging);
	return result;
}

void staging_publish(struct staging *staging, const struct name *owner,
		     nameserver_done *done, void *arg)
{
	struct task *task = staging_task(staging, done, arg);

	if (!task) {
		staging_discard(staging);
		done(arg, -ENOMEM, NULL);
		return;
	}
	if (owner) {
		task->owner = *owner;
		task->owner_only = true;
	}
	task->job.loss = &staging->loss;
	task->settle = settle_publish;
	task_submit(task, run_publish);
}

static int run_discard(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);

	(void)txn;
	/*
	 * The table may be lost with a transaction, and its number may be
	 * another's by now: then it is left to the next start.
	 */
	if (!task->staging->has_table || task->staging->loss.error)
		return 0;
	return writer_loosen(writer, task->staging->table);
}

static int settle_discard(struct task *task, int result)
{
	staging_free(task->staging);
	return result;
}

static void ignore_result(void *arg, int result, const struct refusal *refusal)
{
	(void)arg;
	(void)result;
	(void)refusal;
}

void staging_discard(struct staging *staging)
{
	struct task *task = staging_task(staging, ignore_result, NULL);

	/* Without memory it stays loose until the next start frees it. */
	if (!task)
		return;
	task->settle = settle_discard;
	task_submit(task, run_discard);
}
