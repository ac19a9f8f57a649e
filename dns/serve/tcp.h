/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - accepting TCP clients; connection.h serves them
 *
 * A server's listening socket is polled by one worker, so that a client who
 * comes wakes nobody else, until that has many clients of it or may accept no
 * more: then it asks for all workers to poll it, and the first one to accept a
 * client keeps it. When the process or the machine has no more descriptors or
 * memory, the socket would stay readable and the loop spin: the worker then
 * leaves it alone for a moment. It does so too while a newcomer is another
 * worker's to accept.
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
	bool is_crowded;		  /* and has said so */
	struct tcp_listener *prev, *next; /* while paused */
	const struct tcp_calls *calls;
};

/* What a listener calls, on the worker's thread. */
struct tcp_calls {
	/* Others should accept some of those who come; once. */
	void (*crowded)(struct tcp_listener *listener);
	/* The last one: nothing of it is in use any more. */
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
 * @listener: not open; stays where it is until closed() is called
 *
 * Return: 0, or -errno: not open.
 */
int tcp_listen(struct tcp_listener *listener, struct tcp *tcp,
	       const struct socket_pair *sockets, struct lane *lane,
	       struct carrier_server *server, const struct tcp_calls *calls);

/** tcp_close() - disconnect the clients and accept no more; the descriptor
 * is left open */
void tcp_close(struct tcp_listener *listener);

#endif
