// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/buffer.h"
#include "dns/connection.h"

#define LENGTH_SIZE 2 /* in front of each message: RFC 1035, section 4.2.2 */

/* Octets read in one turn. */
#define INPUT_SIZE 4096

/* Answers in one turn; it also ends with the slice, or at OUTPUT_MARK. */
#define TURN_ANSWERS 100

/* Of the loop's time, for all turns between two looks at the other sockets. */
#define SLICE_NS 250000

/*
 * Octets of answers to gather before they are sent. One more answer may go
 * over it, and that is the most that may wait for a client.
 */
#define OUTPUT_MARK (16 << 10)
#define OUTPUT_SIZE (OUTPUT_MARK + LENGTH_SIZE + ANSWER_TCP_SIZE)

/* See connection_idle_ms(). */
#define SHORT_OF_PLACES(limits) ((limits)->clients_max / 4 * 3)
#define SHORT_IDLE		10

struct connection {
	uv_poll_t poll;
	int fd;
	int watched;		       /* what @poll looks for: uv_poll_event */
	TAILQ_ENTRY(connection) entry; /* while it is open */
	TAILQ_ENTRY(connection) turn;  /* while it is queued */
	bool queued;
	struct connections *set;
	void *owner;
	struct sockaddr_in6 client; /* or a sockaddr_in */
	struct lane *lane;
	uint64_t active_ms;  /* of the last sign of life, by uv_now() */
	struct buffer input; /* read and not answered yet */
	uint8_t *waiting;    /* answers not taken yet, or NULL; see settle() */
	size_t waiting_len;  /* octets of these */
	size_t taken;	     /* of these, from the front */
};

TAILQ_HEAD(connection_list, connection);

struct connections {
	uv_loop_t *loop;
	uv_timer_t idle;  /* runs once; while there are connections, again */
	uv_check_t slice; /* runs while somebody is queued */
	uv_idle_t again;  /* the loop must not wait: somebody was left over */
	struct responder *responder;
	struct connection_limits *limits;
	void (*closed)(void *owner);
	struct connection_list open;  /* the longest silent one first */
	struct connection_list queue; /* whose turn it is first */
	unsigned count;		      /* of those open */
	uint64_t slice_end;	      /* by uv_hrtime() */
	uint8_t input[INPUT_SIZE];
	uint8_t output[OUTPUT_SIZE];
};

static void on_idle(uv_timer_t *timer);

int connections_new(struct connections **out, uv_loop_t *loop,
		    struct responder *responder,
		    struct connection_limits *limits,
		    void (*closed)(void *owner))
{
	struct connections *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->loop = loop;
	set->responder = responder;
	set->limits = limits;
	set->closed = closed;
	TAILQ_INIT(&set->open);
	TAILQ_INIT(&set->queue);
	uv_timer_init(loop, &set->idle);
	uv_check_init(loop, &set->slice);
	uv_idle_init(loop, &set->again);
	set->idle.data = set->slice.data = set;
	*out = set;
	return 0;
}

void connections_stop(struct connections *set)
{
	uv_close((uv_handle_t *)&set->idle, NULL);
	uv_close((uv_handle_t *)&set->slice, NULL);
	uv_close((uv_handle_t *)&set->again, NULL);
}

struct connections *connections_free(struct connections *set)
{
	free(set);
	return NULL;
}

uint64_t connection_idle_ms(const struct connection_limits *limits)
{
	if (atomic_load(&limits->clients) > SHORT_OF_PLACES(limits))
		return limits->idle_ms / SHORT_IDLE;
	return limits->idle_ms;
}

/*
 * What the longest silent connection has left decides when to look again; but
 * places may become short before, through clients of other workers.
 */
static void set_idle_timer(struct connections *set)
{
	struct connection *first = TAILQ_FIRST(&set->open);
	uint64_t soon = uv_now(set->loop) + set->limits->idle_ms / SHORT_IDLE;
	uint64_t end;

	if (!first)
		return;
	end = first->active_ms + connection_idle_ms(set->limits);
	if (end > soon || first->queued)
		end = soon;
	uv_timer_start(&set->idle, on_idle,
		       end > uv_now(set->loop) ? end - uv_now(set->loop) : 0,
		       0);
}

static bool is_closing(const struct connection *connection)
{
	return uv_is_closing((const uv_handle_t *)&connection->poll);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	void (*closed)(void *owner) = connection->set->closed;
	void *owner = connection->owner;

	buffer_deinit(&connection->input);
	free(connection->waiting);
	free(connection);
	closed(owner);
}

static void on_slice(uv_check_t *slice);

/* Behind all others whose turn it is; served when the loop has polled. */
static void enqueue(struct connection *connection)
{
	struct connections *set = connection->set;

	assert(!connection->queued && !is_closing(connection));
	if (TAILQ_EMPTY(&set->queue))
		uv_check_start(&set->slice, on_slice);
	TAILQ_INSERT_TAIL(&set->queue, connection, turn);
	connection->queued = true;
}

