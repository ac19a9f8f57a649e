/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - TCP clients: queries in, answers out, for as long as they ask
 *
 * Clients may send many queries without waiting (RFC 7766, section 6.2.1.1),
 * cut their octets anywhere, and close their side before they read: what they
 * asked is answered before we close ours. What one client can hold is bounded:
 * as long as it does not take its answers, no more of its queries are read,
 * and who neither asks nor takes an answer for some time is disconnected
 * (RFC 7766, section 6.2.3). Octets that make no query are no sign of life.
 *
 * Nor does one client, or all of them, hold up what else the worker serves:
 * they take turns, see turn.h.
 *
 * All connections of one worker are a set, sorted by their last sign of life.
 * The limits are those of the whole pool.
 *
 * A full pool refuses nobody: the client who has been silent for longest makes
 * room. A server that refused could be shut by anybody who holds all places and
 * says nothing; to shut this one, he must connect anew as many times as there
 * are places, in the time that another client takes to connect and ask. A
 * worker that has less than its share of the clients leaves the newcomer to one
 * that has more, so that whoever makes room has been silent for long.
 *
 * Threading: everything here runs on the worker's thread; only the count in
 * struct connection_limits is shared, and is atomic, and its places are
 * (places.h).
 */
#ifndef DNS_CONNECTION_H
#define DNS_CONNECTION_H

#include <stdatomic.h>
#include <uv.h>

#include "dns/serve/places.h"
#include "dns/serve/responder.h"

#define CONNECTION_CLIENTS 1000
#define CONNECTION_IDLE_MS 10000

/* Who takes nothing of a transfer for so long is cut off. */
#define CONNECTION_STALLED_MS 30000

struct connection_limits {
	unsigned clients_max;  /* in all workers together */
	unsigned workers;      /* that share them, at least 1 */
	uint64_t idle_ms;      /* at least 100; see connection_idle_ms() */
	atomic_uint clients;   /* now connected, in all workers together */
	struct places carried; /* of these, the carrier's or soon: carrier.h */
};

/** connection_carried_max() - how many clients may ask for transfers */
unsigned connection_carried_max(const struct connection_limits *limits);

/**
 * connection_idle_ms() - how long a silent client is kept at this moment
 *
 * A tenth of idle_ms while more than three quarters of the places are taken
 * (RFC 7766, section 6.2.3: a server that runs short may be less patient).
 */
uint64_t connection_idle_ms(const struct connection_limits *limits);

struct connections;
struct carrier_server;

/**
 * connections_new() - an empty set; no timer runs while it is empty
 * @loop, @responder, @limits: borrowed, must live longer
 * @closed: runs on the worker's loop when a connection is gone, or @is_given
 *          to the carrier, with the owner that connection_open() was given
 *
 * Return: 0, -ENOMEM.
 */
int connections_new(struct connections **out, uv_loop_t *loop,
		    struct responder *responder,
		    struct connection_limits *limits,
		    void (*closed)(void *owner, bool is_given));

struct carrier;

/** connections_set_carrier() - who is given clients that ask for transfers */
void connections_set_carrier(struct connections *set, struct carrier *carrier);

/** connections_stop() - close all that the set has in the loop */
void connections_stop(struct connections *set);

/** connections_free() - after the loop has run out */
struct connections *connections_free(struct connections *set);

/**
 * connections_take_more() - is a newcomer this worker's to accept?
 *
 * False in a full pool, if others have more clients than this worker: one of
 * them is to accept, and to make room.
 */
bool connections_take_more(const struct connections *set);

/**
 * connection_open() - serve a client
 * @fd:     accepted, non-blocking; ours from now on, whatever we return
 * @client: its address; borrowed
 * @lane:   whose client it is
 * @server: the same, should it ask for a transfer; NULL: nobody has these
 * @owner:  handed to @closed; connections_close() finds by it
 *
 * In a full pool the longest silent client of this worker makes room.
 *
 * Return: 0: @closed will be called, but not before this returns; -EUSERS:
 * the pool became full of other workers' clients just now; -ENOMEM, or what
 * epoll_ctl(2) fails with.
 */
int connection_open(struct connections *set, int fd,
		    const struct sockaddr_in6 *client, struct lane *lane,
		    struct carrier_server *server, void *owner);

/**
 * connections_close() - disconnect all clients of one owner
 *
 * Each in its turn, so that no other has to wait for a thousand of them. They
 * get no more answers.
 */
void connections_close(struct connections *set, const void *owner);

/**
 * connections_answer() - the main loop's answer to what one has asked
 * @number: struct inbox_path's; it may be gone
 * @data:   @len octets; none: there is no answer to give
 */
void connections_answer(struct connections *set, uint64_t number,
			const uint8_t *data, size_t len);

#endif
