// SPDX-License-Identifier: Apache-2.0
/*
 * spread.c - how many workers a server is served by
 *
 * Workers put a server on the pool's list, once, and wake the main loop. It
 * makes the sockets and hands one to each seat; to share or not is then said
 * to the kernel alone, and workers do not notice.
 */
#include <assert.h>
#include <utlist.h>

#include "dns/serve/server_layout.h"

/* How often it is looked whether one worker would do. */
#define LOOK_MS 500

/* Looks one after the other that must say so. */
#define SLACK_LOOKS 3

static void on_look(uv_timer_t *timer);

void spread_init(struct server_pool *pool, uv_loop_t *loop,
		 const struct server_options *options)
{
	unsigned cores = uv_available_parallelism();

	uv_timer_init(loop, &pool->slack);
	pool->abreast = options->workers < cores ? options->workers : cores;
	pool->sockets_left = options->udp_sockets;
}

static struct server *server_of(struct seat *seat)
{
	return container_of(seat->server, struct server, carried);
}

/* With the pool's mutex held. */
static bool is_asked(const struct server *server)
{
	return server->spread.asked.udp || server->spread.asked.tcp;
}

static void ask(struct server *server, struct spread_asked what)
{
	struct server_pool *pool = server->pool;
	struct spread_asked *asked = &server->spread.asked;

	uv_mutex_lock(&pool->mutex);
	if (!is_asked(server))
		DL_APPEND2(pool->asked_for, server, spread.asked_prev,
			   spread.asked_next);
	asked->udp |= what.udp;
	asked->tcp |= what.tcp;
	if (what.udp)
		asked->per_s = what.per_s;
	uv_mutex_unlock(&pool->mutex);
	uv_async_send(&pool->wake);
}

void spread_ask(struct seat *seat, unsigned per_s)
{
	struct server *server = server_of(seat);

	if (server->pool->abreast > 1 &&
	    !atomic_load_explicit(&server->spread.is_on, memory_order_relaxed))
		ask(server, (struct spread_asked){.udp = true, .per_s = per_s});
}

void spread_ask_accept(struct seat *seat)
{
	struct server *server = server_of(seat);

	if (server->pool->count > 1)
		ask(server, (struct spread_asked){.tcp = true});
}

/* With the pool's mutex held. */
static void forget_asked(struct server *server)
{
	struct server_pool *pool = server->pool;

	if (is_asked(server))
		DL_DELETE2(pool->asked_for, server, spread.asked_prev,
			   spread.asked_next);
	server->spread.asked = (struct spread_asked){.udp = false};
}

static struct server *take_asked(struct server_pool *pool,
				 struct spread_asked *out)
{
	struct server *server;

	uv_mutex_lock(&pool->mutex);
	server = pool->asked_for;
	if (server) {
		*out = server->spread.asked;
		forget_asked(server);
	}
	uv_mutex_unlock(&pool->mutex);
	return server;
}

/* Queries over UDP, so far. */
static uint64_t queries(const struct server *server)
{
	unsigned first = TRAFFIC_QUERIES + ANSWER_UDP * TRAFFIC_TYPES;
	uint64_t sum = 0;

	for (unsigned i = 0; i < TRAFFIC_TYPES; i++)
		sum += traffic_sum(server->traffic, first + i);
	return sum;
}

static void look_from_now(struct server *server)
{
	server->spread.seen = queries(server);
	server->spread.seen_ms = uv_now(server->pool->wake.loop);
}

static void share(struct server *server, unsigned alone_per_s)
{
	struct server_pool *pool = server->pool;
	struct spread *spread = &server->spread;

	socket_share(spread->fds, spread->count, true);
	atomic_store(&spread->is_on, true);
	spread->alone_per_s = alone_per_s;
	spread->slack = 0;
	look_from_now(server);
	DL_APPEND2(pool->spread, server, spread.prev, spread.next);
	if (!uv_is_active((uv_handle_t *)&pool->slack))
		uv_timer_start(&pool->slack, on_look, LOOK_MS, LOOK_MS);
}

