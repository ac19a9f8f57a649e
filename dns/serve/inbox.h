/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbox.h - requests that the main loop has to see
 *
 * An UPDATE is done by the writer, and a NOTIFY makes the main loop ask a
 * primary (errand.h). A worker puts a copy of such a request into the inbox of
 * the pool, with the way back; the main loop takes it out, and answers it when
 * it can, or never.
 *
 * Until it is answered, the client of a TCP connection is read from no further,
 * so that its answers come in the order of its requests. What waits is bounded,
 * in number and in octets: beyond that the worker answers SERVFAIL.
 *
 * Threading: inbox_put() on the workers, all else on the main loop.
 */
#ifndef DNS_INBOX_H
#define DNS_INBOX_H

#include <uv.h>

#include "dns/answer/errand.h"

#define INBOX_REQUESTS 1024
#define INBOX_OCTETS   (8 << 20)

/* Room for what a wildcard socket says of a datagram's destination. */
#define INBOX_CONTROL CMSG_SPACE(sizeof(struct in6_pktinfo))

/* The way back to who asked. */
struct inbox_path {
	uint64_t server; /* struct socket_pair's number */
	bool is_tcp;
	bool is_answered;	    /* by the worker: nobody waits */
	unsigned worker;	    /* over TCP: whose connection, and */
	uint64_t connection;	    /* its number there */
	struct sockaddr_in6 client; /* or a sockaddr_in */
	size_t control_len;
	_Alignas(struct cmsghdr) uint8_t control[INBOX_CONTROL];
};

struct inbox_request {
	struct inbox_request *prev, *next; /* utlist, of who has it */
	struct errand errand;
	struct inbox_path path;
	size_t len; /* octets before its TSIG, if it has one */
	uint8_t message[];
};

struct inbox;

/** inbox_new() - @wake is sent when there is something in it: 0, -ENOMEM */
int inbox_new(struct inbox **out, uv_async_t *wake);
struct inbox *inbox_free(struct inbox *inbox); /* with all that is in it */

/**
 * inbox_put() - put a copy of a request in; any thread
 * @message: errand->len octets of it, which are a message without its TSIG then
 *
 * Return: 0; -ENOBUFS: there are too many;
 * -ENOMEM.
 */
int inbox_put(struct inbox *inbox, const struct errand *errand,
	      const struct inbox_path *path, const uint8_t *message);

/** inbox_take() - the first, to be freed by the caller; NULL: there is none
 *
 * It counts until then.
 */
struct inbox_request *inbox_take(struct inbox *inbox);

/** inbox_request_free() - wipes the key, too */
struct inbox_request *inbox_request_free(struct inbox *inbox,
					 struct inbox_request *request);

#endif
