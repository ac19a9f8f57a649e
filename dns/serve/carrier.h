/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier.h - who has the clients that are sent whole zones
 *
 * To send a zone takes long, and most of it is waiting for the client and the
 * disk; so a worker whose client asks for a transfer hands him over for good,
 * with what he was not sent yet and what he has asked and was not read. The
 * carrier's thread is a worker without sockets of its own: such clients are a
 * set of connections there (connection.h), take turns, and may ask whatever
 * they like, also for more transfers. They count as any TCP client; no more
 * than a part of all may be here, see connection_carried_max().
 *
 * Threading: carrier_give() and carrier_look() on any thread; the rest on the
 * loop's, or while nothing of it runs.
 */
#ifndef DNS_CARRIER_H
#define DNS_CARRIER_H

#include "dns/serve/connection.h"
#include "dns/transfer/transfers.h"

/*
 * A server, as all know it that have clients of it: each worker, and the
 * carrier for each client that it was given.
 */
struct carrier_server {
	struct lane *lane; /* the nameserver's, of the carrier's thread */
	atomic_uint users;
	atomic_bool is_closing;
	/* It has no user any more; on any thread. */
	void (*left)(struct carrier_server *server);
};

/** carrier_server_leave() - one of its users is none any more; any thread */
void carrier_server_leave(struct carrier_server *server);

struct carrier;
struct connection;

/** carrier_new() - as connections_new() and transfers_new() */
int carrier_new(struct carrier **out, uv_loop_t *loop,
		struct responder *responder, struct connection_limits *limits,
		const struct tables *tables,
		const struct transfer_options *options,
		struct transfer_counts *counts);

/** carrier_stop() - close all; whoever could give it more must be gone */
void carrier_stop(struct carrier *carrier);

/** carrier_free() - after the loop has run out */
struct carrier *carrier_free(struct carrier *carrier);

/**
 * carrier_give() - a client who is to be sent a transfer; ours from now on
 *
 * Nothing watches his socket; his server has a user more, for him.
 */
void carrier_give(struct carrier *carrier, struct connection *connection);

/** carrier_answer() - connections_answer() */
void carrier_answer(struct carrier *carrier, uint64_t connection,
		    const uint8_t *data, size_t len);

/** carrier_count_refused() - there was no place for one; any thread */
void carrier_count_refused(struct carrier *carrier);

/** carrier_look() - some server is closing: disconnect its clients */
void carrier_look(struct carrier *carrier);

/** carrier_spooled() - octets in files now; any thread */
uint64_t carrier_spooled(const struct carrier *carrier);

#endif
