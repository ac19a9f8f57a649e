// SPDX-License-Identifier: Apache-2.0
/*
 * connection.c - who is connected, and for how long
 *
 * The set is a list sorted by the last sign of life: who gives one goes to its
 * end, so that the longest silent client is always the first. Who has been
 * silent for too long, and who makes room in a full pool, is seen there, and
 * one timer does for all: it is set for the first one, drops a few of those
 * that are due, and is set again.
 *
 * A client is counted in the pool before anything is made for him, so that two
 * workers cannot both take the last place. He is out of the list and of the
 * count as soon as he is closed; his memory is freed when libuv has let go of
 * the handle, and his listener is told then.
 */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "dns/serve/turn.h"

/* By how much less patient a pool is that runs short of places. */
#define SHORT_IDLE 10

/* How often it is looked what clients have taken of transfers. */
#define LOOK_MS 1000

/* Clients dropped in one iteration of the loop; each takes microseconds. */
#define DROPS_MAX 32

static void on_idle(uv_timer_t *timer);

int connections_new(struct connections **out, uv_loop_t *loop,
		    struct responder *responder,
		    struct connection_limits *limits,
		    void (*closed)(void *owner, bool is_given))
{
	struct connections *set = calloc(1, sizeof(*set));

	assert(limits->workers && limits->idle_ms >= 100);
	if (!set)
		return -ENOMEM;
	set->loop = loop;
	set->responder = responder;
	set->limits = limits;
	set->closed = closed;
	uv_timer_init(loop, &set->idle);
	set->idle.data = set;
	turns_init(set);
	*out = set;
	return 0;
}

void connections_set_carrier(struct connections *set, struct carrier *carrier)
{
	set->carrier = carrier;
}

void connections_stop(struct connections *set)
{
	while (set->open)
		connection_close(set->open);
	uv_close((uv_handle_t *)&set->idle, NULL);
	turns_stop(set);
}

struct connections *connections_free(struct connections *set)
{
	assert(!set || (!set->open && !set->queue && !set->count));
	free(set);
	return NULL;
}

uint64_t connection_idle_ms(const struct connection_limits *limits)
{
	if (atomic_load(&limits->clients) > limits->clients_max / 4 * 3)
		return limits->idle_ms / SHORT_IDLE;
	return limits->idle_ms;
}

/*
 * What the longest silent connection has left decides when to look again; but
 * places may become short before, through clients of other workers.
 */
static void set_idle_timer(struct connections *set)
{
	struct connection *first = set->open;
	uint64_t soon = set->limits->idle_ms / SHORT_IDLE;
	uint64_t end;

	if (!first)
		return;
	if (set->transfers && soon > LOOK_MS)
		soon = LOOK_MS;
	soon += uv_now(set->loop);
	end = first->active_ms + connection_idle_ms(set->limits);
	if (end > soon || first->queued || first->transfer)
		end = soon;
	/* Not at once, which would be in this turn of the loop. */
	uv_timer_start(&set->idle, on_idle,
		       end > uv_now(set->loop) ? end - uv_now(set->loop) : 1,
		       0);
}

bool connection_is_closing(const struct connection *connection)
{
	return uv_is_closing((const uv_handle_t *)&connection->poll);
}

void connection_free(struct connection *connection)
{
	assert(!connection->transfer);
	buffer_deinit(&connection->input);
	free(connection->waiting);
	free(connection);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	void (*closed)(void *owner, bool is_given) = connection->set->closed;
	void *owner = connection->owner;

	connection_free(connection);
	closed(owner, false);
}

void connection_uncount(struct connections *set)
{
	unsigned were = atomic_fetch_sub(&set->limits->clients, 1);

	assert(were > 0);
	(void)were;
}

void connection_leave(struct connection *connection)
{
	struct connections *set = connection->set;

	turn_leave(connection);
	DL_DELETE(set->open, connection);
	assert(set->count);
	set->count--;
}

void connection_close(struct connection *connection)
{
	if (connection_is_closing(connection))
		return;
	connection->transfer = transfer_free(connection->transfer);
	connection_leave(connection);
	connection_uncount(connection->set);
	connection_uncount_carried(connection);
	uv_close((uv_handle_t *)&connection->poll, on_closed);
	close(connection->fd);
}

/* Does the client owe us that it takes what we sent? */
static bool has_unsent(const struct connection *connection)
{
	int unsent = 0;

	return connection->waiting ||
	       (ioctl(connection->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0);
}

/*
 * Be rid of a client who was given time and did not use it. The kernel would
 * keep for minutes what he does not take; a reset leaves nothing behind.
 */
void connection_drop(struct connection *connection)
{
	static const struct linger reset = {.l_onoff = 1};

	if (connection_is_closing(connection))
		return;
	if (has_unsent(connection))
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset,
			   sizeof(reset));
	connection_close(connection);
}

