// SPDX-License-Identifier: Apache-2.0
/*
 * carrier.c - who has the clients that are sent whole zones
 *
 * What others want of it is put on a list, or marked in the server, before it
 * is woken; so a client who is given while his server closes is either found
 * among the open ones, or seen to be late when he is taken in.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/serve/carrier.h"
#include "dns/serve/turn.h"

struct carrier {
	uv_async_t wake;
	struct connections *set;
	struct transfers *transfers;
	struct transfer_counts *counts; /* borrowed */
	uv_mutex_t mutex;		/* protects @given */
	struct connection *given;	/* utlist by turn_next */
};

void carrier_server_leave(struct carrier_server *server)
{
	unsigned were = atomic_fetch_sub(&server->users, 1);

	assert(were > 0);
	if (were == 1)
		server->left(server);
}

static void on_client_gone(void *owner, bool is_given)
{
	struct carrier_server *server = owner;

	assert(!is_given);
	(void)is_given;
	traffic_add(server->lane, TRAFFIC_DISCONNECTED, 1);
	carrier_server_leave(server);
}

static struct connection *take_given(struct carrier *carrier)
{
	struct connection *given;

	uv_mutex_lock(&carrier->mutex);
	given = steal(&carrier->given);
	uv_mutex_unlock(&carrier->mutex);
	return given;
}

static void take_in(struct carrier *carrier)
{
	struct connection *given = take_given(carrier), *connection;

	while ((connection = given)) {
		DL_DELETE2(given, connection, turn_prev, turn_next);
		connection_take_in(connection, carrier->set);
	}
}

static void on_wake(uv_async_t *wake)
{
	struct carrier *carrier = container_of(wake, struct carrier, wake);

	take_in(carrier);
	connections_leave(carrier->set);
}

static void carrier_freep(struct carrier **carrier)
{
	carrier_free(*carrier);
}

static int carrier_alloc(struct carrier **out)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	int r;

	if (!carrier)
		return -ENOMEM;
	r = uv_mutex_init(&carrier->mutex);
	if (r < 0)
		free(carrier);
	else
		*out = carrier;
	return r;
}

/* Of one that is half made; the loop is nobody's yet. */
static void close_parts(struct carrier *carrier, uv_loop_t *loop)
{
	if (carrier->set)
		connections_stop(carrier->set);
	if (carrier->transfers)
		transfers_stop(carrier->transfers);
	uv_run(loop, UV_RUN_NOWAIT);
}

int carrier_new(struct carrier **out, uv_loop_t *loop,
		struct responder *responder, struct connection_limits *limits,
		const struct tables *tables,
		const struct transfer_options *options,
		struct transfer_counts *counts)
{
	CLEANUP(carrier_freep) struct carrier *carrier = NULL;
	int r = carrier_alloc(&carrier);

	if (r == 0)
		carrier->counts = counts;
	if (r == 0)
		r = transfers_new(&carrier->transfers, loop, tables, options,
				  counts);
	if (r == 0)
		r = connections_new(&carrier->set, loop, responder, limits,
				    on_client_gone);
	if (r == 0)
		r = uv_async_init(loop, &carrier->wake, on_wake);
	if (r < 0) {
		if (carrier)
			close_parts(carrier, loop);
		return r;
	}
	carrier->set->transfers = carrier->transfers;
	*out = steal(&carrier);
	return 0;
}

void carrier_stop(struct carrier *carrier)
{
	take_in(carrier);
	connections_stop(carrier->set);
	transfers_stop(carrier->transfers);
	uv_close((uv_handle_t *)&carrier->wake, NULL);
}

struct carrier *carrier_free(struct carrier *carrier)
{
	if (!carrier)
		return NULL;
	assert(!carrier->given);
	if (carrier->set)
		connections_free(carrier->set);
	transfers_free(carrier->transfers);
	uv_mutex_destroy(&carrier->mutex);
	free(carrier);
	return NULL;
}

void carrier_give(struct carrier *carrier, struct connection *connection)
{
	uv_mutex_lock(&carrier->mutex);
	DL_APPEND2(carrier->given, connection, turn_prev, turn_next);
	uv_mutex_unlock(&carrier->mutex);
	uv_async_send(&carrier->wake);
}

void carrier_answer(struct carrier *carrier, uint64_t connection,
		    const uint8_t *data, size_t len)
{
	connections_answer(carrier->set, connection, data, len);
}

void carrier_count_refused(struct carrier *carrier)
{
	atomic_fetch_add(&carrier->counts->refused, 1);
}

void carrier_look(struct carrier *carrier)
{
	uv_async_send(&carrier->wake);
}

uint64_t carrier_spooled(const struct carrier *carrier)
{
	return transfers_spooled(carrier->transfers);
}
