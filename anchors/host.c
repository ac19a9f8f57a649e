// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "anchors/host.h"

#define HOST_ID	      1 /* the host's anchor */
#define HOST_RETRY_MS 1000

int64_t host_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void host_log(const struct anchor *anchor, int priority, const char *format,
	      ...)
{
	CLEANUP(freep) char *path = anchor_path(anchor);
	char text[256], line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s%s%s: %s", anchor->host->root->name,
		 path && *path ? "/" : "", path ? path : "", text);
	anchor->host->report(priority, line);
}

/* ---- Nameservers whose address cannot be had ---- */

static int bind_again(struct anchor *anchor)
{
	struct server *server;
	int r = server_bind(&server, anchor->host->pool, anchor->traffic,
			    &anchor->address);

	if (r == 0)
		r = server_start(server);
	if (r == 0)
		anchor->server = server;
	return r;
}

/* For those who read its `error`, and for those who read the log. */
static void tell(struct anchor *anchor, int priority, const char *reason)
{
	char at[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, at);
	anchor_fail(anchor, "addr", 0, at, reason);
	host_log(anchor, priority, "%s: %s", at, reason);
}

static bool wants_server(const struct anchor *anchor)
{
	return !anchor->gone && !anchor->server && !anchor->rebinding &&
	       anchor->address.kind != ADDRESS_OFF;
}

static void on_retry(uv_timer_t *timer)
{
	struct host *host = timer->data;
	struct anchor **list = (struct anchor **)host->unbound.data;
	size_t count = host->unbound.len / sizeof(struct anchor *), left = 0;

	for (size_t i = 0; i < count; i++) {
		struct anchor *anchor = list[i];

		if (wants_server(anchor) && bind_again(anchor) < 0) {
			list[left++] = anchor;
			continue;
		}
		if (anchor->server && !anchor->gone)
			tell(anchor, LOG_NOTICE, "is served again");
		anchor_unref(anchor);
	}
	host->unbound.len = left * sizeof(struct anchor *);
	if (!left)
		uv_timer_stop(timer);
}

/* Bind now, or say so and try again until it works. */
static int serve(struct anchor *anchor)
{
	struct host *host = anchor->host;
	char reason[160];
	int r;

	if (!wants_server(anchor))
		return 0;
	r = bind_again(anchor);
	if (r == 0)
		return 0;
	snprintf(reason, sizeof(reason),
		 "cannot listen there, and tries again: %s", strerror(-r));
	tell(anchor, LOG_WARNING, reason);
	r = buffer_add(&host->unbound, &anchor, sizeof(anchor));
	if (r < 0)
		return r;
	anchor_ref(anchor);
	return uv_timer_start(host->retry, on_retry, HOST_RETRY_MS,
			      HOST_RETRY_MS);
}

/* ---- The tree, as the store has it ---- */

/* One anchor on its way from the store into the tree. */
struct entry {
	UT_hash_handle hh; /* in restore.entries, by id */
	struct store_anchor stored;
	struct anchor *anchor; /* NULL: not yet in the tree */
	struct entry *below;   /* the child that waits for this one */
	bool waiting;
};

struct restore {
	struct host *host;
	struct entry *entries;
};

static void restore_deinit(struct restore *restore)
{
	struct entry *entry, *next;

	HASH_ITER (hh, restore->entries, entry, next) {
		HASH_DEL(restore->entries, entry);
		free(entry);
	}
}

static int add_entry(void *arg, const struct store_anchor *stored)
{
	struct restore *restore = arg;
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->stored = *stored;
	if (stored->id >= restore->host->next_id)
		restore->host->next_id = stored->id + 1;
	HASH_ADD(hh, restore->entries, stored.id, sizeof(entry->stored.id),
		 entry);
	return 0;
}

/* An anchor's parents come first; a rename may have made them younger. */
static int build(struct restore *restore, struct entry *entry)
{
	struct entry *chain = NULL, *parent;
	int r = 0;

	while (!entry->anchor) {
		if (entry->waiting)
			return -EIO; /* a circle: no tree of ours */
		entry->waiting = true;
		entry->below = chain;
		chain = entry;
		HASH_FIND(hh, restore->entries, &entry->stored.parent,
			  sizeof(entry->stored.parent), parent);
		if (!parent)
			return -EIO;
		entry = parent;
	}
	for (; r == 0 && chain; chain = chain->below) {
		r = anchor_new(&chain->anchor, restore->host, entry->anchor,
			       &chain->stored);
		if (r == 0)
			r = serve(chain->anchor);
		entry = chain;
	}
	return r;
}

