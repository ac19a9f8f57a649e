// SPDX-License-Identifier: Apache-2.0
/*
 * worker.c - a thread that answers
 *
 * The thread runs its loop until no handle is left in it. The main thread has
 * one way to reach it: it puts a seat on the queue, says whether to open it or
 * to close it, and wakes the loop. The worker takes all of the queue and opens
 * or closes one seat after the other, on the thread that also runs their
 * callbacks, so that none of these can run meanwhile. A seat that is queued
 * and is wanted otherwise before its turn came is not queued again: what was
 * said last holds. What fails for lack of memory goes back to the queue.
 *
 * To close a seat is to close its handles and connections, each of which
 * calls back when it is gone; the last one lets the seat leave. A worker that
 * is told to stop has no seats any more, and closes the handles of its own:
 * then its loop has run out.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/serve/worker.h"
#include "dns/wire/thread.h"

/* When to try again what failed for lack of memory. */
#define RETRY_MS 100

/* An answer of the main loop's, on its way to a TCP client. */
struct reply {
	struct reply *prev, *next; /* utlist */
	uint64_t connection;
	size_t len;
	uint8_t data[];
};

struct worker {
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t retry; /* runs while a seat could not be taken */
	pthread_t thread;
	bool running; /* @thread is */

	uv_mutex_t mutex; /* protects the three below and the seats' members */
	struct seat *queue;    /* utlist */
	struct reply *replies; /* utlist */
	bool stop;

	struct responder responder;
	struct udp *udp; /* these two, or */
	struct tcp *tcp;
	struct carrier *carrier;
};

/* May be the last use of the seat, and of the server that it is part of. */
static void leave_if_done(struct seat *seat)
{
	if (seat->leaving && !seat->udp.open && !seat->tcp.users)
		seat->left(seat);
}

static void on_udp_closed(struct udp_listener *udp)
{
	leave_if_done(container_of(udp, struct seat, udp));
}

static void on_tcp_closed(struct tcp_listener *tcp)
{
	leave_if_done(container_of(tcp, struct seat, tcp));
}

static void on_behind(struct udp_listener *udp, unsigned per_s)
{
	struct seat *seat = container_of(udp, struct seat, udp);

	if (seat->behind)
		seat->behind(seat, per_s);
}

static void on_crowded(struct tcp_listener *tcp)
{
	struct seat *seat = container_of(tcp, struct seat, tcp);

	if (seat->crowded)
		seat->crowded(seat);
}

/* What is wanted of a seat. */
struct wish {
	bool remove;
	bool accepts;
	int fd;
};

/* Opens what is not open yet. */
static int seat_open(struct worker *worker, struct seat *seat,
		     const struct wish *wish)
{
	static const struct udp_calls udp_calls = {.behind = on_behind,
						   .closed = on_udp_closed};
	static const struct tcp_calls tcp_calls = {.crowded = on_crowded,
						   .closed = on_tcp_closed};
	int r = 0;

	assert(!seat->leaving);
	if (wish->fd >= 0 && !seat->udp.open)
		r = udp_listen(&seat->udp, worker->udp, seat->sockets, wish->fd,
			       seat->lane, &udp_calls);
	if (r == 0 && wish->accepts && !seat->tcp.users)
		r = tcp_listen(&seat->tcp, worker->tcp, seat->sockets,
			       seat->lane, seat->server, &tcp_calls);
	return r;
}

static void seat_close(struct seat *seat)
{
	assert(!seat->leaving);
	seat->leaving = true;
	if (seat->udp.open)
		udp_close(&seat->udp);
	if (seat->tcp.users)
		tcp_close(&seat->tcp);
	leave_if_done(seat);
}

/* With the mutex held. */
static void enqueue(struct worker *worker, struct seat *seat)
{
	if (!seat->queued)
		DL_APPEND(worker->queue, seat);
	seat->queued = true;
}

/* Return: the first seat of a list that was taken from the queue, or NULL. */
static struct seat *dequeue(struct worker *worker, struct seat **taken,
			    struct wish *wish)
{
	struct seat *seat;

