// SPDX-License-Identifier: Apache-2.0
/*
 * restore.c - the tree of anchors, made from what the store has
 *
 * All rows are read, then judged one by one and together; only then the tree
 * is built, of which every anchor has a place by then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "anchors/restore.h"

static const char unreadable[] = "what it is cannot be read";

/* Where an anchor is: no other one may be there. */
struct place {
	uint64_t parent;
	char name[STORE_NAME_SIZE];
};

/* One anchor on its way from the store into the tree. */
struct entry {
	UT_hash_handle hh; /* in restore.entries, by id */
	UT_hash_handle at; /* in restore.places, by place */
	struct store_anchor stored;
	struct place place;
	struct anchor *anchor; /* NULL: not yet in the tree */
	struct entry *below;   /* the child that waits for this one */
	enum { ENTRY_NEW, ENTRY_WALKED, ENTRY_FITS } state;
	bool has_table;
	bool placed;	       /* is in restore.places */
	const char *wrong;     /* NULL: it fits */
	struct address was_at; /* if it does not */
};

struct restore {
	struct host *host;
	const struct host_options *options;
	struct entry *entries;
	struct entry *places;
	struct entry *root; /* the host's */
	size_t strange;	    /* rows without a number */
};

static void restore_deinit(struct restore *restore)
{
	struct entry *entry, *next;

	HASH_CLEAR(at, restore->places);
	HASH_ITER (hh, restore->entries, entry, next) {
		HASH_DEL(restore->entries, entry);
		free(entry);
	}
}

static struct entry *find(const struct restore *restore, uint64_t id)
{
	struct entry *entry;

	HASH_FIND(hh, restore->entries, &id, sizeof(id), entry);
	return entry;
}

/* ---- Read ---- */

static const char *judge_row(const struct store_anchor *stored)
{
	const struct address *at = &stored->address;

	if (stored->mode & ~07777U)
		return unreadable;
	if (at->kind == ADDRESS_OFF)
		return NULL;
	if ((at->kind != ADDRESS_IPV4 && at->kind != ADDRESS_IPV6 &&
	     at->kind != ADDRESS_EVERY) ||
	    !at->port)
		return unreadable;
	return NULL;
}

/* Nobody's but the daemon's: what can be read of it tells nothing. */
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

static struct entry *add_entry(struct restore *restore, uint64_t id,
			       const struct store_anchor *stored,
			       const char *wrong)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	if (stored)
		entry->stored = *stored;
	else
		make_unknown(restore, id, &entry->stored);
	entry->wrong = wrong;
	/* No id that was given out comes near the other half. */
	if (id >= restore->host->next_id && id < INT64_MAX)
		restore->host->next_id = id + 1;
	HASH_ADD(hh, restore->entries, stored.id, sizeof(entry->stored.id),
		 entry);
	return entry;
}

static int take_row(void *arg, uint64_t id, const struct store_anchor *stored)
{
	struct restore *restore = arg;
	const char *wrong = stored ? judge_row(stored) : unreadable;

	if (!id) {
		restore->strange++;
		return 0;
	}
	return add_entry(restore, id, wrong ? NULL : stored, wrong) ? 0
								    : -ENOMEM;
}

static int take_served(void *arg, uint64_t id)
{
	struct restore *restore = arg;
	struct entry *entry = find(restore, id);

	if (!id) {
		restore->strange++;
		return 0;
	}
	if (!entry)
		entry = add_entry(restore, id, NULL,
				  "there is nothing but its records");
	if (!entry)
		return -ENOMEM;
	entry->has_table = true;
	return 0;
}

/* The host's anchor: as it was left, or as a new one is. */
static int take_root(struct restore *restore)
{
	const struct host_options *options = restore->options;
	struct entry *root = find(restore, STORE_HOST_ID);
	size_t len = strlen(options->name);

	if (!root) {
		root = add_entry(restore, STORE_HOST_ID, NULL, NULL);
		if (!root)
			return -ENOMEM;
		root->stored.mode = 0755;
	}
	/* The name is what this start calls the host. */
	root->stored.parent = 0;
	root->stored.name_len = (uint8_t)len;
	memcpy(root->stored.name, options->name, len);
	root->stored.address = (struct address){.kind = ADDRESS_OFF};
	root->state = ENTRY_FITS;
	restore->root = root;
	return 0;
}

/* ---- Judge ---- */