static void dequeue(struct connection *connection)
{
	TAILQ_REMOVE(&connection->set->queue, connection, turn);
	connection->queued = false;
}

static void leave_set(struct connection *connection)
{
	struct connections *set = connection->set;

	if (connection->queued)
		dequeue(connection);
	TAILQ_REMOVE(&set->open, connection, entry);
	set->count--;
	atomic_fetch_sub(&set->limits->clients, 1);
}

/* May be called again before on_closed(). */
static void connection_close(struct connection *connection)
{
	if (is_closing(connection))
		return;
	leave_set(connection);
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
static void connection_drop(struct connection *connection)
{
	static const struct linger reset = {.l_onoff = 1};

	if (is_closing(connection))
		return;
	if (has_unsent(connection))
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset,
			   sizeof(reset));
	connection_close(connection);
}

/* Who waits for his turn is not silent: we are. */
static void on_idle(uv_timer_t *timer)
{
	struct connections *set = timer->data;
	uint64_t now = uv_now(set->loop);
	struct connection *connection = TAILQ_FIRST(&set->open);
	struct connection *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (connection->active_ms + connection_idle_ms(set->limits) >
		    now)
			break;
		if (!connection->queued)
			connection_drop(connection);
	}
	set_idle_timer(set);
}

/* A sign of life. */
static void touch(struct connection *connection)
{
	struct connections *set = connection->set;

	connection->active_ms = uv_now(set->loop);
	TAILQ_REMOVE(&set->open, connection, entry);
	TAILQ_INSERT_TAIL(&set->open, connection, entry);
}

/* Octets of the first query and its length, or 0 if it is not whole yet. */
static size_t whole_query(const uint8_t *data, size_t len)
{
	size_t need;

	if (len < LENGTH_SIZE)
		return 0;
	need = LENGTH_SIZE + get_u16(data);
	return len < need ? 0 : need;
}

/*
 * Answer queries from *@done on, as many as one turn may.
 * Return: octets of answers.
 */
static size_t fill_output(struct connection *connection, const uint8_t *data,
			  size_t len, size_t *done)
{
	struct connections *set = connection->set;
	const struct answer_client client = {
		.transport = ANSWER_TCP,
		.address = (const struct sockaddr *)&connection->client,
	};
	size_t used = 0;
	size_t query, answered;
	uint8_t *out;

	for (unsigned i = 0; i < TURN_ANSWERS && used < OUTPUT_MARK; i++) {
		query = whole_query(data + *done, len - *done);
		if (!query || (i && uv_hrtime() >= set->slice_end))
			break;
		out = set->output + used;
		answered = responder_answer(
			set->responder, &client, data + *done + LENGTH_SIZE,
			query - LENGTH_SIZE, out + LENGTH_SIZE);
		*done += query;
		if (!answered)
			continue;
		put_u16(out, (uint16_t)answered);
		used += LENGTH_SIZE + answered;
	}
	return used;
}

