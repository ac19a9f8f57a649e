// SPDX-License-Identifier: Apache-2.0
/*
 * zones_lists.c - who may do what: lists are written
 */
#include <assert.h>
#include <errno.h>

#include "anchors/transfer/catalog.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/zones_layout.h"
#include "dns/store/catalog.h"
#include "dns/store/settle.h"

enum list_format zones_list_format(enum list_kind kind)
{
	switch (kind) {
	case LIST_SECONDARIES:
		return LIST_OF_SECONDARIES;
	case LIST_PRIMARIES:
		return LIST_OF_PRIMARIES;
	case LIST_UPDATES:
		return LIST_OF_UPDATES;
	case LIST_CATALOG:
		break;
	}
	assert(kind == LIST_CATALOG);
	return LIST_OF_NAME;
}

struct write_list {
	struct zones_task on;
	enum list_kind kind;
	bool replaces;
	struct buffer text; /* owned */
};

static const struct name *apex_of(const struct write_list *write)
{
	return write->on.has_apex ? &write->on.apex : NULL;
}

static int former_list(const struct write_list *write, MDB_txn *txn,
		       uint32_t home, MDB_val *out)
{
	int r = -ENOENT;

	*out = (MDB_val){0};
	if (home)
		r = home_list(task_tables(&write->on.task), txn, home,
			      write->kind, apex_of(write), out);
	return r == -ENOENT ? 0 : r;
}

/* What it is to be, from what it is. */
static int merge(struct write_list *write, const MDB_val *former,
		 struct buffer *out)
{
	size_t len = write->replaces ? 0 : former->mv_size;
	int r = list_merge(zones_list_format(write->kind), apex_of(write),
			   len ? former->mv_data : "", len,
			   (char *)write->text.data, write->text.len, out,
			   &write->on.task.refusal);

	/* A refusal is positive on the writer. */
	return r == -EINVAL || r == -EDQUOT ? -r : r;
}

static bool is_same(const MDB_val *former, const struct buffer *text)
{
	return former->mv_size == text->len &&
	       (!text->len || !memcmp(former->mv_data, text->data, text->len));
}

/* Before anything is written: may a zone without settings have some? */
static int may_have(struct write_list *write, MDB_txn *txn, uint32_t number)
{
	const struct tables *tables = task_tables(&write->on.task);
	struct zone_row row;
	struct home home;
	int r = zone_row_get(tables, txn, number, &write->on.apex, &row);

	if (r == -ENOENT)
		r = home_get(tables, txn, number, &home);
	else
		return r;
	return r ? r : home_fits_zone(tables, &home, &write->on.task.refusal);
}

static int store(struct write_list *write, MDB_txn *txn, uint32_t home,
		 const struct buffer *text)
{
	const struct tables *tables = task_tables(&write->on.task);
	int r = 0;

	if (home && write->on.has_apex && text->len)
		r = may_have(write, txn, home);
	if (r == 0 && !home)
		r = home_make(tables, txn, write->on.task.anchor->id, &home);
	return r ? r
		 : home_list_put(tables, txn, home, write->kind, apex_of(write),
				 (char *)text->data, text->len);
}

static bool is_shared_by(const struct write_list *write,
			 const struct buffer *text)
{
	return text->len &&
	       (write->kind == LIST_SECONDARIES || write->kind == LIST_UPDATES);
}

/* What is no catalog does not become one by its name. */
static int check_catalog(struct write_list *write, MDB_txn *txn,
			 const struct served *served, const struct buffer *text)
{
	size_t len = text->len;
	struct name name;

	if (write->kind != LIST_CATALOG || !len)
		return 0;
	if (name_from_text((char *)text->data, len - 1, NULL, &name, NULL) < 0)
		return -EIO;
	return catalog_may_be(task_tables(&write->on.task), txn, served->home,
			      served->table, &name, &write->on.task.refusal);
}

static int run_write_list(struct job *job, MDB_txn *txn)
{
	struct write_list *write =
		container_of(job, struct write_list, on.task.job);
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct served served;
	MDB_val former;
	int r = zones_served(&write->on, txn, &served);

	write->on.task.is_edit = false;
	if (r == 0 && write->on.has_apex)
		r = zones_exists(&write->on, txn, &served);
	if (r == 0)
		r = former_list(write, txn, served.home, &former);
	if (r == 0)
		r = merge(write, &former, &text);
	if (r || is_same(&former, &text))
		return r;
	r = check_catalog(write, txn, &served, &text);
	if (r == 0)
		r = store(write, txn, served.home, &text);
	if (r == 0 && is_shared_by(write, &text))
		r = zones_go_ahead(&write->on, txn, served.table);
	return r;
}

/* Who is told of its zones, and of whom it hears of them, may be others. */
static void look(const struct write_list *write)
{
	struct anchor *anchor = write->on.task.anchor;

	if (write->kind == LIST_SECONDARIES)
		notifier_look(anchor->host->notifier, anchor);
	else if (write->kind == LIST_PRIMARIES)
		secondaries_look(anchor->host->secondaries, anchor,
				 &write->on.apex);
	else if (write->kind == LIST_CATALOG)
		catalog_look(anchor);
}

static int settle_write_list(struct task *task, int result)
{
	struct write_list *write =
		container_of(task, struct write_list, on.task);

	buffer_deinit(&write->text);
	if (result == 0)
		look(write);
	return result;
}

void zones_write_list(struct anchor *anchor, enum list_kind kind,
		      const struct name *apex, bool replaces, const char *text,
		      size_t len, anchor_done *done, void *arg)
{
	struct write_list *write =
		zones_task_new(sizeof(*write), anchor, apex, done, arg);

	if (!write)
		return;
	write->kind = kind;
	write->replaces = replaces;
	write->on.task.settle = settle_write_list;
	if (buffer_reserve(&write->text, len + 1) < 0 ||
	    buffer_add(&write->text, text, len) < 0) {
		task_report(&write->on.task, -ENOMEM);
		return;
	}
	write->on.task.job.adds = len > 0;
	/* Serials may go up. */
	write->on.task.is_edit = true;
	task_submit(&write->on.task, run_write_list);
}
