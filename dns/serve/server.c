// SPDX-License-Identifier: Apache-2.0
/*
 * server.c - the pool of workers, and the servers that they serve
 *
 * A server lives from server_bind() until it has finished: every worker that
 * it was handed to has left its seat, and the carrier has no client of it. The
 * last one to leave, on whatever thread, closes the sockets and puts the server
 * on the pool's list of finished ones; the main loop takes it from there, frees
 * it and tells who waits for it. So the sockets outlive every batch that uses
 * them, and no worker has to wait for another.
 *
 * `carried` counts the seats and those clients; with what spread.h says, it is
 * all that threads share of a server besides what never changes after
 * server_bind().
 */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <utlist.h>

#include "dns/serve/server_layout.h"

/* Queries taken from the taps in a turn of the loop: some 0.03 ms. */
#define TAPPED_MOST 128
/* And how long after it is looked again, as long as they come. */
#define TAPPED_MS 1

/* For how long requests of the inbox are seen to in a turn of the loop. */
#define ASKED_NS 1000000

/* Any thread; the server may be gone when this returns. */
static void server_finish(struct server *server)
{
	struct server_pool *pool = server->pool;

	assert(server->stopped);
	spread_close(server);
	socket_close(&server->sockets);
	uv_mutex_lock(&pool->mutex);
	DL_APPEND2(pool->finished, server, finished_prev, finished_next);
	uv_mutex_unlock(&pool->mutex);
	uv_async_send(&pool->wake);
}

/* On a worker's thread. */
static void on_seat_left(struct seat *seat)
{
	carrier_server_leave(seat->server);
}

/* On whatever thread. */
static void on_carried_left(struct carrier_server *carried)
{
	server_finish(container_of(carried, struct server, carried));
}

static struct server *take_finished(struct server_pool *pool)
{
	struct server *server;

	uv_mutex_lock(&pool->mutex);
	server = pool->finished;
	if (server)
		DL_DELETE2(pool->finished, server, finished_prev,
			   finished_next);
	uv_mutex_unlock(&pool->mutex);
	return server;
}

/* Each worker, then the carrier. */
static const struct worker *tapped(const struct server_pool *pool, unsigned i)
{
	return i < pool->count ? pool->workers[i] : pool->carrier;
}

/* The tap with the oldest query; NULL: all are empty. */
static struct tap *oldest(const struct server_pool *pool)
{
	const struct tap_query *first = NULL;
	struct tap *found = NULL;

	for (unsigned i = 0; i <= pool->count; i++) {
		struct tap *tap = worker_tap(tapped(pool, i));
		const struct tap_query *query = tap_first(tap);

		if (query && (!first || query->time_ns < first->time_ns)) {
			first = query;
			found = tap;
		}
	}
	return found;
}

/* Return: whether there is nothing in them, and the next query wakes us. */
static bool await_taps(struct server_pool *pool)
{
	bool all = true;

	for (unsigned i = 0; i <= pool->count; i++)
		all &= tap_await(worker_tap(tapped(pool, i)));
	return all;
}

static void on_pause_over(uv_timer_t *pause);

/*
 * A bounded number, so that all else gets its turn; and then not before some
 * more may have come. A thread that is woken for each one has no time for
 * anything else.
 */
static void drain_taps(struct server_pool *pool)
{
	struct tap *tap = oldest(pool);
	unsigned left = TAPPED_MOST;

	if (!tap && await_taps(pool))
		return;
	for (; tap && left; tap = oldest(pool), left--) {
		if (pool->seen)
			pool->seen(pool->seen_arg, tap_first(tap));
		tap_drop(tap);
	}
	if (pool->seen && left < TAPPED_MOST)
		pool->seen(pool->seen_arg, NULL);
	/* A timer of 0 ms would run again in this turn of the loop. */
	if (tap)
		uv_async_send(&pool->wake);
	else
		uv_timer_start(&pool->pause, on_pause_over, TAPPED_MS, 0);
}

static void on_pause_over(uv_timer_t *pause)
{
	drain_taps(container_of(pause, struct server_pool, pause));
}

/* By time, not by number: some take a millisecond to be read. */
static void drain_inbox(struct server_pool *pool)
{
	uint64_t until_ns = uv_hrtime() + ASKED_NS;
	struct inbox_request *request;

	do {
		request = inbox_take(pool->inbox);
		if (!request)
			return;
		if (pool->asked)
			pool->asked(pool->asked_arg, request);
		else
			server_answer(pool, request, NULL, 0);
	} while (uv_hrtime() < until_ns);
	uv_async_send(&pool->wake);
}