	uv_mutex_lock(&worker->mutex);
	seat = *taken;
	if (seat) {
		DL_DELETE(*taken, seat);
		seat->queued = false;
		*wish = (struct wish){seat->remove, seat->accepts, seat->fd};
	}
	uv_mutex_unlock(&worker->mutex);
	return seat;
}

static void on_retry(uv_timer_t *timer);

static void seat_retry(struct worker *worker, struct seat *seat)
{
	uv_mutex_lock(&worker->mutex);
	enqueue(worker, seat);
	uv_mutex_unlock(&worker->mutex);
	uv_timer_start(&worker->retry, on_retry, RETRY_MS, 0);
}

static void close_handles(struct worker *worker)
{
	uv_close((uv_handle_t *)&worker->wake, NULL);
	uv_close((uv_handle_t *)&worker->retry, NULL);
	if (worker->udp)
		udp_stop(worker->udp);
	if (worker->tcp)
		tcp_stop(worker->tcp);
	if (worker->carrier)
		carrier_stop(worker->carrier);
}

static void free_replies(struct reply *replies)
{
	struct reply *reply, *next;

	DL_FOREACH_SAFE (replies, reply, next)
		free(reply);
}

static void send_replies(struct worker *worker)
{
	struct reply *replies, *reply;

	uv_mutex_lock(&worker->mutex);
	replies = steal(&worker->replies);
	uv_mutex_unlock(&worker->mutex);
	DL_FOREACH (replies, reply) {
		if (worker->tcp)
			tcp_answer(worker->tcp, reply->connection, reply->data,
				   reply->len);
		else
			carrier_answer(worker->carrier, reply->connection,
				       reply->data, reply->len);
	}
	free_replies(replies);
}

/* Do what the main thread wants. */
static void obey(struct worker *worker)
{
	struct seat *taken, *seat;
	struct wish wish;
	bool stop;

	uv_mutex_lock(&worker->mutex);
	taken = steal(&worker->queue);
	stop = worker->stop;
	uv_mutex_unlock(&worker->mutex);
	while ((seat = dequeue(worker, &taken, &wish))) {
		if (wish.remove)
			seat_close(seat);
		else if (seat_open(worker, seat, &wish) < 0)
			seat_retry(worker, seat);
	}
	if (!stop)
		send_replies(worker);
	/* The seats were removed before, so the loop will run out now. */
	if (stop)
		close_handles(worker);
}

static void on_wake(uv_async_t *wake)
{
	obey(container_of(wake, struct worker, wake));
}

