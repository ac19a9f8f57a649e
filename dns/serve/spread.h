/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spread.h - how many workers a server is served by
 *
 * By one, at first, which is another one for each server in turn. All of them
 * on one socket would be woken for every datagram, and ten thousand servers
 * with a socket for each of them would take more descriptors than there are.
 *
 * A worker that is behind with a server (udp.h) asks for more. Then the server
 * gets a socket for each of them, or for each core that the process may run
 * on if these are fewer, and shares what comes (socket_spread()). It keeps them
 * until it stops; but when it has had less than half of what one worker was
 * able to answer, for some seconds, it shares no more, and one of them gets it
 * all again. So nothing is lost on the way: whatever a socket has received is
 * answered by the worker that has it.
 *
 * Such sockets are counted, for all servers together (server_options). When
 * there are no more, or the kernel makes none, the server's only one is watched
 * by all, until it stops.
 *
 * With TCP clients it is simpler: a worker that has many of a server's, or that
 * may accept no more (connection.h), asks for all of them to accept some, from
 * its one socket, which they do until it stops. Clients stay where they are.
 *
 * Threading: the main loop, but for what says otherwise.
 */
#ifndef DNS_SPREAD_H
#define DNS_SPREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct seat;
struct server;
struct server_options;
struct server_pool;

/* A server's; all zeroes: it has one socket. */
struct spread {
	unsigned count; /* workers that have a socket; 0: it was never spread */
	bool is_one;	/* and it is the same */
	int *fds;	/* @count; the first one is the server's; or NULL */
	atomic_bool is_on; /* nothing is to be asked for: they share it */
	struct server *prev, *next; /* in pool->spread, while they do */
	unsigned alone_per_s;	    /* what one worker answered */
	uint64_t seen;		    /* queries, when last looked */
	uint64_t seen_ms;
	unsigned slack; /* looks one after the other that found little */

	bool is_accepted; /* TCP clients are, by all */

	/* Under the pool's mutex. */
	struct spread_asked {
		bool udp, tcp;
		unsigned per_s;
	} asked;
	struct server *asked_prev, *asked_next; /* while something is */
};

/** spread_init() - of a pool; its timer is to be closed with its others */
void spread_init(struct server_pool *pool, uv_loop_t *loop,
		 const struct server_options *options);

/** spread_ask() - seat->behind(): the main loop is to see to it; any thread */
void spread_ask(struct seat *seat, unsigned per_s);

/** spread_ask_accept() - seat->crowded(): the same; any thread */
void spread_ask_accept(struct seat *seat);

/** spread_look() - see to those that were asked for */
void spread_look(struct server_pool *pool);

/** spread_close() - close all sockets but the first; any thread, no seat left
 */
void spread_close(struct server *server);

/** spread_forget() - of one that is about to be freed */
void spread_forget(struct server *server);

#endif
