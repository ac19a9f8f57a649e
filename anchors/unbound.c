// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "anchors/host.h"

#define RETRY_MS 1000

static bool wants_server(const struct anchor *anchor)
{
	return !anchor->gone && !anchor->server && !anchor->rebinding &&
	       anchor->address.kind != ADDRESS_OFF;
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

static void on_retry(uv_timer_t *timer)
{
	struct unbound *unbound = timer->data;
	struct anchor **list = (struct anchor **)unbound->anchors.data;
	size_t count = unbound->anchors.len / sizeof(*list), left = 0;

	assert(count);
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
	unbound->anchors.len = left * sizeof(*list);
	if (!left)
		uv_timer_stop(timer);
}

static int wait_for_it(struct anchor *anchor)
{
	struct unbound *unbound = &anchor->host->unbound;
	int r = buffer_add(&unbound->anchors, &anchor, sizeof(anchor));

	if (r < 0)
		return r;
	anchor_ref(anchor);
	return uv_timer_start(unbound->retry, on_retry, RETRY_MS, RETRY_MS);
}

/* If it cannot be bound now, that is told, and tried again until it works. */
static int serve(struct anchor *anchor, size_t *without_descriptors)
{
	struct refusal why = {0};
	char reason[160];
	int r;

	if (!wants_server(anchor))
		return 0;
	r = bind_again(anchor, &why);
	if (r == 0)
		return 0;
	if (why.reason[0]) {
		(*without_descriptors)++;
		anchor_fail(anchor, "addr", 0, NULL, why.reason);
	} else {
		snprintf(reason, sizeof(reason),
			 "cannot listen there, and tries again: %s",
			 strerror(-r));
		host_tell(anchor, LOG_WARNING, reason);
	}
	return wait_for_it(anchor);
}

/* Each of them has it in its `error`; who can help reads this. */
static void tell_of_descriptors(const struct host *host, size_t count)
{
	char line[256];

	if (!count)
		return;
	snprintf(
		line, sizeof(line),
		"nameservers that do not answer, and wait for descriptors: "
		"%zu; there are %zu descriptors, and room for %zu nameservers; "
		"start with more (ulimit -Hn, LimitNOFILE=)",
		count, host->descriptors.limit,
		descriptors_servers_max(&host->descriptors));
	host_log(host->root, LOG_WARNING, "%s", line);
	anchor_fail(host->root, "state", 0, NULL, line);
}

int unbound_serve_all(struct host *host)
{
	size_t without_descriptors = 0;
	int r = 0;

	for (struct anchor *a = host->root; r == 0 && a;
	     a = anchor_next(host->root, a))
		r = serve(a, &without_descriptors);
	tell_of_descriptors(host, without_descriptors);
	return r;
}

int unbound_init(struct unbound *out, uv_loop_t *loop)
{
	*out = (struct unbound){.retry = malloc(sizeof(*out->retry))};
	if (!out->retry)
		return -ENOMEM;
	uv_timer_init(loop, out->retry);
	out->retry->data = out;
	return 0;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void unbound_deinit(struct unbound *unbound)
{
	struct anchor **list = (struct anchor **)unbound->anchors.data;
	size_t count = unbound->anchors.len / sizeof(*list);

	for (size_t i = 0; i < count; i++)
		anchor_unref(list[i]);
	buffer_deinit(&unbound->anchors);
	if (unbound->retry)
		uv_close((uv_handle_t *)steal(&unbound->retry), free_handle);
}
