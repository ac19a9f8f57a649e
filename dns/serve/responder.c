// SPDX-License-Identifier: Apache-2.0
#include "dns/serve/responder.h"

int responder_begin(struct responder *responder, struct lane *lane)
{
	int r = snapshot_begin(responder->snapshot);

	if (r < 0)
		return r;
	responder->lane = lane;
	responder->has_tapped = false;
	r = snapshot_serving(responder->snapshot, lane->server,
			     &responder->table);
	if (r < 0)
		snapshot_end(responder->snapshot);
	return r;
}

/* What was no query, and got no answer, is none to tell of. */
static void watch(struct responder *responder,
		  const struct answer_client *client,
		  const struct answer_facts *facts, const uint8_t *query,
		  const uint8_t *answer, size_t answered)
{
	if (!answered && !facts->is_limited)
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
	size_t answered =
		answer(&responder->options, responder->snapshot,
		       responder->table, client, query, len, out, &facts);

	if (answered)
		traffic_count(responder->lane, client->transport, &facts);
	if (facts.is_limited)
		traffic_add(responder->lane, TRAFFIC_LIMITED, 1);
	else if (!answered)
		traffic_add(responder->lane, TRAFFIC_DROPPED, 1);
	if (atomic_load_explicit(&responder->lane->watched,
				 memory_order_relaxed))
		watch(responder, client, &facts, query, out, answered);
	return answered;
}

void responder_end(struct responder *responder)
{
	snapshot_end(responder->snapshot);
	if (responder->has_tapped && tap_is_awaited(responder->tap))
		uv_async_send(responder->tapped);
}
