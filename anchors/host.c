// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "anchors/host.h"
#include "anchors/presence.h"
#include "anchors/restore.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/transfer/refused.h"
#include "anchors/transfer/update.h"

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

/* ---- Addresses ---- */

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

void host_tell(struct anchor *anchor, int priority, const char *reason)
{
	char at[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, at);
	anchor_fail(anchor, "addr", 0, at, reason);
	host_log(anchor, priority, "%s: %s", at, reason);
}

void host_status_changed(const struct host *host, uint64_t server)
{
	struct anchor *anchor = anchor_by_id(host, server);

	if (anchor && host->status_changed)
		host->status_changed(host->changed_arg, anchor);
}

/* ---- Open and close ---- */

/* Before the writer begins, who tells of the zones that it changes. */
static int open_transfers(struct host *host)
{
	int r = updates_new(&host->updates, host);

	if (r == 0)
		r = querier_new(&host->querier, host->loop);
	if (r == 0)
		r = notifier_new(&host->notifier, host, host->querier);
	if (r == 0)
		r = secondaries_new(&host->secondaries, host, host->querier);
	host->store.tables.zone_changed = notifier_zone_changed;
	host->store.tables.zone_changed_arg = host->notifier;
	return r;
}

/* A NOTIFY was answered by the worker. */
static void on_asked(void *arg, struct inbox_request *request)
{
	struct host *host = arg;

	if (request->errand.kind == ERRAND_UPDATE) {
		update_asked(host->updates, request);
		return;
	}
	if (request->errand.kind == ERRAND_TELL)
		refused_tell(host, &request->errand);
	else
		secondaries_notified(host->secondaries, &request->errand);
	server_answer(host->pool, request, NULL, 0);
}

static int open_pool(struct host *host, const struct host_options *options)
{
	struct server_options server = options->server;

	descriptors_init(&host->descriptors, descriptors_limit(),
			 server.workers, server.tcp_clients);
	if (host->descriptors.clients)
		server.tcp_clients = (unsigned)host->descriptors.clients;
	server.udp_sockets = (unsigned)host->descriptors.sockets;
	server.asked = on_asked;
	server.asked_arg = host;
	server.closed = on_closed;
	server.closed_arg = host;
	server.transfers.dir_fd = host->store.dir_fd;
	return server_pool_new(&host->pool, host->loop, &host->store.tables,
			       &server);
}

static int open_parts(struct host *host, const struct host_options *options)
{
	int r = unbound_init(&host->unbound, host->loop);

	if (r == 0)
		r = snapshot_new(&host->snapshot, &host->store.tables);
	if (r == 0)
		r = snapshot_new(&host->metrics, &host->store.tables);
	if (r == 0)
		r = open_transfers(host);
	if (r == 0)
		r = writer_new(&host->writer, host->loop, &host->store);
	if (r == 0)
		r = open_pool(host, options);
	/* It watches before anything is bound, so that no change is missed. */
	if (r == 0 && options->presence_fd >= 0)
		r = presence_new(&host->presence, host, options->presence_fd);
	if (r == 0)
		r = restore_tree(host, options);
	if (r == 0)
		r = unbound_serve_all(host);
	if (r < 0)
		return r;
	notifier_look(host->notifier, NULL);
	secondaries_start(host->secondaries);
	return r;
}

/* On a full disk it serves all the same. */
static void identify(struct host *host)
{
	int r = identity_take(&host->store, &host->identity);
	char line[256];

	if (r == 0)
		return;
	snprintf(line, sizeof(line),
		 "this start could not be noted for other hosts: %s",
		 strerror(-r));
	host->report(LOG_WARNING, line);
}

int host_open(struct host **out, uv_loop_t *loop,
	      const struct host_options *options, struct buffer *why)
{
	CLEANUP(freep) struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	host->loop = loop;
	host->workers = options->server.workers;
	host->listen = options->listen;
	host->anchors_max = options->anchors_max;
	host->report = options->report;
	host->changed = options->changed;
	host->changed_arg = options->changed_arg;
	host->status_changed = options->status_changed;
	host->next_id = STORE_HOST_ID + 1;
	r = store_open(&host->store, options->state, why);
	if (r < 0)
		return r;
	leases_init(&host->leases);
	host->store.tables.records_max = options->records_max;
	if (options->is_of_fleet)
		identify(host);
	r = open_parts(host, options);
	if (r < 0) {
		buffer_printf(why, "%s: cannot start: %s%c", options->state,
			      strerror(-r), 0);
		host_close(steal(&host));
		return r;
	}
	*out = steal(&host);
	return 0;
}

/* It goes from the leaves up and does not call itself: a tree may be deep. */
static void free_tree(struct host *host)
{
	struct anchor *anchor = host->root;

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
	assert(!host->anchors);
}

struct host *host_close(struct host *host)
{
	if (!host)
		return NULL;
	presence_free(host->presence);
	/* What it has staged is the writer's to discard. */
	host->secondaries = secondaries_free(host->secondaries);
	writer_free(host->writer);
	server_pool_free(host->pool);
	notifier_free(host->notifier);
	querier_free(host->querier);
	updates_free(host->updates);
	snapshot_free(host->snapshot);
	snapshot_free(host->metrics);
	unbound_deinit(&host->unbound);
	free_tree(host);
	leases_deinit(&host->leases);
	store_close(&host->store);
	free(host);
	return NULL;
}
