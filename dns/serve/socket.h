/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - the two sockets of a nameserver: UDP and TCP on one port
 *
 * What is bound here belongs to nobody else. Neither socket has SO_REUSEPORT,
 * and the UDP one has no SO_REUSEADDR either, which would share its port. The
 * TCP one has SO_REUSEADDR, so that connections in TIME_WAIT do not hold the
 * address; two such sockets may both be bound, but only one may listen.
 *
 * Pure functions on descriptors; any thread may call them. Nothing blocks.
 */
#ifndef DNS_SOCKET_H
#define DNS_SOCKET_H

#include "dns/wire/address.h"

struct socket_pair {
	uint64_t number; /* server.c's: no other pair ever has it */
	int udp;	 /* descriptors; -1: closed */
	int tcp;	 /* listening */
	bool wildcard;	 /* answers must name the address that was asked */
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

/** socket_close() - close what is open; again does nothing */
void socket_close(struct socket_pair *pair);

#endif
