// SPDX-License-Identifier: Apache-2.0
/*
 * turn_transfer.c - turns of TCP clients that are sent transfers
 */
#include <assert.h>
#include <errno.h>

#include "dns/serve/turn_layout.h"

size_t turn_take_transfer(struct connection *connection, uint8_t *out)
{
	struct responder *responder = connection->set->responder;
	struct transfer *transfer;
	size_t refused;

	if (responder->errand.kind != ERRAND_TRANSFER ||
	    transfer_new(&transfer, &responder->errand) < 0)
		return 0;
	if (connection_reserve(connection)) {
		connection->transfer = transfer;
		return 0;
	}
	if (connection->set->carrier)
		carrier_count_refused(connection->set->carrier);
	refused = transfer_refuse(transfer, responder->options.hmac, out);
	transfer_free(transfer);
	return refused;
}

static void on_more(void *arg)
{
	struct connection *connection = arg;

	assert(connection->transfer);
	connection->stalled = false;
	if (!connection->queued)
		turn_enqueue(connection);
}

/* Return: 0: more will come, or *@used has all; -errno: cut it off. */
static int fill_transfer(struct connection *connection, size_t *used)
{
	struct connections *set = connection->set;
	struct transfer *transfer = connection->transfer;
	size_t len;
	uint8_t *out;
	int r = 0;

	*used = 0;
	while (*used < OUTPUT_MARK) {
		assert(sizeof(set->output) - *used >=
		       MESSAGE_LENGTH_SIZE + MESSAGE_TCP_SIZE);
		out = set->output + *used + MESSAGE_LENGTH_SIZE;
		r = transfer_next(transfer, set->responder->options.hmac, out,
				  &len);
		if (r < 0)
			break;
		put_u16(set->output + *used, (uint16_t)len);
		*used += MESSAGE_LENGTH_SIZE + len;
	}
	return r;
}

void turn_send_transfer(struct connection *connection)
{
	struct connections *set = connection->set;
	size_t used;
	int r;

	if (!transfer_has_begun(connection->transfer))
		transfer_begin(connection->transfer, set->transfers, on_more,
			       connection);
	r = fill_transfer(connection, &used);
	connection->stalled = r == -EAGAIN;
	if (r == -ENOENT)
		connection->transfer = transfer_free(connection->transfer);
	/* What it has is no transfer: let it not take it for one. */
	if (r < 0 && r != -EAGAIN && r != -ENOENT)
		connection_drop(connection);
	else if (used)
		turn_send(connection, set->output, used);
}

void turn_settle_transfer(struct connection *connection)
{
	turn_watch(connection, 0);
	if (connection->set->carrier)
		connection_give(connection);
	else if (!connection->stalled && !connection->queued)
		turn_enqueue(connection);
}
