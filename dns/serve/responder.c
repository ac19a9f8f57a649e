// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <time.h>

#include "dns/serve/responder.h"
#include "dns/wire/rr_type.h"

int responder_init(struct responder *responder, const struct tables *tables,
		   const struct answer_options *options)
{
	int r;

	responder->options = *options;
	responder->options.hmac = NULL;
	if (options->cookies) {
		responder->cookies = *options->cookies;
		responder->options.cookies = &responder->cookies;
	}
	r = hmac_new(&responder->options.hmac);
	if (r == 0)
		r = snapshot_new(&responder->snapshot, tables);
	if (r == 0)
		r = tap_new(&responder->tap);
	return r;
}

void responder_deinit(struct responder *responder)
{
	hmac_free(responder->options.hmac);
	snapshot_free(responder->snapshot);
	tap_free(responder->tap);
}

/*
 * Who is asked, in the moment that has begun. Mostly that is who was asked
 * last, and nothing was committed since.
 */
static int look_up(struct responder *responder, uint64_t id)
{
	struct answer_server *server = &responder->server;
	size_t moment = snapshot_moment(responder->snapshot);
	struct home home = {0};
	int r;

	if (responder->moment == moment && server->id == id)
		return 0;
	responder->moment = 0;
	r = snapshot_served(responder->snapshot, id, &server->served);
	if (r == 0 && server->served.home)
		r = snapshot_home(responder->snapshot, server->served.home,
				  &home);
	if (r < 0)
		return r;
	server->id = id;
	server->is_dark = home.dark;
	responder->moment = moment;
	return 0;
}

int responder_begin(struct responder *responder, struct lane *lane)
{
	int r = snapshot_begin(responder->snapshot);

	if (r < 0)
		return r;
	responder->lane = lane;
	responder->has_tapped = false;
	r = look_up(responder, lane->server);
	if (r < 0)
		snapshot_end(responder->snapshot);
	return r;
}

/* What was no query, and gets no answer, is none to tell of. */
static void watch(struct responder *responder,
		  const struct answer_client *client,
		  const struct answer_facts *facts, const uint8_t *query,
		  const uint8_t *answer, size_t answered)
{
	if (!answered && !facts->is_limited && !responder->errand.kind)
		return;
	tap_put(responder->tap, responder->lane, client, facts, query, answer,
		answered);
	responder->has_tapped = true;
}

size_t responder_answer(struct responder *responder,
			const struct answer_client *client,
			const uint8_t *query, size_t len, uint8_t *out)
{
	struct answer_facts facts;
	struct errand *errand = &responder->errand;
	size_t answered = answer(&responder->options, responder->snapshot,
				 &responder->server, client, query, len, out,
				 &facts, errand);

	/* Of an UPDATE nobody knows yet what comes of it. */
	if (answered || (errand->kind && errand->kind != ERRAND_UPDATE))
		traffic_count(responder->lane, client->transport, &facts);
	if (facts.is_limited)
		traffic_add(responder->lane, TRAFFIC_LIMITED, 1);
	else if (!answered && !errand->kind)
		traffic_add(responder->lane, TRAFFIC_DROPPED, 1);
	if (atomic_load_explicit(&responder->lane->watched,
				 memory_order_relaxed))
		watch(responder, client, &facts, query, out, answered);
	return answered;
}

size_t responder_ask(struct responder *responder, const struct inbox_path *path,
		     const uint8_t *message, size_t answered, uint8_t *out)
{
	/* The type of a zone section's question: RFC 2136, section 2.3. */
	static const struct answer_facts no_room = {
		.type = RR_SOA,
		.rcode = RCODE_SERVFAIL,
	};
	struct errand *errand = &responder->errand;
	int r = responder->inbox
			? inbox_put(responder->inbox, errand, path, message)
			: -ENOBUFS;

	if (r == 0 || errand->kind != ERRAND_UPDATE)
		return answered;
	traffic_count(responder->lane, path->is_tcp ? ANSWER_TCP : ANSWER_UDP,
		      &no_room);
	return errand_reply(errand, responder->options.hmac, RCODE_SERVFAIL,
			    (uint64_t)time(NULL), out);
}

void responder_end(struct responder *responder)
{
	snapshot_end(responder->snapshot);
	if (responder->has_tapped && tap_is_awaited(responder->tap))
		uv_async_send(responder->tapped);
}
