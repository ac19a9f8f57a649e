// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <unistd.h>

#include "dns/buffer.h"
#include "dns/connection.h"

#define LENGTH_SIZE 2 /* in front of each message: RFC 1035, section 4.2.2 */

/*
 * Octets read at once. libuv reads up to 32 times in a row from one client,
 * so this also bounds how long the others wait.
 */
#define INPUT_SIZE 4096

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
	uv_tcp_t stream;
	uv_write_t write;
	TAILQ_ENTRY(connection) entry; /* while it is open */
	struct connections *set;
	void *owner;
	struct sockaddr_in6 client; /* or a sockaddr_in */
	struct lane *lane;
	uint64_t active_ms;  /* of the last sign of life, by uv_now() */
	struct buffer input; /* read and not answered yet */
	uint8_t *waiting;    /* answers not taken yet, or NULL; see advance() */
};

struct connections {
	uv_loop_t *loop;
	uv_timer_t idle; /* runs once; while there are connections, again */
	struct responder *responder;
	struct connection_limits *limits;
	void (*closed)(void *owner);
	TAILQ_HEAD(, connection) open; /* the longest silent one first */
	unsigned count;		       /* of these */
	char input[INPUT_SIZE];
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
	uv_timer_init(loop, &set->idle);
	set->idle.data = set;
	*out = set;
	return 0;
}

void connections_stop(struct connections *set)
{
	uv_close((uv_handle_t *)&set->idle, NULL);
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
	if (end > soon)
		end = soon;
	uv_timer_start(&set->idle, on_idle,
		       end > uv_now(set->loop) ? end - uv_now(set->loop) : 0,
		       0);
}

static bool is_closing(const struct connection *connection)
{
	return uv_is_closing((const uv_handle_t *)&connection->stream);
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

static void leave_set(struct connection *connection)
{
	struct connections *set = connection->set;

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
	uv_close((uv_handle_t *)&connection->stream, on_closed);
}

/* Does the client owe us that it takes what we sent? */
static bool has_unsent(const struct connection *connection)
{
	uv_os_fd_t fd;
	int unsent = 0;

	if (connection->waiting)
		return true;
	return uv_fileno((const uv_handle_t *)&connection->stream, &fd) == 0 &&
	       ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

/*
 * Be rid of a client who was given time and did not use it. The kernel would
 * keep for minutes what he does not take; a reset leaves nothing behind.
 */
static void connection_drop(struct connection *connection)
{
	if (is_closing(connection))
		return;
	if (!has_unsent(connection)) {
		connection_close(connection);
		return;
	}
	leave_set(connection);
	if (uv_tcp_close_reset(&connection->stream, on_closed) < 0)
		uv_close((uv_handle_t *)&connection->stream, on_closed);
}

static void on_idle(uv_timer_t *timer)
{
	struct connections *set = timer->data;
	uint64_t now = uv_now(set->loop);
	struct connection *first;

	while ((first = TAILQ_FIRST(&set->open)) &&
	       first->active_ms + connection_idle_ms(set->limits) <= now)
		connection_drop(first);
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
 * Answer queries from *@done on, until there are none or the output is full.
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

	while (used < OUTPUT_MARK &&
	       (query = whole_query(data + *done, len - *done))) {
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

static void on_written(uv_write_t *write, int status);

/* What the kernel does not take now waits, and reading waits with it. */
static void keep_waiting(struct connection *connection, const uint8_t *data,
			 size_t len)
{
	uv_stream_t *stream = (uv_stream_t *)&connection->stream;
	uv_buf_t buf;

	connection->waiting = malloc(len);
	if (!connection->waiting) {
		connection_close(connection);
		return;
	}
	memcpy(connection->waiting, data, len);
	buf = uv_buf_init((char *)connection->waiting, (unsigned)len);
	uv_read_stop(stream);
	if (uv_write(&connection->write, stream, &buf, 1, on_written) < 0)
		connection_close(connection);
}

static void send_answers(struct connection *connection, uint8_t *data,
			 size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)data, (unsigned)len);
	int n = uv_try_write((uv_stream_t *)&connection->stream, &buf, 1);

	touch(connection);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		connection_close(connection);
	else if ((size_t)n < len)
		keep_waiting(connection, data + n, len - (size_t)n);
}

/*
 * Answer the whole queries in @data, as long as the client takes the answers.
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
	do {
		used = fill_output(connection, data, len, &done);
		if (used)
			send_answers(connection, set->output, used);
	} while (used && !connection->waiting && !is_closing(connection));
	responder_end(set->responder);
	return done;
}

/*
 * Answer what can be answered of the input that was kept.
 *
 * While answers wait nothing is read, so that the input never holds more than
 * an unfinished query and one read.
 */
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

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct connection *connection = handle->data;

	(void)suggested;
	*buf = uv_buf_init(connection->set->input, INPUT_SIZE);
}

/* At the client's end of stream nothing waits: we would not be reading. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *connection = stream->data;

	if (n < 0)
		connection_close(connection);
	else
		take_input(connection, (const uint8_t *)buf->base, (size_t)n);
}

static void on_written(uv_write_t *write, int status)
{
	struct connection *connection =
		container_of(write, struct connection, write);

	free(connection->waiting);
	connection->waiting = NULL;
	if (is_closing(connection))
		return;
	if (status < 0) {
		connection_close(connection);
		return;
	}
	touch(connection);
	advance(connection);
	if (!connection->waiting && !is_closing(connection))
		uv_read_start((uv_stream_t *)&connection->stream, on_alloc,
			      on_read);
}

/* Return: whether there is room for one who has been counted already. */
static bool make_room(struct connections *set)
{
	struct connection *first = TAILQ_FIRST(&set->open);

	if (first)
		connection_drop(first);
	return first;
}

static struct connection *new_connection(struct connections *set,
					 const struct sockaddr_in6 *client,
					 struct lane *lane, void *owner)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->set = set;
	connection->client = *client;
	connection->lane = lane;
	connection->owner = owner;
	connection->active_ms = uv_now(set->loop);
	uv_tcp_init(set->loop, &connection->stream);
	connection->stream.data = connection;
	TAILQ_INSERT_TAIL(&set->open, connection, entry);
	set->count++;
	if (!uv_is_active((uv_handle_t *)&set->idle))
		set_idle_timer(set);
	return connection;
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
	connection = new_connection(set, client, lane, owner);
	if (!connection) {
		atomic_fetch_sub(&set->limits->clients, 1);
		close(fd);
		return -ENOMEM;
	}
	if (uv_tcp_open(&connection->stream, fd) < 0) {
		close(fd);
		connection_close(connection);
	} else if (uv_read_start((uv_stream_t *)&connection->stream, on_alloc,
				 on_read) < 0) {
		connection_close(connection);
	}
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
