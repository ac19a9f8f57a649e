// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "anchors/host.h"
#include "anchors/presence.h"
#include "anchors/restore.h"

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

int host_bind(struct server **out, struct anchor *anchor,
	      const struct address *at, struct refusal *why)
{
	struct descriptors *descriptors = &anchor->host->descriptors;
	int r = descriptors_take(descriptors, DESCRIPTORS_SERVERS,
				 DESCRIPTORS_SERVER, why);

	if (r < 0)
		return r;
	r = server_bind(out, anchor->host->pool, anchor->traffic, at);
	if (r < 0)
		descriptors_give(descriptors, DESCRIPTORS_SERVERS,
				 DESCRIPTORS_SERVER);
	return r;
}

static void on_closed(void *arg)
{
	struct host *host = arg;

	descriptors_give(&host->descriptors, DESCRIPTORS_SERVERS,
			 DESCRIPTORS_SERVER);
}

static int bind_again(struct anchor *anchor, struct refusal *why)
{
	struct server *server;
	int r = host_bind(&server, anchor, &anchor->address, why);

	if (r < 0)
		return r;
	server_start(server);
	anchor->server = server;
	return 0;
}

void host_tell(struct anchor *anchor, int priority, const char *reason)
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

		if (wants_server(anchor) && bind_again(anchor, NULL) < 0) {
			list[left++] = anchor;
			continue;
		}
		if (anchor->server && !anchor->gone)
			host_tell(anchor, LOG_NOTICE, "is served again");
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
	struct refusal why = {0};
	char reason[160];
	int r;

	if (!wants_server(anchor))
		return 0;
	r = bind_again(anchor, &why);
	if (r == 0)
		return 0;
	if (why.reason[0]) {
		host->waiting++;
		anchor_fail(anchor, "addr", 0, NULL, why.reason);
	} else {
		snprintf(reason, sizeof(reason),
			 "cannot listen there, and tries again: %s",
			 strerror(-r));
		host_tell(anchor, LOG_WARNING, reason);
	}
	r = buffer_add(&host->unbound, &anchor, sizeof(anchor));
	if (r < 0)
		return r;
	anchor_ref(anchor);
	return uv_timer_start(host->retry, on_retry, HOST_RETRY_MS,
			      HOST_RETRY_MS);
}

/* ---- Open and close ---- */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

/* Each of them knows; and here is who can do something about it. */
static void tell_of_waiting(const struct host *host)
{
	char line[256];

	if (!host->waiting)
		return;
	snprintf(
		line, sizeof(line),
		"nameservers that do not answer, and wait for descriptors: "
		"%zu; there are %zu descriptors, and room for %zu nameservers; "
		"start with more (ulimit -Hn, LimitNOFILE=)",
		host->waiting, host->descriptors.limit,
		descriptors_servers_max(&host->descriptors));
	host_log(host->root, LOG_WARNING, "%s", line);
	anchor_fail(host->root, "state", 0, NULL, line);
}

static int serve_all(struct host *host)
{
	int r = 0;

	for (struct anchor *a = host->root; r == 0 && a;
	     a = anchor_next(host->root, a))
		r = serve(a);
	tell_of_waiting(host);
	return r;
}

static int open_pool(struct host *host, const struct host_options *options)
{
	struct server_options server = options->server;

	descriptors_init(&host->descriptors, descriptors_limit(),
			 server.workers, server.tcp_clients);
	if (host->descriptors.clients)
		server.tcp_clients = (unsigned)host->descriptors.clients;
	server.closed = on_closed;
	server.closed_arg = host;
	return server_pool_new(&host->pool, host->loop, &host->store.tables,
			       &server);
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
		r = open_pool(host, options);
	/* Before anything is bound, so that no change is missed. */
	if (r == 0 && options->presence_fd >= 0)
		r = presence_new(&host->presence, host, options->presence_fd);
	if (r == 0)
		r = restore_tree(host, options);
	if (r == 0)
		r = serve_all(host);
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
	host->next_id = STORE_HOST_ID + 1;
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
	presence_free(host->presence);
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
