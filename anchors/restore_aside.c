// SPDX-License-Identifier: Apache-2.0
/*
 * restore_aside.c - what does not fit gets a place, is told, and is kept
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "anchors/restore_layout.h"

/* "lost+17+ns", in which nothing is left that makes a path, or an address. */
static void name_lost(struct store_anchor *out,
		      const struct store_anchor *former, size_t attempt)
{
	char name[STORE_NAME_SIZE + 1];
	size_t len = (size_t)snprintf(name, sizeof(name), "lost+%" PRIu64,
				      former->id);

	if (attempt)
		len += (size_t)snprintf(name + len, sizeof(name) - len, ".%zu",
					attempt);
	if (former->name_len)
		name[len++] = '+';
	for (size_t i = 0; i < former->name_len && len < STORE_NAME_SIZE; i++) {
		unsigned char c = (unsigned char)former->name[i];

		name[len++] = c <= ' ' || c == 127 || c == '/' || c == '@'
				      ? '_'
				      : (char)c;
	}
	memcpy(out->name, name, len);
	out->name_len = (uint8_t)len;
}

void restore_rename(struct restore *restore, struct row *row)
{
	struct store_anchor *stored = &row->stored;
	size_t len = stored->name_len;

	memcpy(row->former, stored->name, len);
	for (size_t attempt = 1; !row->placed; attempt++) {
		char name[STORE_NAME_SIZE + 1];

		/* The names of files are short. */
		len = (size_t)snprintf(name, sizeof(name), "%s~%zu",
				       row->former, attempt);
		assert(len < sizeof(name));
		memcpy(stored->name, name, len);
		stored->name_len = (uint8_t)len;
		restore_place(restore, row);
	}
}

void restore_set_aside(struct restore *restore, struct row *row)
{
	struct store_anchor *stored = &row->stored;
	const struct store_anchor former = *stored;

	if (row == restore->root)
		return;
	if (row->placed)
		HASH_DELETE(at, restore->places, row);
	row->placed = false;
	row->was_at = stored->address;
	stored->address = (struct address){.kind = ADDRESS_OFF};
	stored->parent = STORE_HOST_ID;
	stored->mode &= 0700;
	/* A client may have made a directory of that name before. */
	for (size_t attempt = 0; !row->placed; attempt++) {
		name_lost(stored, &former, attempt);
		restore_place(restore, row);
	}
}

/* One that was set aside, on its way to the store. */
struct keeping {
	struct job job;
	struct anchor *anchor; /* a reference */
	struct store_anchor stored;
};

/* Nothing has changed it since it was read: no client has come yet. */
static int run_keep(struct job *job, MDB_txn *txn)
{
	struct keeping *keeping = container_of(job, struct keeping, job);
	const struct store *store = &keeping->anchor->host->store;
	uint64_t id = keeping->stored.id;
	uint32_t table;
	int r = store_put_anchor(store, txn, &keeping->stored);

	if (r < 0 || id == STORE_HOST_ID)
		return r;
	r = table_serving(&store->tables, txn, id, &table);
	if (r != -ENOENT)
		return r;
	r = table_create(&store->tables, txn, &table);
	return r ? r
		 : table_publish(&store->tables, txn, id, table,
				 keeping->stored.mtime_ns);
}

static void kept(struct job *job, int result)
{
	struct keeping *keeping = container_of(job, struct keeping, job);

	if (result < 0)
		host_log(keeping->anchor, LOG_WARNING,
			 "set aside or renamed, and that could not be kept: %s",
			 strerror(-result));
	anchor_unref(keeping->anchor);
	free(keeping);
}

static void tell_of_name(const struct row *row)
{
	struct anchor *anchor = row->anchor;
	char line[STORE_NAME_SIZE + 96];

	snprintf(line, sizeof(line),
		 "renamed: it was \"%s\", which is the name of a file by now",
		 row->former);
	host_log(anchor, LOG_WARNING, "%s", line);
	anchor_fail(anchor->parent, "state", 0, anchor->name, line);
	anchor_fail(anchor, "state", 0, NULL, line);
}

static void tell(const struct restore *restore, const struct row *row)
{
	static const char root_line[] =
		"the rights of this directory cannot be read; they are 0700";
	struct anchor *anchor = row->anchor, *root = restore->root->anchor;
	char at[ADDRESS_TEXT_SIZE], line[256];

	if (anchor == root) {
		host_log(root, LOG_WARNING, "%s", root_line);
		anchor_fail(root, "state", 0, NULL, root_line);
		return;
	}
	address_print(&row->was_at, at);
	snprintf(line, sizeof(line),
		 "set aside, for its owner alone, and without its address, "
		 "which was %s: %s",
		 at, row->wrong);
	host_log(anchor, LOG_WARNING, "%s", line);
	anchor_fail(root, "state", 0, anchor->name, line);
	anchor_fail(anchor, "state", 0, NULL, line);
}

int restore_keep(const struct restore *restore, const struct row *row)
{
	struct keeping *keeping = calloc(1, sizeof(*keeping));

	if (!keeping)
		return -ENOMEM;
	if (row->wrong)
		tell(restore, row);
	else
		tell_of_name(row);
	keeping->anchor = anchor_ref(row->anchor);
	anchor_store_form(row->anchor, &keeping->stored);
	keeping->job.run = run_keep;
	keeping->job.done = kept;
	writer_submit(restore->host->writer, &keeping->job);
	return 0;
}
