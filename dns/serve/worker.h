/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - a thread that answers
 *
 * Each worker has its own libuv loop, its own snapshot of the store and its
 * own buffers, and so takes no lock while it answers. A seat is one server's
 * place in one worker: it has one in each. Who has its sockets to answer on is
 * said for each of them.
 *
 * Threading: the main thread calls these functions. They put the seat on the
 * worker's list, which a mutex protects, and wake the loop; all else in a seat
 * and in a worker is the worker's own. Signals are blocked in workers, so that
 * they reach the main thread.
 *
 * Lifetimes: a seat, the descriptors that it is given and all that they are
 * embedded in stay until the worker has called left() for it. Then no callback
 * of the seat will run, no connection of it is open and the worker's loop does
 * not watch its descriptors. A batch of queries that is being answered when a
 * seat is removed is answered to its end first: it runs on the same thread.
 */
#ifndef DNS_WORKER_H
#define DNS_WORKER_H

#include "dns/serve/carrier.h"
#include "dns/serve/tcp.h"
#include "dns/serve/udp.h"

struct worker;

struct seat {
	struct worker *worker;
	const struct socket_pair *sockets;
	struct lane *lane;		 /* the server's, of the worker */
	struct carrier_server *server;	 /* or NULL */
	void (*left)(struct seat *seat); /* on the worker's thread */
	/* More comes over UDP than the @per_s that it answers; there. Or NULL
	 */
	void (*behind)(struct seat *seat, unsigned per_s);
	/* It has many TCP clients, or may accept no more; there. Or NULL */
	void (*crowded)(struct seat *seat);

	/* Under the worker's mutex. */
	struct seat *prev, *next; /* in the worker's queue, while @queued */
	bool queued;
	bool remove;
	int fd;	      /* the UDP socket that it answers from; -1: none */
	bool accepts; /* TCP clients */

	/* The worker's own. */
	bool leaving;
	struct udp_listener udp;
	struct tcp_listener tcp;
};

/**
 * worker_new() - start a thread
 * @tables:  borrowed, like @options and @limits; all must live longer, but
 *           for the cookies, of which the worker has a copy
 * @carrier: who is given clients that ask for transfers; NULL: nobody
 * @tapped:  woken when the worker's tap is awaited, and there is more
 *
 * Return: 0, -ENOMEM, -EAGAIN, -EMFILE, or a snapshot's error.
 */
int worker_new(struct worker **out, const struct tables *tables,
	       const struct answer_options *options,
	       struct connection_limits *limits, struct carrier *carrier,
	       uv_async_t *tapped);

/**
 * worker_new_carrier() - one that has no seats, but a carrier
 *
 * It is freed when all who give it clients are. Return: as worker_new().
 */
int worker_new_carrier(struct worker **out, const struct tables *tables,
		       const struct answer_options *options,
		       struct connection_limits *limits,
		       const struct transfer_options *transfers,
		       struct transfer_counts *counts, uv_async_t *tapped);

/** worker_carrier() - of worker_new_carrier() */
struct carrier *worker_carrier(const struct worker *worker);

/**
 * worker_take_requests() - what it puts into that inbox, and as whose
 *
 * Once, before it has a seat or is given a client.
 */
void worker_take_requests(struct worker *worker, struct inbox *inbox,
			  unsigned number);

/** worker_answer() - connections_answer(), on its thread; @data is copied */
void worker_answer(struct worker *worker, uint64_t connection,
		   const uint8_t *data, size_t len);

/** worker_tap() - the worker's; borrowed */
struct tap *worker_tap(const struct worker *worker);

/**
 * worker_free() - stop the thread and wait for it
 *
 * All its seats must have been removed; they leave before this returns.
 */
struct worker *worker_free(struct worker *worker);

/**
 * worker_add() - let the worker answer on a seat's sockets
 * @seat: zeroed, but for the members up to @crowded, which are set
 * @fd:   the UDP socket; borrowed; it accepts TCP clients too. -1: neither yet
 *
 * Should the worker lack memory for it, it tries again on its own.
 */
void worker_add(struct seat *seat, int fd);

/** worker_listen() - one that was added with -1 has a UDP socket now */
void worker_listen(struct seat *seat, int fd);

/** worker_accept() - one that was added with -1 accepts TCP clients now */
void worker_accept(struct seat *seat);

/** worker_remove() - close everything of an added seat; it leaves later */
void worker_remove(struct seat *seat);

#endif
