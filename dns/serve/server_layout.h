/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_layout.h - servers and their pool, for server.c and spread.c
 *
 * Threading: as server.h; what other threads have a part in says so.
 */
#ifndef DNS_SERVER_LAYOUT_H
#define DNS_SERVER_LAYOUT_H

#include <uthash.h>

#include "dns/serve/server.h"
#include "dns/serve/spread.h"
#include "dns/serve/worker.h"

struct server {
	struct server_pool *pool;
	struct address address;
	struct socket_pair sockets;
	struct traffic *traffic; /* borrowed */
	bool absent;		 /* the machine has not got the address */
	bool started;
	bool stopped;
	void (*done)(void *arg); /* NULL: nobody waits */
	void *arg;
	struct server *prev, *next; /* in pool->servers */
	UT_hash_handle hh; /* in pool->by_number, until it is stopped */
	struct server *finished_prev, *finished_next; /* in pool->finished */
	struct carrier_server carried;
	unsigned first; /* the seat that has the first UDP socket */
	struct spread spread;
	struct seat seats[]; /* one per worker */
};

struct server_pool {
	uv_async_t wake;  /* in the main loop: look at @finished and the taps */
	uv_timer_t pause; /* active while queries come that are watched */
	uv_timer_t slack; /* active while some server is spread: spread.c */
	unsigned handles; /* these three, until they are closed */
	struct server *servers;	  /* utlist */
	struct server *by_number; /* uthash, by sockets.number */
	uint64_t next_number;
	unsigned next_first;
	struct inbox *inbox;
	void (*asked)(void *arg, struct inbox_request *request);
	void *asked_arg;
	struct connection_limits limits;
	struct limiter *limiter; /* NULL: none */
	void (*seen)(void *arg, const struct tap_query *query);
	void *seen_arg;
	void (*closed)(void *arg);
	void *closed_arg;

	uv_mutex_t mutex;	  /* protects these two */
	struct server *finished;  /* utlist by finished_next */
	struct server *asked_for; /* utlist by spread.asked_next */

	unsigned abreast;      /* workers that a server may be spread over */
	unsigned sockets_left; /* that there may be more, to spread servers */
	struct server *spread; /* utlist by spread.next: who shares now */

	struct transfer_counts transfers;
	struct worker *carrier;
	unsigned count; /* workers that run, beside the carrier */
	struct worker *workers[];
};

#endif
