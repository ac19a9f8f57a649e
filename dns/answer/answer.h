/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - a query in, a response out
 *
 * The answer path of an authoritative server: parses a query, looks names up
 * in a snapshot, and writes the response. It has no state but the options, and
 * no memory of its own beyond the stack, takes no lock, and does a bounded
 * amount of work whatever the query and the records are.
 *
 * A request that is signed (RFC 8945) gets an answer that is. What is no
 * question for records is judged, and what is to be done then is an errand.
 *
 * Threading: any thread; each with its own snapshot.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "dns/answer/cookie.h"
#include "dns/answer/errand.h"
#include "dns/answer/limiter.h"

#define ANSWER_EDNS_SIZE 1232 /* the most over UDP with EDNS, by default */
#define ANSWER_NSID_SIZE 128

enum answer_transport {
	ANSWER_UDP,
	ANSWER_TCP,
};

/* Who asks, and how. */
struct answer_client {
	enum answer_transport transport; /* rules size and truncation */
	const struct sockaddr *address;	 /* NULL: not known, and so without
					  * what is made of it */
	uint64_t now_ms;		 /* monotonic; read once a batch */
};

/* Who is asked, at the moment of the snapshot. */
struct answer_server {
	uint64_t id;
	struct served served;
	bool is_dark; /* it has dark zones: dark.h */
};

/* What all queries of one worker have in common. */
struct answer_options {
	uint16_t edns_size;  /* octets: the largest UDP response, and what the
			      * OPT record announces; MESSAGE_UDP_SIZE
			      * at least */
	const uint8_t *nsid; /* RFC 5001; borrowed; NULL: none is told */
	uint8_t nsid_len;    /* octets, ANSWER_NSID_SIZE at most */
	uint16_t keepalive;  /* RFC 7828, in 100 ms: how long an idle TCP
			      * connection is kept; 0: not told;
			      * connection.c puts there what holds */
	struct cookies *cookies; /* RFC 7873; borrowed; NULL: none are told */
	struct limiter *limiter; /* of UDP; borrowed; NULL: no limits */
	struct hmac *hmac;	 /* borrowed; NULL: no home has keys */
};

/* What was asked and said, for those who count and log. */
struct answer_facts {
	size_t question_len; /* octets behind the query's header; 0: none */
	uint16_t type;	     /* of the question; 0: none */
	uint16_t rcode;	     /* with its extension by EDNS */
	bool is_truncated;
	bool is_spent;	 /* it may lack what would have taken long to find */
	bool is_limited; /* by its client's rate: short, or no answer */
	bool has_edns, wants_dnssec; /* the query */
};

/**
 * answer() - answer one query
 * @options:   see there
 * @snapshot:  begun
 * @server:    the one that is asked
 * @client:    borrowed
 * @query:     @len octets, from the network: nothing of it is trusted
 * @out:       room for MESSAGE_TCP_SIZE octets; not overlapping @query
 * @facts:     of an answer or an errand; else only whether it was limited
 * @errand:    its kind is set always; of ERRAND_NONE, the rest is not to be
 *             looked at
 *
 * Return: octets of the response; 0: none is due yet (ERRAND_TRANSFER,
 * ERRAND_UPDATE), or at all (a response, too short to be a query, or past its
 * client's rate).
 */
size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      const struct answer_server *server,
	      const struct answer_client *client, const uint8_t *query,
	      size_t len, uint8_t *out, struct answer_facts *facts,
	      struct errand *errand);

#endif
