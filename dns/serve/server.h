/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - sockets, and the worker threads that answer on them
 *
 * A pool of workers, each a thread with a libuv loop, serves the sockets of
 * every server: UDP and TCP on one port. The sockets are bound without
 * SO_REUSEPORT: with it a second bind to the same address, here or in another
 * process, would succeed in silence. A server that is asked more than one
 * worker answers is spread over more sockets: spread.h.
 *
 * Threading: everything here is called from the loop that the pool was made
 * with, the main loop, and its callbacks run there. Workers only read the
 * store, each through a snapshot of its own, and take no lock while they
 * answer.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <uv.h>

#include "dns/serve/inbox.h"
#include "dns/serve/tap.h"
#include "dns/transfer/transfers.h"
#include "dns/wire/address.h"

struct server_pool;
struct server;

struct server_options {
	unsigned workers;     /* threads, at least 1 */
	unsigned udp_sockets; /* of all servers, besides one for each */
	unsigned tcp_clients; /* connected at once, to all workers together */
	uint64_t tcp_idle_ms; /* see connection_idle_ms() */
	unsigned rate;	      /* of responses over UDP; see limiter.h; 0: any */
	bool rate_loopback;   /* also of those to loopback addresses */
	struct answer_options answer;
	struct transfer_options transfers;
	/*
	 * A query of a nameserver that is watched (see traffic_watch()), in
	 * the order of time as far as can be; NULL: that is all for now. It
	 * may free neither the pool nor a server. NULL: nobody watches.
	 */
	void (*seen)(void *arg, const struct tap_query *query);
	void *seen_arg;
	/*
	 * An UPDATE, or a NOTIFY that was answered: to be ended by
	 * server_answer(), now or later. NULL: nobody takes them.
	 */
	void (*asked)(void *arg, struct inbox_request *request);
	void *asked_arg;
	/* A server's sockets have been closed, and it is freed; or NULL. */
	void (*closed)(void *arg);
	void *closed_arg;
};

/**
 * server_pool_new() - start the workers
 * @loop: the main loop
 *
 * Return: 0, -ENOMEM, -EAGAIN (no thread), -EMFILE, or a snapshot's error.
 */
int server_pool_new(struct server_pool **out, uv_loop_t *loop,
		    const struct tables *tables,
		    const struct server_options *options);

/**
 * server_pool_free() - stop and join the workers, close every socket
 *
 * Servers that were not stopped are freed with it, and no callback runs any
 * more. The handle in the main loop is closed: run the loop once more after.
 */
struct server_pool *server_pool_free(struct server_pool *pool);

/** server_pool_transfers() - what became of transfers; any thread; borrowed */
const struct transfer_counts *
server_pool_transfers(const struct server_pool *pool);

/** server_pool_spooled() - octets of their files now; any thread */
uint64_t server_pool_spooled(const struct server_pool *pool);

/** server_pool_carried() - clients that were sent some; any thread */
unsigned server_pool_carried(const struct server_pool *pool);

/**
 * server_bind() - bind the sockets of a new server; nothing is answered yet
 * @traffic: of the nameserver whose records it answers with, with a lane for
 *           each worker; must live until the server has stopped
 * @at:      not ADDRESS_OFF; with port 0, a port that is free for UDP and TCP
 *
 * Never blocks. Return: 0; -EADDRINUSE: a socket of anybody's has it, UDP or
 * TCP; -EADDRNOTAVAIL; -EACCES; -EAFNOSUPPORT; -EMFILE; -ENOMEM.
 */
int server_bind(struct server **out, struct server_pool *pool,
		struct traffic *traffic, const struct address *at);

/** server_address() - where it is bound, with the true port; borrowed */
const struct address *server_address(const struct server *server);

/**
 * server_look() - see whether the machine has the server's address
 *
 * Return: whether it is absent. Sockets stay bound to an address that goes, and
 * get no more queries until it is back.
 */
bool server_look(struct server *server);

/** server_is_absent() - what server_look() found last; false before that */
bool server_is_absent(const struct server *server);

/** server_start() - hand the bound sockets to the workers, once */
void server_start(struct server *server);

/**
 * server_stop() - close its sockets and connections, and free it
 * @done: runs on the main loop when the address is free again; may be NULL
 *
 * Also for a server that was bound and never started. Queries that were read
 * before are still answered; the answers come from the store as it is.
 */
void server_stop(struct server *server, void (*done)(void *arg), void *arg);

/**
 * server_answer() - end a request; it is freed
 * @data: @len octets, sent the way that it came if that is still there; none:
 *        there is no answer to give, or it was given
 */
void server_answer(struct server_pool *pool, struct inbox_request *request,
		   const uint8_t *data, size_t len);

#endif
