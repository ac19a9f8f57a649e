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

#include "dns/serve/tap.h"

struct responder {
	struct answer_options options;
	struct cookies cookies;	   /* for the options */
	struct snapshot *snapshot; /* borrowed from the worker */
	struct tap *tap;	   /* the same; NULL: nobody can watch */
	uv_async_t *tapped; /* woken when it is awaited, and there is more */
	/* Between begin and end: */
	struct lane *lane;
	uint32_t table;
	bool has_tapped;
};

/**
 * responder_begin() - look at the store for a server's queries
 * @lane: the server's, of this worker
 *
 * Return: 0; or -errno, with nothing to end: the store cannot be read, or it
 * does not know the server. The queries get no answer then.
 */
int responder_begin(struct responder *responder, struct lane *lane);

/** responder_answer() - answer(), for the server of the lane, and count */
size_t responder_answer(struct responder *responder,
			const struct answer_client *client,
			const uint8_t *query, size_t len, uint8_t *out);

void responder_end(struct responder *responder);

#endif