/*
 * A callback may free the pool. Its memory stays until the handle is closed,
 * and so at least until this returns.
 */
static void on_finished(uv_async_t *wake)
{
	struct server_pool *pool = container_of(wake, struct server_pool, wake);
	void (*done)(void *arg);
	struct server *server;
	void *arg;

	if (!uv_is_active((uv_handle_t *)&pool->pause))
		drain_taps(pool);
	drain_inbox(pool);
	spread_look(pool);
	while ((server = take_finished(pool))) {
		done = server->done;
		arg = server->arg;
		DL_DELETE(pool->servers, server);
		spread_forget(server);
		free(server);
		if (pool->closed)
			pool->closed(pool->closed_arg);
		if (done)
			done(arg);
	}
}

static int pool_alloc(struct server_pool **out, uv_loop_t *loop,
		      const struct server_options *options)
{
	CLEANUP(freep) struct server_pool *pool = NULL;
	int r;

	pool = calloc(1, sizeof(*pool) +
				 options->workers * sizeof(pool->workers[0]));
	if (!pool)
		return -ENOMEM;
	pool->seen = options->seen;
	pool->seen_arg = options->seen_arg;
	pool->asked = options->asked;
	pool->asked_arg = options->asked_arg;
	pool->closed = options->closed;
	pool->closed_arg = options->closed_arg;
	pool->limits.clients_max = options->tcp_clients;
	pool->limits.workers = options->workers;
	pool->limits.idle_ms = options->tcp_idle_ms;
	r = places_init(&pool->limits.carried,
			connection_carried_max(&pool->limits));
	if (r < 0)
		return r;
	r = uv_mutex_init(&pool->mutex);
	if (r < 0) {
		places_deinit(&pool->limits.carried);
		return r;
	}
	r = uv_async_init(loop, &pool->wake, on_finished);
	if (r < 0) {
		places_deinit(&pool->limits.carried);
		uv_mutex_destroy(&pool->mutex);
		return r;
	}
	uv_timer_init(loop, &pool->pause);
	spread_init(pool, loop, options);
	pool->wake.data = pool->pause.data = pool->slack.data = pool;
	pool->handles = 3;
	*out = steal(&pool);
	return 0;
}

static void give_inbox(struct server_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++)
		worker_take_requests(pool->workers[i], pool->inbox, i);
	worker_take_requests(pool->carrier, pool->inbox, pool->count);
}

static void pool_freep(struct server_pool **pool)
{
	server_pool_free(*pool);
}

int server_pool_new(struct server_pool **out, uv_loop_t *loop,
		    const struct tables *tables,
		    const struct server_options *options)
{
	CLEANUP(pool_freep) struct server_pool *pool = NULL;
	struct answer_options answers = options->answer;
	struct cookies cookies;
	int r;

	assert(options->workers > 0);
	answers.cookies = &cookies;
	r = cookie_init(&cookies);
	if (r == 0)
		r = pool_alloc(&pool, loop, options);
	if (r == 0 && options->rate)
		r = limiter_new(&pool->limiter, options->rate,
				options->rate_loopback);
	answers.limiter = r == 0 ? pool->limiter : NULL;
	if (r == 0)
		r = inbox_new(&pool->inbox, &pool->wake);
	if (r == 0)
		r = worker_new_carrier(&pool->carrier, tables, &answers,
				       &pool->limits, &options->transfers,
				       &pool->transfers, &pool->wake);
	while (r == 0 && pool->count < options->workers) {
		r = worker_new(&pool->workers[pool->count], tables, &answers,
			       &pool->limits, worker_carrier(pool->carrier),
			       &pool->wake);
		if (r == 0)
			pool->count++;
	}
	if (r < 0)
		return r;
	give_inbox(pool);
	*out = steal(&pool);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct server_pool *pool = handle->data;

	if (--pool->handles)
		return;
	places_deinit(&pool->limits.carried);
	uv_mutex_destroy(&pool->mutex);
	limiter_free(pool->limiter);
	inbox_free(pool->inbox);
	free(pool);
}

struct server_pool *server_pool_free(struct server_pool *pool)
{
	struct server *server;

	if (!pool)
		return NULL;
	DL_FOREACH (pool->servers, server)
		if (!server->stopped)
			server_stop(server, NULL, NULL);
	while (pool->count)
		worker_free(pool->workers[--pool->count]);
	/* After those who give it clients. */
	pool->carrier = worker_free(pool->carrier);
	/* All seats have left, so all servers have finished. */
	while ((server = take_finished(pool))) {
		spread_forget(server);
		free(server);
	}
	uv_close((uv_handle_t *)&pool->pause, on_closed);
	uv_close((uv_handle_t *)&pool->slack, on_closed);
	uv_close((uv_handle_t *)&pool->wake, on_closed);
	return NULL;
}

