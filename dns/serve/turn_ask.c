// SPDX-License-Identifier: Apache-2.0
/*
 * turn_ask.c - TCP clients whose request the main loop answers
 */
#include <assert.h>
#include <utlist.h>

#include "dns/serve/turn_layout.h"

size_t turn_ask(struct connection *connection, const uint8_t *message,
		size_t answered, uint8_t *out)
{
	struct responder *responder = connection->set->responder;
	const struct inbox_path path = {
		.is_tcp = true,
		.is_answered = answered,
		.worker = responder->number,
		.connection = connection->number,
		.client = connection->client,
	};
	enum errand_kind kind = responder->errand.kind;

	if (kind == ERRAND_NONE || kind == ERRAND_TRANSFER)
		return answered;
	answered = responder_ask(responder, &path, message, answered, out);
	connection->is_asking = !answered;
	return answered;
}

static struct connection *find(struct connections *set, uint64_t number)
{
	struct connection *connection;

	DL_FOREACH (set->open, connection)
		if (connection->number == number)
			return connection;
	return NULL;
}

void connections_answer(struct connections *set, uint64_t number,
			const uint8_t *data, size_t len)
{
	struct connection *connection = find(set, number);
	uint8_t *out = set->output;

	if (!connection || !connection->is_asking)
		return;
	assert(!connection->waiting && len <= MESSAGE_TCP_SIZE);
	connection->is_asking = false;
	put_u16(out, (uint16_t)len);
	memcpy(out + MESSAGE_LENGTH_SIZE, data, len);
	if (len)
		turn_send(connection, out, MESSAGE_LENGTH_SIZE + len);
	if (!connection->queued)
		turn_await(connection);
}
