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

/* Opens what is not open yet. */
static int seat_open(struct worker *worker, struct seat *seat)
{
	int r = 0;

	assert(!seat->leaving);
	if (!seat->udp.open)
		r = udp_listen(&seat->udp, worker->udp, seat->sockets,
			       seat->lane, on_udp_closed);
	if (r == 0 && !seat->tcp.users)
		r = tcp_listen(&seat->tcp, worker->tcp, seat->sockets,
			       seat->lane, on_tcp_closed);
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
			    bool *remove)
{
	struct seat *seat;

	uv_mutex_lock(&worker->mutex);
	seat = *taken;
	if (seat) {
		DL_DELETE(*taken, seat);
		seat->queued = false;
		*remove = seat->remove;
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
}

/* Do what the main thread wants. */
static void obey(struct worker *worker)
{
	struct seat *taken, *seat;
	bool remove, stop;

	uv_mutex_lock(&worker->mutex);
	taken = steal(&worker->queue);
	stop = worker->stop;
	uv_mutex_unlock(&worker->mutex);
	while ((seat = dequeue(worker, &taken, &remove))) {
		if (remove)
			seat_close(seat);
		else if (seat_open(worker, seat) < 0)
			seat_retry(worker, seat);
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

static void post(struct seat *seat, bool remove)
{
	struct worker *worker = seat->worker;

	uv_mutex_lock(&worker->mutex);
	seat->remove = remove;
	enqueue(worker, seat);
	uv_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->wake);
}

void worker_add(struct seat *seat)
{
	post(seat, false);
}

void worker_remove(struct seat *seat)
{
	post(seat, true);
}