const struct transfer_counts *
server_pool_transfers(const struct server_pool *pool)
{
	return &pool->transfers;
}

uint64_t server_pool_spooled(const struct server_pool *pool)
{
	return carrier_spooled(worker_carrier(pool->carrier));
}

unsigned server_pool_carried(const struct server_pool *pool)
{
	return places_taken(&pool->limits.carried);
}

static void add_seats(struct server *server, struct traffic *traffic)
{
	struct server_pool *pool = server->pool;

	for (unsigned i = 0; i < pool->count; i++) {
		server->seats[i].worker = pool->workers[i];
		server->seats[i].sockets = &server->sockets;
		server->seats[i].lane = &traffic->lanes[i];
		server->seats[i].left = on_seat_left;
		server->seats[i].behind = spread_ask;
		server->seats[i].crowded = spread_ask_accept;
		server->seats[i].fd = -1;
		server->seats[i].server = &server->carried;
	}
	server->carried.lane = &traffic->lanes[pool->count];
	server->carried.left = on_carried_left;
}

int server_bind(struct server **out, struct server_pool *pool,
		struct traffic *traffic, const struct address *at)
{
	CLEANUP(freep) struct server *server = NULL;
	int r;

	assert(traffic->workers == pool->count);
	server = calloc(1, sizeof(*server) +
				   pool->count * sizeof(server->seats[0]));
	if (!server)
		return -ENOMEM;
	r = socket_bind(&server->sockets, &server->address, at);
	if (r < 0)
		return r;
	server->pool = pool;
	server->sockets.number = pool->next_number++;
	HASH_ADD(hh, pool->by_number, sockets.number,
		 sizeof(server->sockets.number), server);
	server->traffic = traffic;
	server->first = pool->next_first++ % pool->count;
	add_seats(server, traffic);
	DL_APPEND(pool->servers, server);
	*out = steal(&server);
	return 0;
}

const struct address *server_address(const struct server *server)
{
	return &server->address;
}

bool server_look(struct server *server)
{
	server->absent = socket_probe(&server->address) == -EADDRNOTAVAIL;
	return server->absent;
}

bool server_is_absent(const struct server *server)
{
	return server->absent;
}

void server_start(struct server *server)
{
	struct server_pool *pool = server->pool;

	assert(!server->started && !server->stopped);
	server->started = true;
	atomic_store(&server->carried.users, pool->count);
	for (unsigned i = 0; i < pool->count; i++)
		worker_add(&server->seats[i],
			   i == server->first ? server->sockets.udp : -1);
}

void server_stop(struct server *server, void (*done)(void *arg), void *arg)
{
	struct server_pool *pool = server->pool;

	assert(!server->stopped);
	server->stopped = true;
	HASH_DEL(pool->by_number, server);
	server->done = done;
	server->arg = arg;
	if (!server->started) {
		server_finish(server);
		return;
	}
	for (unsigned i = 0; i < pool->count; i++)
		worker_remove(&server->seats[i]);
	/* Who is given to it from here on is seen to be late. */
	atomic_store(&server->carried.is_closing, true);
	carrier_look(worker_carrier(pool->carrier));
}

/* What cannot be sent at once is lost, as datagrams are. */
static void answer_udp(const struct server_pool *pool, struct inbox_path *path,
		       const uint8_t *data, size_t len)
{
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {
		.msg_name = &path->client,
		.msg_namelen = sizeof(path->client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = path->control_len ? path->control : NULL,
		.msg_controllen = path->control_len,
	};
	struct server *server;

	if (path->client.sin6_family == AF_INET)
		msg.msg_namelen = sizeof(struct sockaddr_in);
	HASH_FIND(hh, pool->by_number, &path->server, sizeof(path->server),
		  server);
	if (server && len)
		sendmsg(server->sockets.udp, &msg, MSG_DONTWAIT);
}

void server_answer(struct server_pool *pool, struct inbox_request *request,
		   const uint8_t *data, size_t len)
{
	struct inbox_path *path = &request->path;

	/* The client may wait for the answer to its next one. */
	if (path->is_answered)
		assert(!len);
	else if (!path->is_tcp)
		answer_udp(pool, path, data, len);
	else if (path->worker < pool->count)
		worker_answer(pool->workers[path->worker], path->connection,
			      data, len);
	else if (pool->carrier)
		worker_answer(pool->carrier, path->connection, data, len);
	inbox_request_free(pool->inbox, request);
}
