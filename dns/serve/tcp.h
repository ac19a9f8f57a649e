/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - accepting TCP clients; connection.h serves them
 *
 * A server's listening socket is polled by every worker, and the first one to
 * accept a client keeps it. When the process or the machine has no more
 * descriptors or memory, the socket would stay readable and the loop spin: the
 * worker then leaves it alone for a moment. It does so too while a newcomer is
 * another worker's to accept.
 *
 * Threading: everything here runs on the worker's thread.
 */
#ifndef DNS_TCP_H
#define DNS_TCP_H

#include "dns/serve/connection.h"
#include "dns/serve/socket.h"

struct carrier;
struct tcp; /* what a worker's listeners share */

/* One server's TCP socket in one worker. All zeroes: not open. */
struct tcp_listener {
	uv_poll_t poll;
	struct tcp *tcp;
	const struct socket_pair *sockets;
	struct lane *lane;
	struct carrier_server *server;
	unsigned users; /* @poll and the connections; 0: not open */
	bool paused;
	struct tcp_listener *prev, *next; /* while paused */
	void (*closed)(struct tcp_listener *listener);
};

/**
 * tcp_new() - 0, -ENOMEM; what it is given is borrowed, must live longer
 * @carrier: who is given clients that ask for transfers; NULL: nobody
 */
int tcp_new(struct tcp **out, uv_loop_t *loop, struct responder *responder,
	    struct connection_limits *limits, struct carrier *carrier);

/** tcp_answer() - connections_answer() */
void tcp_answer(struct tcp *tcp, uint64_t connection, const uint8_t *data,
		size_t len);

/** tcp_stop() - with all listeners closed, close the rest in the loop */
void tcp_stop(struct tcp *tcp);

/** tcp_free() - after the loop has run out */
struct tcp *tcp_free(struct tcp *tcp);

/**
 * tcp_listen() - accept and serve a server's clients
 * @listener: not open; stays where it is until @closed
 * @closed:   called last, when nothing of @listener is in use any more
 *
 * Return: 0, or -errno: not open.
 */
int tcp_listen(struct tcp_listener *listener, struct tcp *tcp,
	       const struct socket_pair *sockets, struct lane *lane,
	       struct carrier_server *server,
	       void (*closed)(struct tcp_listener *listener));

/** tcp_close() - disconnect the clients and accept no more; the descriptor
 * is left open */
void tcp_close(struct tcp_listener *listener);

#endif
