// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "anchors/anchor_change.h"
#include "anchors/task.h"

/* ---- Rights ---- */

struct rights_change {
	struct task task;
	struct anchor_rights rights;
	struct store_anchor as_it_was; /* kept, where the store has no row */
};

static int run_rights(struct job *job, MDB_txn *txn)
{
	struct rights_change *change =
		container_of(job, struct rights_change, task.job);
	const struct anchor_rights *rights = &change->rights;
	uint64_t id = change->task.anchor->id;
	struct store_anchor stored;
	int r = task_stored(&change->task, txn, id, &stored);

	/* The host's anchor has no row before its first change. */
	if (r == ENODEV && id == STORE_HOST_ID) {
		stored = change->as_it_was;
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
	return store_put_anchor(task_store(&change->task), txn, &stored);
}

static int settle_rights(struct task *task, int result)
{
	struct rights_change *change =
		container_of(task, struct rights_change, task);

	if (result == 0)
		anchor_take_rights(task->anchor, &change->rights);
	return result;
}

void anchor_set_rights(struct anchor *anchor,
		       const struct anchor_rights *rights, anchor_done *done,
		       void *arg)
{
	struct rights_change *change =
		task_new_live(sizeof(*change), anchor, done, arg);

	if (!change)
		return;
	change->rights = *rights;
	anchor_store_form(anchor, &change->as_it_was);
	change->task.settle = settle_rights;
	task_submit(&change->task, run_rights);
}

/* ---- Name and place ---- */

struct renaming {
	struct task task;
	struct anchor_claim *claim; /* where to; the task's until it settles */
	/* What the claim says, for the writer's thread. */
	uint64_t parent;
	uint8_t name_len;
	char name[STORE_NAME_SIZE];
};

static int run_rename(struct job *job, MDB_txn *txn)
{
	struct renaming *renaming =
		container_of(job, struct renaming, task.job);
	const struct store *store = task_store(&renaming->task);
	uint64_t id = renaming->task.anchor->id;
	struct store_anchor stored;
	int r = task_stored(&renaming->task, txn, id, &stored);

	if (r == 0)
		r = store_above(store, txn, renaming->parent, id);
	if (r)
		return r;
	stored.parent = renaming->parent;
	stored.name_len = renaming->name_len;
	memcpy(stored.name, renaming->name, sizeof(stored.name));
	return store_put_anchor(store, txn, &stored);
}

static int settle_rename(struct task *task, int result)
{
	struct renaming *renaming = container_of(task, struct renaming, task);
	struct anchor_claim *claim = steal(&renaming->claim);

	if (result < 0)
		anchor_unclaim(claim);
	else
		anchor_relink(task->anchor, claim);
	return result;
}

void anchor_rename(struct anchor *anchor, struct anchor *parent,
		   const char *name, anchor_done *done, void *arg)
{
	size_t len = strlen(name);
	struct renaming *renaming;
	int r;

	if (len > STORE_NAME_SIZE) {
		done(arg, -ENAMETOOLONG, NULL);
		return;
	}
	renaming = task_new_live(sizeof(*renaming), anchor, done, arg);
	if (!renaming)
		return;
	r = anchor_fits(anchor, parent, name, &renaming->task.refusal);
	if (r == 0)
		r = anchor_claim(&renaming->claim, parent, name);
	if (r < 0) {
		task_report(&renaming->task, r);
		return;
	}
	renaming->parent = parent->id;
	renaming->name_len = (uint8_t)len;
	memcpy(renaming->name, name, len);
	renaming->task.settle = settle_rename;
	task_submit(&renaming->task, run_rename);
}