static const char *judge_name(const struct restore *restore,
			      const struct store_anchor *stored)
{
	bool (*is_taken)(const char *) = restore->options->name_is_taken;
	char name[STORE_NAME_SIZE + 1] = "";

	memcpy(name, stored->name, stored->name_len);
	if (!stored->name_len || strlen(name) != stored->name_len ||
	    strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return "its name is none";
	if (is_taken && is_taken(name))
		return "its name is kept for a file";
	return NULL;
}

static size_t place_size(const struct entry *entry)
{
	return offsetof(struct place, name) + entry->stored.name_len;
}

/* Unless another one was there before. */
static void take_place(struct restore *restore, struct entry *entry)
{
	struct entry *other;
	size_t size = place_size(entry);

	entry->place.parent = entry->stored.parent;
	memcpy(entry->place.name, entry->stored.name, entry->stored.name_len);
	HASH_FIND(at, restore->places, &entry->place, size, other);
	entry->placed = !other;
	if (!other)
		HASH_ADD(at, restore->places, place, size, entry);
}

static void judge(struct restore *restore, struct entry *entry)
{
	if (entry == restore->root)
		return;
	if (!entry->wrong)
		entry->wrong = judge_name(restore, &entry->stored);
	if (!entry->wrong && !entry->has_table)
		entry->wrong = "it has no table of records; perhaps it had "
			       "been removed";
	if (entry->wrong)
		return;
	take_place(restore, entry);
	if (!entry->placed)
		entry->wrong = "its name is another's too";
}

static struct entry *parent_of(const struct restore *restore,
			       const struct entry *entry)
{
	return entry->wrong ? restore->root
			    : find(restore, entry->stored.parent);
}

/* From it up to the host: what does not lead there is wrong. */
static void judge_above(struct restore *restore, struct entry *entry)
{
	struct entry *at = entry, *up;

	for (; at->state == ENTRY_NEW; at = up) {
		at->state = ENTRY_WALKED;
		up = parent_of(restore, at);
		if (up && up->state != ENTRY_WALKED)
			continue;
		at->wrong = up ? "it is in a directory that is in it"
			       : "the directory that it was in is missing";
		up = restore->root;
	}
	for (at = entry; at->state == ENTRY_WALKED; at = parent_of(restore, at))
		at->state = ENTRY_FITS;
}

/* ---- Set aside ---- */

/* "lost+17+ns": nothing in it makes a path, or an address. */
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

static void set_aside(struct restore *restore, struct entry *entry)
{
	struct store_anchor *stored = &entry->stored;
	const struct store_anchor former = *stored;

	if (entry == restore->root)
		return;
	if (entry->placed)
		HASH_DELETE(at, restore->places, entry);
	entry->placed = false;
	entry->was_at = stored->address;
	stored->address = (struct address){.kind = ADDRESS_OFF};
	stored->parent = STORE_HOST_ID;
	stored->mode &= 0700;
	/* Who had made a directory of that name is not in its way. */
	for (size_t attempt = 0; !entry->placed; attempt++) {
		name_lost(stored, &former, attempt);
		take_place(restore, entry);
	}
}

/* ---- Keep ---- */

/* What is set aside, on its way to the store. */
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
			 "set aside, and that could not be kept: %s",
			 strerror(-result));
	anchor_unref(keeping->anchor);
	free(keeping);
}

static void tell(const struct restore *restore, const struct entry *entry)
{
	static const char root_line[] =
		"the rights of this directory cannot be read; they are 0700";
	struct anchor *anchor = entry->anchor, *root = restore->root->anchor;
	char at[ADDRESS_TEXT_SIZE], line[256];

	if (anchor == root) {
		host_log(root, LOG_WARNING, "%s", root_line);
		anchor_fail(root, "state", 0, NULL, root_line);
		return;
	}
	address_print(&entry->was_at, at);
	snprintf(line, sizeof(line),
		 "set aside, for its owner alone, and without its address, "
		 "which was %s: %s",
		 at, entry->wrong);
	host_log(anchor, LOG_WARNING, "%s", line);
	anchor_fail(root, "state", 0, anchor->name, line);
	anchor_fail(anchor, "state", 0, NULL, line);
}

static int keep(const struct restore *restore, const struct entry *entry)
{
	struct keeping *keeping = calloc(1, sizeof(*keeping));

	if (!keeping)
		return -ENOMEM;
	keeping->anchor = anchor_ref(entry->anchor);
	anchor_store_form(entry->anchor, &keeping->stored);
	keeping->job.run = run_keep;
	keeping->job.done = kept;
	writer_submit(restore->host->writer, &keeping->job);
	return 0;
}

/* ---- Build ---- */

/* An anchor's parents come first; a rename may have made them younger. */
static int build(struct restore *restore, struct entry *entry)
{
	struct entry *chain = NULL;
	int r = 0;

	while (!entry->anchor && entry != restore->root) {
		entry->below = chain;
		chain = entry;
		entry = find(restore, entry->stored.parent);
	}
	for (; r == 0 && chain; chain = chain->below) {
		r = anchor_new(&chain->anchor, restore->host, entry->anchor,
			       &chain->stored);
		entry = chain;
	}
	return r;
}

/* The younger one first: the elder's row may be one that was written late. */
static int by_age(const struct entry *a, const struct entry *b)
{
	return a->stored.id < b->stored.id ? 1 : -1;
}

static void judge_all(struct restore *restore)
{
	struct entry *entry, *next;

	HASH_SRT(hh, restore->entries, by_age);
	HASH_ITER (hh, restore->entries, entry, next) {
		judge(restore, entry);
	}
	HASH_ITER (hh, restore->entries, entry, next) {
		judge_above(restore, entry);
	}
	HASH_ITER (hh, restore->entries, entry, next) {
		if (entry->wrong)
			set_aside(restore, entry);
	}
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
	struct entry *entry, *next;
	int r = store_each(&host->store, take_row, take_served, &restore);

	if (r == 0)
		r = take_root(&restore);
	if (r < 0)
		return r;
	judge_all(&restore);
	r = anchor_new(&host->root, host, NULL, &restore.root->stored);
	restore.root->anchor = host->root;
	HASH_ITER (hh, restore.entries, entry, next) {
		if (r == 0)
			r = build(&restore, entry);
	}
	HASH_ITER (hh, restore.entries, entry, next) {
		if (r == 0 && entry->wrong) {
			tell(&restore, entry);
			r = keep(&restore, entry);
		}
	}
	if (r == 0)
		tell_of_strange(&restore);
	return r;
}
