/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - queries over UDP, a batch at a time
 *
 * A batch is one recvmmsg(), one look at the store, and one sendmmsg(), of
 * fewer messages than answers where clients send in bursts (udp_out.h). The
 * buffers for it belong to the worker, however many servers it has. A socket is
 * one worker's, as a rule, so that a datagram wakes nobody else; spread.h says
 * who has one. Where several watch one, who finds nothing to receive, since
 * another was faster, goes back to sleep.
 *
 * Polling has a price: the kernel wakes every watcher of a socket for each
 * datagram that comes and again for each one that has been sent, at about 15
 * percent of what a query costs in all. So a worker that finds several queries
 * at once stops watching the socket, and reads it once in each turn of its
 * loop, until it is empty. Who finds it full each time for a while is behind,
 * and says so.
 *
 * Where answers take long to make, a batch is smaller, so that the worker's
 * other sockets have their turn as soon as elsewhere.
 *
 * What cannot be sent at once is dropped: the client asks again.
 *
 * Threading: everything here runs on the worker's thread.
 */
#ifndef DNS_UDP_H
#define DNS_UDP_H

#include <uv.h>

#include "dns/serve/responder.h"
#include "dns/serve/socket.h"
#include "dns/serve/udp_out.h"

struct udp; /* a worker's buffers */

/* One server's UDP socket in one worker. All zeroes: not open. */
struct udp_listener {
	uv_poll_t poll;
	struct udp *udp;
	const struct socket_pair *sockets;
	int fd;		   /* borrowed: of @sockets, or another one beside it */
	struct lane *lane; /* borrowed */
	unsigned batch;	   /* datagrams to receive at once, UDP_BATCH at most */
	bool open;	   /* until @closed */
	bool busy;	   /* read in each turn of the loop, not polled */
	bool cuts;	   /* the kernel can cut what is sent: udp_out.h */
	bool closing;	   /* when it is empty */
	struct udp_listener *prev, *next; /* while busy */
	/* Batches one after the other that were as large as can be: */
	unsigned full;
	unsigned full_queries; /* in these */
	uint64_t full_ms;      /* when the first one came, by uv_now() */
	const struct udp_calls *calls;
};

/* What a listener calls, on the worker's thread. */
struct udp_calls {
	/* More comes than is answered; it answers @per_s a second. */
	void (*behind)(struct udp_listener *listener, unsigned per_s);
	/* The last one: nothing of it is in use any more. */
	void (*closed)(struct udp_listener *listener);
};

/** udp_new() - 0, -ENOMEM; the rest is borrowed and must live longer */
int udp_new(struct udp **out, uv_loop_t *loop, struct responder *responder);

/**
 * udp_stop() - with all listeners closed, close the rest in the loop
 *
 * What they had not read yet is lost.
 */
void udp_stop(struct udp *udp);

/** udp_free() - after the loop has run out */
struct udp *udp_free(struct udp *udp);

/**
 * udp_listen() - answer what comes to a socket
 * @listener: not open; stays where it is until closed() is called
 * @fd:       of @sockets, or bound to the same address
 *
 * Return: 0, or -errno: not open.
 */
int udp_listen(struct udp_listener *listener, struct udp *udp,
	       const struct socket_pair *sockets, int fd, struct lane *lane,
	       const struct udp_calls *calls);

/**
 * udp_close() - answer what has been received, and no more
 *
 * The descriptor is left open; nothing can be received by it any more.
 */
void udp_close(struct udp_listener *listener);

#endif
