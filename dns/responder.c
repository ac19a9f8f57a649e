// SPDX-License-Identifier: Apache-2.0
#include "dns/responder.h"

int responder_begin(struct responder *responder, uint64_t server)
{
	int r = snapshot_begin(responder->snapshot);

	if (r < 0)
		return r;
	r = snapshot_serving(responder->snapshot, server, &responder->table);
	if (r < 0)
		snapshot_end(responder->snapshot);
	return r;
}

size_t responder_answer(struct responder *responder,
			const struct answer_client *client,
			const uint8_t *query, size_t len, uint8_t *out)
{
	return answer(&responder->options, responder->snapshot,
		      responder->table, client, query, len, out);
}

void responder_end(struct responder *responder)
{
	snapshot_end(responder->snapshot);
}
