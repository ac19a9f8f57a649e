// SPDX-License-Identifier: Apache-2.0
/*
 * nameserver.c - what clients do to nameservers, as tasks for the writer
 *
 * Each operation checks what the main loop can check, then hands the writer
 * a task: what to do in the transaction, and what to do on the main loop when
 * that is on disk.
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
#include <assert.h>
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

/* An anchor as it is by now: 0; ENODEV: gone; EIO: unreadable; -errno. */
static int get_stored(const struct task *task, MDB_txn *txn, uint64_t id,
		      struct store_anchor *out)
{
	int r = store_get_anchor(task_store(task), txn, id, out);

	if (r == -ENOENT)
		return ENODEV;
	return r == -EBADMSG ? EIO : r;
}

static int find_parent(const struct task *task, MDB_txn *txn)
{
	struct store_anchor parent;

	/* The host's is kept with its first change, and is never gone. */
	if (task->stored.parent == STORE_HOST_ID)
		return 0;
	return get_stored(task, txn, task->stored.parent, &parent);
}

static int run_make(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	uint32_t table;
	int r = find_parent(task, txn);

	(void)writer;
	if (r == 0)
		r = store_put_anchor(task_store(task), txn, &task->stored);
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

	if (result == 0) {
		server_start(anchor->server);
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
	struct refusal refusal = {0};
	struct task *task;
	int r = anchor_parse_name(name, &stored.address);

	if (r == 0)
		r = anchor_place(parent, name);
	if (r == 0)
		r = anchor_fits(NULL, parent, name, &refusal);
	if (r == 0)
		r = one_more(host, &refusal);
	if (r == 0) {
		stored.name_len = (uint8_t)strlen(name);
		memcpy(stored.name, name, stored.name_len);
		r = anchor_new(&anchor, host, parent, &stored);
	}
	if (r == 0) {
		/* Before anything is stored: a taken port leaves no trace. */
		r = host_bind(&anchor->server, anchor, &anchor->address,
			      &refusal);
		if (r < 0)
			anchor_unlink(anchor);
	}
	if (r < 0) {
		done(arg, r, refusal.reason[0] ? &refusal : NULL);
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

	anchor->scrubs--;
	if (result < 0)
		return result;
	if (anchor->parent)
		anchor->parent->mtime_ns = task->now_ns;
	assert(!anchor->children && !anchor->claims);
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

	/* Also one that is on its way into it, or out of it. */
	if (anchor->children || anchor->claims) {
		done(arg, -ENOTEMPTY, NULL);
		return;
	}
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	anchor->scrubs++;
	task->settle = settle_scrub;
	task_submit(task, run_scrub);
}

/* ---- What the store keeps of an anchor ---- */

static int run_look(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct store_anchor stored;

	(void)writer;
	return get_stored(task, txn, task->stored.id, &stored);
}

static int run_rebind(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct store_anchor stored;
	int r = get_stored(task, txn, task->stored.id, &stored);

	(void)writer;
	if (r)
		return r;
	stored.address = task->stored.address;
	return store_put_anchor(task_store(task), txn, &stored);
}

static int settle_rebind(struct task *task, int result)
{
	struct anchor *anchor = task->anchor;
	struct server *old = anchor->server;

	anchor->rebinding = false;
	/* Not bound anew where it has been removed: then ENODEV was found. */
	assert(result < 0 || !anchor->gone);
	if (result < 0) {
		if (task->server)
			server_stop(task->server, NULL, NULL);
		return result;
	}
	if (task->server)
		server_start(task->server);
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
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	task->stored.id = anchor->id;
	/* Where it is already: bound there, or off and to stay so. */
	if (address_equal(&anchor->address, at) &&
	    (anchor->server || at->kind == ADDRESS_OFF)) {
		task_submit(task, run_look);
		return;
	}
	task->stored.address = *at;
	if (at->kind != ADDRESS_OFF)
		r = host_bind(&task->server, anchor, at, &task->refusal);
	if (r < 0) {
		task_report(task, r);
		return;
	}
	if (task->server)
		task->stored.address = *server_address(task->server);
	anchor->rebinding = true;
	task->settle = settle_rebind;
	task_submit(task, run_rebind);
}

static int run_rights(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	const struct anchor_rights *rights = &task->rights;
	struct store_anchor stored;
	int r = get_stored(task, txn, task->stored.id, &stored);

	(void)writer;
	/* This is the host's first change. */
	if (r == ENODEV && task->stored.id == STORE_HOST_ID) {
		stored = task->stored;
		r = 0;
	}
	if (r)
		return r;
	if (rights->set_uid)
		stored.uid = rights->uid;
	if (rights->set_gid)
		stored.gid = rights->gid;
	if (rights->set_mode)
		stored.mode = rights->mode;
	if (rights->set_mtime)
		stored.mtime_ns = rights->mtime_ns;
	return store_put_anchor(task_store(task), txn, &stored);
}

static int settle_rights(struct task *task, int result)
{
	if (result == 0)
		anchor_take_rights(task->anchor, &task->rights);
	return result;
}

void anchor_set_rights(struct anchor *anchor,
		       const struct anchor_rights *rights,
		       nameserver_done *done, void *arg)
{
	struct task *task = task_new_live(anchor, done, arg);

	if (!task)
		return;
	anchor_store_form(anchor, &task->stored);
	task->rights = *rights;
	task->settle = settle_rights;
	task_submit(task, run_rights);
}

static int run_rename(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct store_anchor stored;
	int r = get_stored(task, txn, task->stored.id, &stored);

	(void)writer;
	if (r == 0)
		r = store_above(task_store(task), txn, task->stored.parent,
				stored.id);
	if (r)
		return r;
	stored.parent = task->stored.parent;
	stored.name_len = task->stored.name_len;
	memcpy(stored.name, task->stored.name, sizeof(stored.name));
	return store_put_anchor(task_store(task), txn, &stored);
}

static int settle_rename(struct task *task, int result)
{
	struct anchor_claim *claim = steal(&task->claim);

	if (result < 0)
		anchor_unclaim(claim);
	else
		anchor_relink(task->anchor, claim);
	return result;
}

void anchor_rename(struct anchor *anchor, struct anchor *parent,
		   const char *name, nameserver_done *done, void *arg)
{
	size_t len = strlen(name);
	struct task *task;
	int r;

	if (len > STORE_NAME_SIZE) {
		done(arg, -ENAMETOOLONG, NULL);
		return;
	}
	task = task_new_live(anchor, done, arg);
	if (!task)
		return;
	r = anchor_fits(anchor, parent, name, &task->refusal);
	if (r == 0)
		r = anchor_claim(&task->claim, parent, name);
	if (r < 0) {
		task_report(task, r);
		return;
	}
	task->stored.id = anchor->id;
	task->stored.parent = parent->id;
	task->stored.name_len = (uint8_t)len;
	memcpy(task->stored.name, name, len);
	task->settle = settle_rename;
	task_submit(task, run_rename);
}

/* ---- Records ---- */

static int run_edit(struct job *job, struct writer *writer, MDB_txn *txn)
{
	struct task *task = container_of(job, struct task, job);
	struct change_item item;
	size_t offset = 0;
	uint32_t table;
	int r = task_table(task, txn, &table);

	(void)writer;
	if (r == 0)
		r = table_apply(task_tables(task), txn, table, &task->change,
				false, task->now_ns, &task->refusal);
	if (r == 0)
		task_changes(task);
	while (r == 0 && change_next(&task->change, &offset, &item))
		task_touches(task, &item.rr.owner);
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
	if (r == 0) {
		task_changes(task);
		task_touches(task, &task->owner);
		task_touches(task, &task->to);
	}
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