static void on_retry(uv_timer_t *timer)
{
	obey(container_of(timer, struct worker, retry));
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	uv_run(&worker->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* A worker with a loop that can be woken, and nothing to do in it. */
static int worker_alloc(struct worker **out)
{
	CLEANUP(freep) struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	r = uv_loop_init(&worker->loop);
	if (r < 0)
		return r;
	r = uv_async_init(&worker->loop, &worker->wake, on_wake);
	if (r == 0)
		r = uv_mutex_init(&worker->mutex);
	if (r < 0) {
		uv_loop_close(&worker->loop);
		return r;
	}
	uv_timer_init(&worker->loop, &worker->retry);
	*out = steal(&worker);
	return 0;
}

static void worker_freep(struct worker **worker)
{
	worker_free(*worker);
}

/* One that can answer, and has nobody to answer to. */
static int worker_make(struct worker **out, const struct tables *tables,
		       const struct answer_options *options, uv_async_t *tapped)
{
	CLEANUP(worker_freep) struct worker *worker = NULL;
	int r = worker_alloc(&worker);

	if (r < 0)
		return r;
	worker->responder.tapped = tapped;
	r = responder_init(&worker->responder, tables, options);
	if (r < 0)
		return r;
	*out = steal(&worker);
	return 0;
}

static int worker_start(struct worker *worker)
{
	int r = thread_start(&worker->thread, worker_main, worker);

	worker->running = r == 0;
	return r;
}

int worker_new(struct worker **out, const struct tables *tables,
	       const struct answer_options *options,
	       struct connection_limits *limits, struct carrier *carrier,
	       uv_async_t *tapped)
{
	CLEANUP(worker_freep) struct worker *worker = NULL;
	int r = worker_make(&worker, tables, options, tapped);

	if (r == 0)
		r = udp_new(&worker->udp, &worker->loop, &worker->responder);
	if (r == 0)
		r = tcp_new(&worker->tcp, &worker->loop, &worker->responder,
			    limits, carrier);
	if (r == 0)
		r = worker_start(worker);
	if (r < 0)
		return r;
	*out = steal(&worker);
	return 0;
}

int worker_new_carrier(struct worker **out, const struct tables *tables,
		       const struct answer_options *options,
		       struct connection_limits *limits,
		       const struct transfer_options *transfers,
		       struct transfer_counts *counts, uv_async_t *tapped)
{
	CLEANUP(worker_freep) struct worker *worker = NULL;
	int r = worker_make(&worker, tables, options, tapped);

	if (r == 0)
		r = carrier_new(&worker->carrier, &worker->loop,
				&worker->responder, limits, tables, transfers,
				counts);
	if (r == 0)
		r = worker_start(worker);
	if (r < 0)
		return r;
	*out = steal(&worker);
	return 0;
}

struct carrier *worker_carrier(const struct worker *worker)
{
	return worker->carrier;
}

static void tell_stop(struct worker *worker)
{
	uv_mutex_lock(&worker->mutex);
	worker->stop = true;
	uv_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->wake);
}

struct worker *worker_free(struct worker *worker)
{
	int r;

	if (!worker)
		return NULL;
	tell_stop(worker);
	if (worker->running)
		pthread_join(worker->thread, NULL);
	else
		uv_run(&worker->loop, UV_RUN_DEFAULT);
	r = uv_loop_close(&worker->loop);
	assert(r == 0);
	(void)r;
	assert(!worker->queue);
	free_replies(worker->replies);
	uv_mutex_destroy(&worker->mutex);
	carrier_free(worker->carrier);
	tcp_free(worker->tcp);
	udp_free(worker->udp);
	responder_deinit(&worker->responder);
	free(worker);
	return NULL;
}

void worker_answer(struct worker *worker, uint64_t connection,
		   const uint8_t *data, size_t len)
{
	struct reply *reply = malloc(sizeof(*reply) + len);

	/* Without memory its client waits in vain, and asks again. */
	if (!reply)
		return;
	reply->connection = connection;
	reply->len = len;
	if (len)
		memcpy(reply->data, data, len);
	uv_mutex_lock(&worker->mutex);
	DL_APPEND(worker->replies, reply);
	uv_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->wake);
}

void worker_take_requests(struct worker *worker, struct inbox *inbox,
			  unsigned number)
{
	worker->responder.inbox = inbox;
	worker->responder.number = number;
}

struct tap *worker_tap(const struct worker *worker)
{
	return worker->responder.tap;
}

static void post(struct seat *seat, struct wish wish)
{
	struct worker *worker = seat->worker;

	uv_mutex_lock(&worker->mutex);
	seat->remove = wish.remove;
	seat->accepts = wish.accepts;
	seat->fd = wish.fd;
	enqueue(worker, seat);
	uv_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->wake);
}

void worker_add(struct seat *seat, int fd)
{
	post(seat, (struct wish){.accepts = fd >= 0, .fd = fd});
}

void worker_listen(struct seat *seat, int fd)
{
	assert(fd >= 0 && seat->fd < 0);
	post(seat, (struct wish){.accepts = seat->accepts, .fd = fd});
}

void worker_accept(struct seat *seat)
{
	post(seat, (struct wish){.accepts = true, .fd = seat->fd});
}

void worker_remove(struct seat *seat)
{
	post(seat, (struct wish){.remove = true, .fd = seat->fd});
}