/* The host's anchor: as it was left, or as a new one is. */
static int build_root(struct restore *restore,
		      const struct host_options *options)
{
	struct host *host = restore->host;
	struct store_anchor stored = {
		.id = HOST_ID,
		.uid = options->uid,
		.gid = options->gid,
		.mode = 0755,
		.mtime_ns = host_now_ns(),
	};
	uint64_t id = HOST_ID;
	struct entry *entry;
	int r = 0;

	HASH_FIND(hh, restore->entries, &id, sizeof(id), entry);
	if (!entry) {
		r = add_entry(restore, &stored);
		HASH_FIND(hh, restore->entries, &id, sizeof(id), entry);
	}
	if (r < 0)
		return r;
	/* The name is what this start calls the host. */
	entry->stored.name_len = (uint8_t)strlen(options->name);
	memcpy(entry->stored.name, options->name, entry->stored.name_len);
	r = anchor_new(&host->root, host, NULL, &entry->stored);
	if (r == 0)
		entry->anchor = host->root;
	return r;
}

static int restore_tree(struct host *host, const struct host_options *options)
{
	CLEANUP(restore_deinit) struct restore restore = {.host = host};
	struct entry *entry, *next;
	int r = store_each_anchor(&host->store, add_entry, &restore);

	if (r == 0)
		r = build_root(&restore, options);
	HASH_ITER (hh, restore.entries, entry, next) {
		if (r == 0)
			r = build(&restore, entry);
	}
	return r;
}

/* ---- Open and close ---- */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static int open_parts(struct host *host, const struct host_options *options)
{
	int r;

	host->retry = malloc(sizeof(*host->retry));
	if (!host->retry)
		return -ENOMEM;
	uv_timer_init(host->loop, host->retry);
	host->retry->data = host;
	r = snapshot_new(&host->snapshot, &host->store.tables);
	if (r == 0)
		r = snapshot_new(&host->metrics, &host->store.tables);
	if (r == 0)
		r = writer_new(&host->writer, host->loop, &host->store);
	if (r == 0)
		r = server_pool_new(&host->pool, host->loop,
				    &host->store.tables, &options->server);
	if (r == 0)
		r = restore_tree(host, options);
	return r;
}

int host_open(struct host **out, uv_loop_t *loop,
	      const struct host_options *options, struct buffer *why)
{
	struct host *host;
	int r;

	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->loop = loop;
	host->workers = options->server.workers;
	host->listen = options->listen;
	host->anchors_max = options->anchors_max;
	host->report = options->report;
	host->changed = options->changed;
	host->changed_arg = options->changed_arg;
	host->next_id = HOST_ID + 1;
	r = store_open(&host->store, options->state, why);
	if (r < 0) {
		free(host);
		return r;
	}
	host->store.tables.records_max = options->records_max;
	r = open_parts(host, options);
	if (r < 0) {
		buffer_printf(why, "%s: cannot start: %s%c", options->state,
			      strerror(-r), 0);
		host_close(host);
		return r;
	}
	*out = host;
	return 0;
}

/* From the leaves up, without recursion: a tree may be deep. */
static void free_tree(struct anchor *anchor)
{
	while (anchor) {
		struct anchor *parent = anchor->parent;

		if (anchor->children) {
			anchor = anchor->children;
			continue;
		}
		anchor->server = NULL; /* freed with the pool */
		anchor_unlink(anchor);
		anchor = parent;
	}
}

static void drop_unbound(struct host *host)
{
	struct anchor **list = (struct anchor **)host->unbound.data;
	size_t count = host->unbound.len / sizeof(struct anchor *);

	for (size_t i = 0; i < count; i++)
		anchor_unref(list[i]);
	buffer_deinit(&host->unbound);
}

struct host *host_close(struct host *host)
{
	if (!host)
		return NULL;
	if (host->retry)
		uv_close((uv_handle_t *)host->retry, free_handle);
	writer_free(host->writer);
	server_pool_free(host->pool);
	snapshot_free(host->snapshot);
	snapshot_free(host->metrics);
	drop_unbound(host);
	free_tree(host->root);
	store_close(&host->store);
	free(host);
	return NULL;
}
