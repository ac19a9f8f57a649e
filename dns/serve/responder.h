/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responder.h - what a worker answers with: its snapshot and the options
 *
 * Queries of one server that came together are answered from one moment of
 * the store: responder_begin(), an answer for each of them, responder_end().
 *
 * Threading: each worker has its own.
 */
#ifndef DNS_RESPONDER_H
#define DNS_RESPONDER_H

#include <uv.h>

#include "dns/serve/inbox.h"
#include "dns/serve/tap.h"

struct responder {
	struct answer_options options;
	struct cookies cookies; /* for the options */
	struct snapshot *snapshot;
	struct tap *tap;     /* NULL: nobody can watch */
	struct inbox *inbox; /* borrowed; NULL: nobody takes requests */
	unsigned number;     /* of the worker, in inbox_path */
	uv_async_t *tapped;  /* woken when it is awaited, and there is more */
	/* Between begin and end: */
	struct lane *lane;
	bool has_tapped;
	/* Who was asked last, as of which moment; 0: of none. */
	size_t moment;
	struct answer_server server;
	/* Of the last responder_answer(). */
	struct errand errand;
};

/**
 * responder_begin() - look at the store for a server's queries
 * @lane: the server's, of this worker
 *
 * Return: 0; or -errno, with nothing to end: the store cannot be read, or it
 * does not know the server. The queries get no answer then.
 */
int responder_begin(struct responder *responder, struct lane *lane);

/**
 * responder_init() - what a worker answers with; all else is zero
 * @options: borrowed, but for the cookies, of which it has a copy, and the
 *           hmac, which is its own
 *
 * Return: 0, or -errno, to be followed by responder_deinit().
 */
int responder_init(struct responder *responder, const struct tables *tables,
		   const struct answer_options *options);
void responder_deinit(struct responder *responder);

/**
 * responder_answer() - answer(), for the server of the lane, and count
 *
 * @responder->errand says what is left to do, and of a TRANSFER or UPDATE it is
 * the caller's to see to an answer.
 */
size_t responder_answer(struct responder *responder,
			const struct answer_client *client,
			const uint8_t *query, size_t len, uint8_t *out);

/**
 * responder_ask() - hand an UPDATE or NOTIFY, the last one, to the main loop
 * @answered: octets of the answer in @out, or 0
 *
 * Return: the same; or octets of SERVFAIL: an UPDATE that there is no room for.
 */
size_t responder_ask(struct responder *responder, const struct inbox_path *path,
		     const uint8_t *message, size_t answered, uint8_t *out);

void responder_end(struct responder *responder);

#endif
