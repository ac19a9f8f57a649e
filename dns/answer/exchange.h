/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one query on its way to be a response, for answer.c, opt.c and
 * request.c
 *
 * It lives on the stack of answer(), and is not cleared: what is set is said
 * there.
 */
#ifndef DNS_EXCHANGE_H
#define DNS_EXCHANGE_H

#include "dns/answer/answer.h"
#include "dns/answer/response.h"

#define EDE_NONE -1 /* and 0 is "other error" */

struct exchange {
	const struct answer_options *options;
	struct snapshot *snapshot;
	const struct answer_server *server;
	const struct answer_client *client;
	struct errand *errand;
	struct query query;
	struct response response;
	enum rcode rcode;
	int ede;		    /* enum edns_ede, or EDE_NONE */
	uint16_t flags;		    /* AA, TC */
	unsigned varying;	    /* see struct chain */
	uint32_t effort;	    /* the same */
	bool has_cookie, is_proven; /* the client's server cookie is good */
	uint8_t cookie[COOKIE_SIZE];
	bool is_done;	 /* NOERROR, and there is nothing to look up */
	bool has_expire; /* the next one is known */
	uint32_t expire; /* seconds: RFC 7314 */
	bool is_limited; /* by its client's rate */
	bool is_brief;	 /* for the same reason: only what must be said */
};

/* ---- opt.c ---- */

/**
 * opt_size() - room to keep free for the OPT record
 *
 * An extended error needs none: it goes with responses that have no records.
 */
size_t opt_size(const struct exchange *exchange);

#define OPT_EDE_SIZE (EDNS_OPTION_HEAD + 2)

/** opt_write() - all of the record; returns its octets: opt_size() and
 * OPT_EDE_SIZE at most */
size_t opt_write(const struct exchange *exchange, uint8_t *owner);

/* ---- request.c ---- */

/*
 * What is no question for records, judged: the rcode, and with NOERROR either
 * an answer that is made or an errand.
 */

/** request_transfer() - AXFR and IXFR: RFC 5936, RFC 1995 */
enum rcode request_transfer(struct exchange *exchange);

/** request_notify() - RFC 1996 */
enum rcode request_notify(struct exchange *exchange);

/** request_update() - RFC 2136 */
enum rcode request_update(struct exchange *exchange);

/** request_expire() - a query for SOA was answered: say for how long it is
 * good, if it asks that */
void request_expire(struct exchange *exchange);

/** request_tell() - it is refused with this rcode: should `error` say so? */
void request_tell(struct exchange *exchange);

#endif
