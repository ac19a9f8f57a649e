/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - the two sockets of a nameserver: UDP and TCP on one port
 *
 * What is bound here belongs to nobody else. Neither socket is bound with
 * SO_REUSEPORT, so that no other one with it can be there; and the UDP one has
 * no SO_REUSEADDR, which would share its port. The TCP one has SO_REUSEADDR, so
 * that connections in TIME_WAIT do not hold the address; two such sockets may
 * both be bound, but only one may listen.
 *
 * A busy server's queries may be spread over several UDP sockets. These join
 * the first one through SO_REUSEPORT, which it gets for that time, and a filter
 * chooses among them for each query. Somebody else with the same user id could
 * bind then as well, and would get nothing.
 *
 * Pure functions on descriptors; any thread may call them. Nothing blocks.
 */
#ifndef DNS_SOCKET_H
#define DNS_SOCKET_H

#include "dns/wire/address.h"

struct socket_pair {
	int udp;       /* descriptors; -1: closed */
	int tcp;       /* listening */
	bool wildcard; /* answers must name the address that was asked */
};

/**
 * socket_bind() - bind both sockets of an address
 * @out:   owned by the caller, until socket_close()
 * @bound: @at with the true port
 * @at:    not ADDRESS_OFF; with port 0, a port that is free for both
 *
 * EVERY is one dual-stack socket each, or IPv4 alone on a machine that has no
 * IPv6. Queries that arrive from now on wait in the sockets.
 *
 * Return: 0, or with nothing left open -EADDRINUSE, -EADDRNOTAVAIL (also for
 * what no host can have: a multicast address, an IPv4-mapped one), -EACCES,
 * -EAFNOSUPPORT, -EMFILE, -ENOMEM.
 */
int socket_bind(struct socket_pair *out, struct address *bound,
		const struct address *at);

/**
 * socket_probe() - whether an address could be bound, but for its port
 *
 * Return: 0; -EADDRNOTAVAIL: the machine has no such address; -EMFILE, -ENOMEM.
 */
int socket_probe(const struct address *at);

#define SOCKET_SPREAD_MAX 63 /* more sockets of an address */

/**
 * socket_spread() - open more UDP sockets, that have a share of the queries
 * @bound: the address of @pair
 * @count: of them, SOCKET_SPREAD_MAX at most
 * @more:  their descriptors; owned by the caller
 *
 * Which one a query comes to, the kernel decides by chance.
 *
 * Return: 0, or with @pair as it was -EMFILE, -ENOMEM, -EACCES, -EADDRINUSE
 * (@pair was bound by another user id), -EOPNOTSUPP.
 */
int socket_spread(const struct socket_pair *pair, const struct address *bound,
		  unsigned count, int more[]);

/**
 * socket_gather() - let all new queries come to the pair's own socket again
 *
 * The others have what they got before, and a moment longer: a query may have
 * been on its way. Once they are closed, nobody else can bind any more.
 */
void socket_gather(const struct socket_pair *pair);

/** socket_close() - close what is open; again does nothing */
void socket_close(struct socket_pair *pair);

#endif