/* How long it may be silent. */
static uint64_t patience_ms(const struct connection *connection)
{
	return connection->transfer
		       ? CONNECTION_STALLED_MS
		       : connection_idle_ms(connection->set->limits);
}

/*
 * Of a transfer the kernel may hold megabytes, so that we are not asked for
 * more for minutes while a slow client takes one octet after the other.
 * Nor is a client silent while it is us who have nothing for him yet.
 */
static void note_taken(struct connection *connection)
{
	int unsent = 0, before = connection->unsent;

	if (!connection->transfer ||
	    ioctl(connection->fd, SIOCOUTQ, &unsent) < 0)
		return;
	connection->unsent = unsent;
	if (unsent != before || (!unsent && !connection->waiting))
		connection_touch(connection);
}

static void count_cut(const struct connection *connection)
{
	if (connection->transfer)
		transfer_count_cut(connection->transfer);
}

/*
 * Who waits for his turn is not silent: we are. Each is looked at once: who is
 * found to be alive goes to the end, and so comes behind who was the last.
 */
static void on_idle(uv_timer_t *timer)
{
	struct connections *set = timer->data;
	uint64_t now = uv_now(set->loop);
	struct connection *connection = set->open, *next;
	const struct connection *last = connection ? connection->prev : NULL;

	for (unsigned drops = 0; connection && drops < DROPS_MAX;
	     connection = next) {
		next = connection == last ? NULL : connection->next;
		note_taken(connection);
		if (connection->active_ms + patience_ms(connection) > now) {
			/* Others have less time than who has a transfer. */
			if (connection->transfer)
				continue;
			break;
		}
		if (connection->queued)
			continue;
		count_cut(connection);
		connection_drop(connection);
		drops++;
	}
	set_idle_timer(set);
}

void connection_touch(struct connection *connection)
{
	struct connections *set = connection->set;

	assert(!connection_is_closing(connection));
	connection->active_ms = uv_now(set->loop);
	DL_DELETE(set->open, connection);
	DL_APPEND(set->open, connection);
}

/* Return: whether there is room for one who has been counted already. */
static bool make_room(struct connections *set)
{
	struct connection *first = set->open;

	if (first)
		connection_drop(first);
	return first;
}

int connection_enter(struct connection *connection, struct connections *set)
{
	int r = uv_poll_init(set->loop, &connection->poll, connection->fd);

	if (r < 0)
		return r;
	connection->poll.data = connection;
	connection->set = set;
	connection->number = set->next_number++;
	connection->active_ms = uv_now(set->loop);
	DL_APPEND(set->open, connection);
	set->count++;
	if (!uv_is_active((uv_handle_t *)&set->idle))
		set_idle_timer(set);
	return 0;
}

static int new_connection(struct connection **out, struct connections *set,
			  int fd)
{
	CLEANUP(freep)
	struct connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return -ENOMEM;
	connection->fd = fd;
	r = connection_enter(connection, set);
	if (r < 0)
		return r;
	*out = steal(&connection);
	return 0;
}

bool connections_take_more(const struct connections *set)
{
	const struct connection_limits *limits = set->limits;
	unsigned share =
		(limits->clients_max - connection_carried_max(limits)) /
		limits->workers;

	/* Someone has a share, or more, of a full pool; one client at least. */
	return atomic_load(&limits->clients) < limits->clients_max ||
	       (set->count && set->count >= share);
}

static int count_client(struct connections *set)
{
	struct connection_limits *limits = set->limits;

	if (atomic_fetch_add(&limits->clients, 1) < limits->clients_max ||
	    make_room(set))
		return 0;
	connection_uncount(set);
	return -EUSERS;
}

int connection_open(struct connections *set, int fd,
		    const struct sockaddr_in6 *client, struct lane *lane,
		    struct carrier_server *server, void *owner)
{
	struct connection *connection;
	int r = count_client(set);

	if (r < 0) {
		close(fd);
		return r;
	}
	r = new_connection(&connection, set, fd);
	if (r < 0) {
		connection_uncount(set);
		close(fd);
		return r;
	}
	connection->client = *client;
	connection->lane = lane;
	connection->server = server;
	connection->owner = owner;
	turn_await(connection);
	return 0;
}

void connections_close(struct connections *set, const void *owner)
{
	struct connection *connection;

	DL_FOREACH (set->open, connection)
		if (connection->owner == owner)
			turn_end(connection);
}