static void share_no_more(struct server *server)
{
	struct server_pool *pool = server->pool;
	struct spread *spread = &server->spread;

	DL_DELETE2(pool->spread, server, spread.prev, spread.next);
	if (!pool->spread)
		uv_timer_stop(&pool->slack);
	atomic_store(&spread->is_on, false);
	/* Of one that stops they may be closed by now. */
	if (!server->stopped)
		socket_share(spread->fds, spread->count, false);
}

/* Sockets for as many workers as can run at once. */
static int make(struct server *server)
{
	struct server_pool *pool = server->pool;
	unsigned more = pool->abreast - 1;
	CLEANUP(freep) int *fds = NULL;
	int r;

	if (pool->sockets_left < more)
		return -EMFILE;
	fds = calloc(pool->abreast, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	fds[0] = server->sockets.udp;
	r = socket_spread(fds[0], &server->address, fds + 1, more);
	if (r < 0)
		return r;
	pool->sockets_left -= more;
	server->spread.fds = steal(&fds);
	return 0;
}

/* From its first on, so that the others of many servers are not the same. */
static void hand_out(struct server *server)
{
	struct server_pool *pool = server->pool;
	const struct spread *spread = &server->spread;

	for (unsigned i = 1; i < spread->count; i++)
		worker_listen(&server->seats[(server->first + i) % pool->count],
			      spread->is_one ? server->sockets.udp
					     : spread->fds[i]);
}

static void begin(struct server *server, unsigned per_s)
{
	struct spread *spread = &server->spread;

	if (!spread->count) {
		spread->is_one = make(server) < 0;
		spread->count = server->pool->abreast;
		hand_out(server);
	}
	if (spread->is_one)
		atomic_store(&spread->is_on, true);
	else
		share(server, per_s);
}

/* The first one does already. */
static void accept_by_all(struct server *server)
{
	struct server_pool *pool = server->pool;

	if (server->spread.is_accepted)
		return;
	server->spread.is_accepted = true;
	for (unsigned i = 1; i < pool->count; i++)
		worker_accept(
			&server->seats[(server->first + i) % pool->count]);
}

void spread_look(struct server_pool *pool)
{
	struct spread_asked asked;
	struct server *server;

	while ((server = take_asked(pool, &asked))) {
		if (server->stopped)
			continue;
		if (asked.udp && !atomic_load(&server->spread.is_on))
			begin(server, asked.per_s);
		if (asked.tcp)
			accept_by_all(server);
	}
}

/* Would one worker do, and sleep half of the time? */
static bool has_slack(struct server *server)
{
	struct spread *spread = &server->spread;
	uint64_t now_ms = uv_now(server->pool->wake.loop);
	uint64_t ms = now_ms - spread->seen_ms;
	uint64_t count = queries(server) - spread->seen;

	look_from_now(server);
	return count * 1000 / (ms + 1) < spread->alone_per_s / 2;
}

static void on_look(uv_timer_t *timer)
{
	struct server_pool *pool =
		container_of(timer, struct server_pool, slack);
	struct server *server, *next;

	for (server = pool->spread; server; server = next) {
		next = server->spread.next;
		if (!has_slack(server))
			server->spread.slack = 0;
		else if (++server->spread.slack == SLACK_LOOKS)
			share_no_more(server);
	}
}

/* Nobody reads them any more: all seats have left. */
void spread_close(struct server *server)
{
	struct spread *spread = &server->spread;

	for (unsigned i = 1; spread->fds && i < spread->count; i++)
		closep(&spread->fds[i]);
	uv_mutex_lock(&server->pool->mutex);
	forget_asked(server);
	uv_mutex_unlock(&server->pool->mutex);
}

void spread_forget(struct server *server)
{
	struct spread *spread = &server->spread;

	if (!spread->fds)
		return;
	if (atomic_load(&spread->is_on))
		share_no_more(server);
	server->pool->sockets_left += spread->count - 1;
	free(steal(&spread->fds));
}
