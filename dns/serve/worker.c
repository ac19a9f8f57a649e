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
#include <unistd.h>
#include <utlist.h>

#include "dns/serve/worker.h"
#include "dns/wire/thread.h"

/* When to try again what failed for lack of memory. */
#define RETRY_MS 100

struct worker {
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t retry; /* runs while a seat could not be taken */
	pthread_t thread;
	bool running; /* @thread is */

	uv_mutex_t mutex;   /* protects the two below and the seats' members */
	struct seat *queue; /* utlist */
	bool stop;

	struct responder responder;
	struct udp *udp;
	struct tcp *tcp;
};

/* May be the last use of the seat, and of the server that it is part of. */
static void leave_if_done(struct seat *seat)
{
	if (seat->leaving && !seat->udp.open && !seat->tcp.users)
		seat->events->left(seat);
}

static void close_own_udp(struct seat *seat)
{
	if (seat->own_udp < 0)
		return;
	close(seat->own_udp);
	seat->own_udp = -1;
	seat->events->returned(seat);
}

static void on_udp_closed(struct udp_listener *udp)
{
	struct seat *seat = container_of(udp, struct seat, udp);

	close_own_udp(seat);
	leave_if_done(seat);
}

static void on_udp_crowded(struct udp_listener *udp)
{
	struct seat *seat = container_of(udp, struct seat, udp);

	seat->events->crowded(seat);
}

static void on_tcp_closed(struct tcp_listener *tcp)
{
	leave_if_done(container_of(tcp, struct seat, tcp));
}

/* Over UDP, where there is a socket and it is not read yet. */
static int listen_udp(struct worker *worker, struct seat *seat)
{
	static const struct udp_events events = {
		.crowded = on_udp_crowded,
		.closed = on_udp_closed,
	};
	int fd = seat->is_home ? seat->sockets->udp : seat->own_udp;

	if (fd < 0 || seat->udp.open)
		return 0;
	seat->udp.fd = fd;
	seat->udp.wildcard = seat->sockets->wildcard;
	seat->udp.lane = seat->lane;
	seat->udp.events = &events;
	return udp_listen(&seat->udp, worker->udp);
}

/* Opens what is not open yet. */
static int seat_open(struct worker *worker, struct seat *seat)
{
	int r;

	assert(!seat->leaving);
	r = listen_udp(worker, seat);
	if (r == 0 && !seat->tcp.users)
		r = tcp_listen(&seat->tcp, worker->tcp, seat->sockets,
			       seat->lane, on_tcp_closed);
	return r;
}

/* The socket is the worker's own, and nothing comes to it any more. */
static void seat_drain(struct seat *seat)
{
	if (seat->udp.open)
		udp_drain(&seat->udp);
	else
		close_own_udp(seat);
}

static void seat_close(struct seat *seat)
{
	assert(!seat->leaving);
	seat->leaving = true;
	if (seat->udp.open)
		udp_close(&seat->udp);
	else
		close_own_udp(seat);
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

/* What the main thread wants of a seat. */
struct order {
	struct seat *seat; /* NULL: of none */
	bool remove;
	bool give_back;
};

/* The first one of a list that was taken from the queue. */
static struct order dequeue(struct worker *worker, struct seat **taken)
{
	struct order order = {0};
	struct seat *seat;

	uv_mutex_lock(&worker->mutex);
	seat = *taken;
	if (seat) {
		DL_DELETE(*taken, seat);
		seat->queued = false;
		order = (struct order){seat, seat->remove, seat->give_back};
		seat->give_back = false;
		if (seat->lent >= 0) {
			assert(seat->own_udp < 0);
			seat->own_udp = seat->lent;
			seat->lent = -1;
		}
	}
	uv_mutex_unlock(&worker->mutex);
	return order;
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
}

/* Do what the main thread wants. */
static void obey(struct worker *worker)
{
	struct seat *taken;
	struct order order;
	bool stop;

	uv_mutex_lock(&worker->mutex);
	taken = steal(&worker->queue);
	stop = worker->stop;
	uv_mutex_unlock(&worker->mutex);
	while ((order = dequeue(worker, &taken)).seat) {
		if (order.remove)
			seat_close(order.seat);
		else if (order.give_back)
			seat_drain(order.seat);
		else if (seat_open(worker, order.seat) < 0)
			seat_retry(worker, order.seat);
	}
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

int worker_new(struct worker **out, const struct tables *tables,
	       const struct answer_options *options,
	       struct connection_limits *limits, uv_async_t *tapped)
{
	CLEANUP(worker_freep) struct worker *worker = NULL;
	int r = worker_alloc(&worker);

	if (r < 0)
		return r;
	worker->responder.options = *options;
	if (options->cookies) {
		worker->responder.cookies = *options->cookies;
		worker->responder.options.cookies = &worker->responder.cookies;
	}
	worker->responder.tapped = tapped;
	r = snapshot_new(&worker->responder.snapshot, tables);
	if (r == 0)
		r = tap_new(&worker->responder.tap);
	if (r == 0)
		r = udp_new(&worker->udp, &worker->loop, &worker->responder);
	if (r == 0)
		r = tcp_new(&worker->tcp, &worker->loop, &worker->responder,
			    limits);
	if (r == 0)
		r = thread_start(&worker->thread, worker_main, worker);
	if (r < 0)
		return r;
	worker->running = true;
	*out = steal(&worker);
	return 0;
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
	uv_mutex_destroy(&worker->mutex);
	tcp_free(worker->tcp);
	udp_free(worker->udp);
	snapshot_free(worker->responder.snapshot);
	tap_free(worker->responder.tap);
	free(worker);
	return NULL;
}

struct tap *worker_tap(const struct worker *worker)
{
	return worker->responder.tap;
}

/* The mutex is held while the orders are changed. */
static struct worker *begin_order(struct seat *seat)
{
	uv_mutex_lock(&seat->worker->mutex);
	return seat->worker;
}

static void end_order(struct worker *worker, struct seat *seat)
{
	enqueue(worker, seat);
	uv_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->wake);
}

void worker_add(struct seat *seat)
{
	end_order(begin_order(seat), seat);
}

void worker_lend(struct seat *seat, int udp)
{
	struct worker *worker = begin_order(seat);

	assert(!seat->is_home && seat->lent < 0);
	seat->lent = udp;
	end_order(worker, seat);
}

void worker_take_back(struct seat *seat)
{
	struct worker *worker = begin_order(seat);

	seat->give_back = true;
	end_order(worker, seat);
}

void worker_remove(struct seat *seat)
{
	struct worker *worker = begin_order(seat);

	seat->remove = true;
	end_order(worker, seat);
}
