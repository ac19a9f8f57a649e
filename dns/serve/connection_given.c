// SPDX-License-Identifier: Apache-2.0
/*
 * connection_given.c - TCP clients that go from a worker to the carrier
 *
 * A connection that is given keeps its memory, its descriptor and its place in
 * the count of all clients; the worker's loop lets go of its handle first, and
 * the carrier's makes one of its own.
 */
#include <assert.h>
#include <utlist.h>

#include "dns/serve/turn.h"

/* Of all clients, one in so many may be sent transfers. */
#define CARRIED_PART 4

unsigned connection_carried_max(const struct connection_limits *limits)
{
	return limits->clients_max < CARRIED_PART
		       ? 1
		       : limits->clients_max / CARRIED_PART;
}

static void client_of(const struct connection *connection, struct address *out)
{
	address_from_sockaddr((const struct sockaddr *)&connection->client,
			      out);
}

void connection_uncount_carried(struct connection *connection)
{
	struct address client;

	if (!connection->is_carried)
		return;
	connection->is_carried = false;
	client_of(connection, &client);
	places_leave(&connection->set->limits->carried, &client);
}

bool connection_reserve(struct connection *connection)
{
	struct connection_limits *limits = connection->set->limits;
	struct address client;

	if (connection->is_carried)
		return true;
	if (!connection->server || !connection->set->carrier)
		return false;
	client_of(connection, &client);
	connection->is_carried = places_take(&limits->carried, &client);
	return connection->is_carried;
}

/* It is nobody's now but for the server, which it is a user of. */
static void on_given(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	struct connections *set = connection->set;
	void *owner = connection->owner;

	connection->owner = connection->server;
	connection->lane = connection->server->lane;
	connection->watched = 0;
	carrier_give(set->carrier, connection);
	set->closed(owner, true);
}

void connection_give(struct connection *connection)
{
	assert(connection->is_carried && !connection->waiting);
	assert(!connection_is_closing(connection));
	atomic_fetch_add(&connection->server->users, 1);
	connection->is_given = true;
	connection_leave(connection);
	uv_close((uv_handle_t *)&connection->poll, on_given);
}

/* One that was given, and cannot be kept. */
static void refuse_given(struct connection *connection, struct connections *set)
{
	void *owner = connection->owner;

	connection->set = set;
	connection->transfer = transfer_free(connection->transfer);
	connection_uncount(set);
	connection_uncount_carried(connection);
	close(connection->fd);
	connection_free(connection);
	set->closed(owner, false);
}

void connection_take_in(struct connection *connection, struct connections *set)
{
	connection->is_given = false;
	if (atomic_load(&connection->server->is_closing) ||
	    connection_enter(connection, set) < 0)
		refuse_given(connection, set);
	else
		turn_await(connection);
}

void connections_leave(struct connections *set)
{
	struct connection *connection;

	DL_FOREACH (set->open, connection)
		if (atomic_load(&connection->server->is_closing))
			turn_end(connection);
}
