// SPDX-License-Identifier: Apache-2.0
/*
 * restore.c - read the rows, and build the tree
 *
 * All rows are read, then judged one by one and together, and those that do
 * not fit are given a place. Only then the tree is built, of which every anchor
 * has a place by then; what was changed is handed to the writer, as the first
 * jobs that it gets.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "anchors/restore_layout.h"

static void restore_deinit(struct restore *restore)
{
	struct row *row, *next;

	HASH_CLEAR(at, restore->places);
	HASH_ITER (hh, restore->rows, row, next) {
		HASH_DEL(restore->rows, row);
		free(row);
	}
}

struct row *restore_find(const struct restore *restore, uint64_t id)
{
	struct row *row;

	HASH_FIND(hh, restore->rows, &id, sizeof(id), row);
	return row;
}

/* ---- Read ---- */

/* It is the daemon's alone, since what can be read of it tells nothing. */
static void make_unknown(const struct restore *restore, uint64_t id,
			 struct store_anchor *out)
{
	memset(out, 0, sizeof(*out));
	out->id = id;
	out->uid = restore->options->uid;
	out->gid = restore->options->gid;
	out->mode = 0700;
	out->mtime_ns = host_now_ns();
}

static struct row *add_row(struct restore *restore, uint64_t id,
			   const struct store_anchor *stored, const char *wrong)
{
	struct row *row = calloc(1, sizeof(*row));

	if (!row)
		return NULL;
	if (stored)
		row->stored = *stored;
	else
		make_unknown(restore, id, &row->stored);
	row->wrong = wrong;
	/* An id of the other half was never given out: it is damage. */
	if (id >= restore->host->next_id && id < INT64_MAX)
		restore->host->next_id = id + 1;
	HASH_ADD(hh, restore->rows, stored.id, sizeof(row->stored.id), row);
	return row;
}

static int take_row(void *arg, uint64_t id, const struct store_anchor *stored)
{
	struct restore *restore = arg;
	const char *wrong = restore_judge_row(stored);

	if (!id) {
		restore->strange++;
		return 0;
	}
	return add_row(restore, id, wrong ? NULL : stored, wrong) ? 0 : -ENOMEM;
}

static int take_served(void *arg, uint64_t id)
{
	struct restore *restore = arg;
	struct row *row = restore_find(restore, id);

	if (!id) {
		restore->strange++;
		return 0;
	}
	if (!row)
		row = add_row(restore, id, NULL,
			      "there is nothing but its records");
	if (!row)
		return -ENOMEM;
	row->has_table = true;
	return 0;
}

/* The host's anchor is as it was left, or as a new one is. */
static int take_root(struct restore *restore)
{
	const struct host_options *options = restore->options;
	struct row *root = restore_find(restore, STORE_HOST_ID);
	size_t len = strlen(options->name);

	if (!root) {
		root = add_row(restore, STORE_HOST_ID, NULL, NULL);
		if (!root)
			return -ENOMEM;
		root->stored.mode = 0755;
	}
	/* The name is what this start calls the host. */
	root->stored.parent = 0;
	root->stored.name_len = (uint8_t)len;
	memcpy(root->stored.name, options->name, len);
	root->stored.address = (struct address){.kind = ADDRESS_OFF};
	root->state = ROW_FITS;
	restore->root = root;
	return 0;
}

/* ---- Build ---- */

/* Its parents are built first: a rename may have made them younger than it. */
static int build(struct restore *restore, struct row *row)
{
	struct row *chain = NULL;
	int r = 0;

	while (!row->anchor && row != restore->root) {
		assert(row->placed && row->state == ROW_FITS);
		row->below = chain;
		chain = row;
		row = restore_find(restore, row->stored.parent);
	}
	for (; r == 0 && chain; chain = chain->below) {
		r = anchor_new(&chain->anchor, restore->host, row->anchor,
			       &chain->stored);
		row = chain;
	}
	return r;
}

static void tell_of_strange(const struct restore *restore)
{
	char line[128];

	if (!restore->strange)
		return;
	snprintf(line, sizeof(line),
		 "rows of the state without a number, left as they are: %zu",
		 restore->strange);
	host_log(restore->root->anchor, LOG_WARNING, "%s", line);
	anchor_fail(restore->root->anchor, "state", 0, NULL, line);
}

int restore_tree(struct host *host, const struct host_options *options)
{
	CLEANUP(restore_deinit)
	struct restore restore = {.host = host, .options = options};
	struct row *row, *next;
	int r = store_each(&host->store, take_row, take_served, &restore);

	if (r == 0)
		r = take_root(&restore);
	if (r < 0)
		return r;
	restore_judge(&restore);
	HASH_ITER (hh, restore.rows, row, next) {
		if (row->wrong)
			restore_set_aside(&restore, row);
	}
	r = anchor_new(&host->root, host, NULL, &restore.root->stored);
	restore.root->anchor = host->root;
	HASH_ITER (hh, restore.rows, row, next) {
		if (r == 0)
			r = build(&restore, row);
	}
	HASH_ITER (hh, restore.rows, row, next) {
		if (r == 0 && (row->wrong || row->is_taken))
			r = restore_keep(&restore, row);
	}
	if (r == 0)
		tell_of_strange(&restore);
	return r;
}
