/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - the two sockets of a nameserver: UDP and TCP on one port
 *
 * What is bound here belongs to nobody else. Neither socket has SO_REUSEPORT
 * when it is bound, and the UDP one has no SO_REUSEADDR either, which would
 * share its port. The TCP one has SO_REUSEADDR, so that connections in
 * TIME_WAIT do not hold the address; two such sockets may both be bound, but
 * only one may listen.
 *
 * A UDP socket may be given more beside it: socket_spread(). While these share
 * what comes, all have SO_REUSEPORT, and a process of the same user may bind a
 * socket there that has it too. It is given nothing: which socket gets a
 * datagram is said by a program that knows of ours alone. It is not for a
 * process of that user that means harm, which may give the kernel another
 * program, and may do worse. Nor can it listen for TCP, so that no second name
 * server starts there in silence.
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

/**
 * socket_spread() - more UDP sockets at an address
 * @fd:    the UDP socket that is bound there, as socket_bind() made it
 * @bound: where
 * @out:   receives @count descriptors; the caller's
 * @count: at least 1
 *
 * All of them share what comes from here on, query by query: which one gets a
 * query is decided by its id, which is random (RFC 5452, section 9.2), so that
 * one client, or one port of it, can keep all of them busy. To be done once for
 * a socket; and none of them may be closed before all are, for the program
 * knows them by number, and the last one would get the number of one closed.
 *
 * Return: 0; or as socket_bind(), with @fd alone as it was.
 */
int socket_spread(int fd, const struct address *bound, int *out,
		  unsigned count);

/**
 * socket_share() - whether sockets of socket_spread() share what comes
 * @fds: all of them, and the first one
 *
 * If not, one of them gets it all, whichever the kernel finds first, and nobody
 * else can bind a socket there. What they have received stays in them.
 */
void socket_share(const int *fds, unsigned count, bool on);

/** socket_shut() - UDP: receive no more; what is there can still be read */
void socket_shut(int fd);

/** socket_close() - close what is open; again does nothing */
void socket_close(struct socket_pair *pair);

#endif