/* Return: octets that the kernel took; or -errno: the client is gone. */
static ssize_t send_some(const struct connection *connection,
			 const uint8_t *data, size_t len)
{
	ssize_t n = send(connection->fd, data, len, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0
								     : -errno;
}

/* What the kernel does not take now waits, and reading waits with it. */
static int keep_waiting(struct connection *connection, const uint8_t *data,
			size_t len)
{
	connection->waiting = malloc(len);
	if (!connection->waiting)
		return -ENOMEM;
	memcpy(connection->waiting, data, len);
	connection->waiting_len = len;
	connection->taken = 0;
	return 0;
}

static void send_answers(struct connection *connection, const uint8_t *data,
			 size_t len)
{
	ssize_t n = send_some(connection, data, len);

	touch(connection);
	if (n < 0 || ((size_t)n < len &&
		      keep_waiting(connection, data + n, len - (size_t)n) < 0))
		connection_close(connection);
}

static void send_waiting(struct connection *connection)
{
	ssize_t n =
		send_some(connection, connection->waiting + connection->taken,
			  connection->waiting_len - connection->taken);

	if (n < 0) {
		connection_close(connection);
		return;
	}
	connection->taken += (size_t)n;
	if (connection->taken < connection->waiting_len)
		return;
	free(steal(&connection->waiting));
	touch(connection);
}

/*
 * Answer the whole queries in @data, as many as one turn may.
 * Return: octets of @data that are done with.
 */
static size_t answer_queries(struct connection *connection, const uint8_t *data,
			     size_t len)
{
	struct connections *set = connection->set;
	size_t done = 0;
	size_t used;

	if (!whole_query(data, len))
		return 0;
	if (responder_begin(set->responder, connection->lane) < 0) {
		connection_close(connection);
		return len;
	}
	/* RFC 7828, section 3.3.2: the time that holds now, in 100 ms. */
	set->responder->options.keepalive =
		(uint16_t)(connection_idle_ms(set->limits) / 100);
	used = fill_output(connection, data, len, &done);
	responder_end(set->responder);
	if (used)
		send_answers(connection, set->output, used);
	return done;
}

/* Answer what can be answered of the input that was kept. */
static void advance(struct connection *connection)
{
	struct buffer *input = &connection->input;
	size_t done = answer_queries(connection, input->data, input->len);

	if (!done)
		return;
	input->len -= done;
	if (input->len)
		memmove(input->data, input->data + done, input->len);
	else
		buffer_deinit(input);
}

static void take_input(struct connection *connection, const uint8_t *data,
		       size_t len)
{
	size_t done = 0;

	if (!connection->input.len)
		done = answer_queries(connection, data, len);
	if (done == len)
		return;
	if (buffer_add(&connection->input, data + done, len - done) < 0)
		connection_close(connection);
	else if (!done)
		advance(connection);
}

/* At the client's end of stream nothing waits: we would not be reading. */
static void read_input(struct connection *connection)
{
	uint8_t *input = connection->set->input;
	ssize_t n = recv(connection->fd, input, INPUT_SIZE, 0);

	if (n > 0)
		take_input(connection, input, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		connection_close(connection);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct connection *connection, int events)
{
	if (connection->watched == events)
		return;
	connection->watched = events;
	/* Fails only for a handle that is closing. */
	if (events)
		uv_poll_start(&connection->poll, events, on_ready);
	else
		uv_poll_stop(&connection->poll);
}

static bool can_answer(const struct connection *connection)
{
	const struct buffer *input = &connection->input;

	return whole_query(input->data, input->len);
}

/*
 * What it needs for its next turn: that the client takes the answers; or,
 * with queries left over, that the others had theirs; or that more is read.
 *
 * Nothing is read as long as there is one of the first two, so that the input
 * never holds more than an unfinished query and one read.
 */
static void settle(struct connection *connection)
{
	if (is_closing(connection))
		return;
	if (connection->waiting) {
		watch(connection, UV_WRITABLE);
	} else if (can_answer(connection)) {
		traffic_add(connection->lane, TRAFFIC_DEFERRED, 1);
		enqueue(connection);
	} else {
		watch(connection, UV_READABLE);
	}
}

static void take_turn(struct connection *connection)
{
	dequeue(connection);
	if (connection->waiting)
		send_waiting(connection);
	else if (can_answer(connection))
		advance(connection);
	else
		read_input(connection);
	settle(connection);
}

static void on_again(uv_idle_t *again)
{
	(void)again; /* the loop polls without waiting while this runs */
}

/* After the loop has polled, so that what came over UDP was answered first. */
static void on_slice(uv_check_t *slice)
{
	struct connections *set = slice->data;
	struct connection *first;

	set->slice_end = uv_hrtime() + SLICE_NS;
	while ((first = TAILQ_FIRST(&set->queue))) {
		take_turn(first);
		if (uv_hrtime() >= set->slice_end)
			break;
	}
	if (TAILQ_EMPTY(&set->queue)) {
		uv_check_stop(&set->slice);
		uv_idle_stop(&set->again);
	} else {
		uv_idle_start(&set->again, on_again);
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct connection *connection = poll->data;

	(void)events;
	if (status < 0)
		connection_close(connection);
	else if (!connection->queued)
		enqueue(connection);
	else
		watch(connection, 0); /* its turn will come anyway */
}

/* Return: whether there is room for one who has been counted already. */
static bool make_room(struct connections *set)
{
	struct connection *first = TAILQ_FIRST(&set->open);

	if (first)
		connection_drop(first);
	return first;
}

static int new_connection(struct connection **out, struct connections *set,
			  int fd)
{
	CLEANUP(freep)
	struct connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return -ENOMEM;
	r = uv_poll_init(set->loop, &connection->poll, fd);
	if (r < 0)
		return r;
	connection->poll.data = connection;
	connection->fd = fd;
	connection->set = set;
	connection->active_ms = uv_now(set->loop);
	TAILQ_INSERT_TAIL(&set->open, connection, entry);
	set->count++;
	if (!uv_is_active((uv_handle_t *)&set->idle))
		set_idle_timer(set);
	*out = steal(&connection);
	return 0;
}

bool connections_take_more(const struct connections *set)
{
	const struct connection_limits *limits = set->limits;
	unsigned share = limits->clients_max / limits->workers;

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
	atomic_fetch_sub(&limits->clients, 1);
	return -EUSERS;
}

int connection_open(struct connections *set, int fd,
		    const struct sockaddr_in6 *client, struct lane *lane,
		    void *owner)
{
	struct connection *connection;
	int r = count_client(set);

	if (r < 0) {
		close(fd);
		return r;
	}
	r = new_connection(&connection, set, fd);
	if (r < 0) {
		atomic_fetch_sub(&set->limits->clients, 1);
		close(fd);
		return r;
	}
	connection->client = *client;
	connection->lane = lane;
	connection->owner = owner;
	watch(connection, UV_READABLE);
	return 0;
}

void connections_close(struct connections *set, const void *owner)
{
	struct connection *connection = TAILQ_FIRST(&set->open);
	struct connection *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (connection->owner == owner)
			connection_close(connection);
	}
}
