// SPDX-License-Identifier: Apache-2.0
/*
 * turn.c - TCP clients take turns, behind what came over UDP
 *
 * A socket that is ready is only noted: its connection goes to the end of the
 * queue. libuv runs `slice` right after it has polled, and so after all that
 * came over UDP was answered; connections then take their turns, until the
 * queue is empty or the slice of time is over. In the second case `again`
 * keeps the loop from waiting, so that the next slice follows when all sockets
 * were looked at once more.
 *
 * In a turn a connection does one thing: it sends what waits, or answers what
 * it has read, or reads. settle() then says what it waits for. A socket stays
 * watched while its connection is queued; if it is reported again it is not
 * watched any more until settle() wants it.
 */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <utlist.h>

#include "dns/serve/turn_layout.h"

/* Answers in one turn; it also ends with the slice, or at OUTPUT_MARK. */
#define TURN_ANSWERS 100

/* Of the loop's time, for all turns between two looks at the other sockets. */
#define SLICE_NS 250000

static void on_slice(uv_check_t *slice);

void turn_enqueue(struct connection *connection)
{
	struct connections *set = connection->set;

	assert(!connection->queued && !connection_is_closing(connection));
	if (!set->queue)
		uv_check_start(&set->slice, on_slice);
	DL_APPEND2(set->queue, connection, turn_prev, turn_next);
	connection->queued = true;
}

static void dequeue(struct connection *connection)
{
	struct connections *set = connection->set;

	assert(connection->queued);
	DL_DELETE2(set->queue, connection, turn_prev, turn_next);
	connection->queued = false;
}

/* Octets of the first query and its length, or 0 if it is not whole yet. */
static size_t whole_query(const uint8_t *data, size_t len)
{
	size_t need;

	if (len < MESSAGE_LENGTH_SIZE)
		return 0;
	need = MESSAGE_LENGTH_SIZE + get_u16(data);
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
		assert(sizeof(set->output) - used >=
		       MESSAGE_LENGTH_SIZE + MESSAGE_TCP_SIZE);
		out = set->output + used;
		answered = responder_answer(set->responder, &client,
					    data + *done + MESSAGE_LENGTH_SIZE,
					    query - MESSAGE_LENGTH_SIZE,
					    out + MESSAGE_LENGTH_SIZE);
		answered =
			turn_ask(connection, data + *done + MESSAGE_LENGTH_SIZE,
				 answered, out + MESSAGE_LENGTH_SIZE);
		*done += query;
		if (!answered)
			answered = turn_take_transfer(
				connection, out + MESSAGE_LENGTH_SIZE);
		if (!answered &&
		    (connection->transfer || connection->is_asking))
			break;
		if (!answered)
			continue;
		put_u16(out, (uint16_t)answered);
		used += MESSAGE_LENGTH_SIZE + answered;
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
	assert(!connection->waiting && len && len <= OUTPUT_SIZE);
	connection->waiting = malloc(len);
	if (!connection->waiting)
		return -ENOMEM;
	memcpy(connection->waiting, data, len);
	connection->waiting_len = len;
	connection->taken = 0;
	return 0;
}

void turn_send(struct connection *connection, const uint8_t *data, size_t len)
{
	ssize_t n = send_some(connection, data, len);

	connection_touch(connection);
	if (n < 0 || ((size_t)n < len &&
		      keep_waiting(connection, data + n, len - (size_t)n) < 0))
		connection_close(connection);
}

static void send_waiting(struct connection *connection)
{
	ssize_t n;

	assert(connection->taken < connection->waiting_len);
	n = send_some(connection, connection->waiting + connection->taken,
		      connection->waiting_len - connection->taken);

	if (n < 0) {
		connection_close(connection);
		return;
	}
	connection->taken += (size_t)n;
	if (connection->taken < connection->waiting_len)
		return;
	free(steal(&connection->waiting));
	connection_touch(connection);
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
		turn_send(connection, set->output, used);
	return done;
}

/* Answer what can be answered of the input that was kept. */
static void advance(struct connection *connection)
{
	struct buffer *input = &connection->input;
	size_t done = answer_queries(connection, input->data, input->len);

	if (!done)
		return;
	assert(done <= input->len);
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
	assert(done <= len);
	if (done == len)
		return;
	/* More is read only when no query in it is whole: see settle(). */
	assert(connection->input.len < MESSAGE_LENGTH_SIZE + MESSAGE_TCP_SIZE);
	if (buffer_add(&connection->input, data + done, len - done) < 0)
		connection_close(connection);
	else if (!done)
		advance(connection);
}

/* No answer waits when the client's stream ends: nothing is read till then. */
static void read_input(struct connection *connection)
{
	uint8_t *input = connection->set->input;
	ssize_t n = recv(connection->fd, input, INPUT_SIZE, 0);

	assert(!connection->waiting);
	if (n > 0)
		take_input(connection, input, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		connection_close(connection);
}

static void on_ready(uv_poll_t *poll, int status, int events);

void turn_watch(struct connection *connection, int events)
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
	if (connection_is_closing(connection))
		return;
	if (connection->waiting) {
		turn_watch(connection, UV_WRITABLE);
	} else if (connection->is_asking) {
		turn_watch(connection, 0);
	} else if (connection->transfer) {
		turn_settle_transfer(connection);
	} else if (can_answer(connection)) {
		traffic_add(connection->lane, TRAFFIC_DEFERRED, 1);
		turn_enqueue(connection);
	} else {
		turn_watch(connection, UV_READABLE);
	}
}

static void take_turn(struct connection *connection)
{
	dequeue(connection);
	if (connection->ended)
		connection_close(connection);
	else if (connection->waiting)
		send_waiting(connection);
	else if (connection->is_asking)
		; /* turn_ask.c goes on when there is an answer */
	else if (connection->transfer)
		turn_send_transfer(connection);
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

	set->slice_end = uv_hrtime() + SLICE_NS;
	while (set->queue) {
		take_turn(set->queue);
		if (uv_hrtime() >= set->slice_end)
			break;
	}
	if (!set->queue) {
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
		turn_enqueue(connection);
	else
		turn_watch(connection, 0); /* its turn will come anyway */
}

void turns_init(struct connections *set)
{
	uv_check_init(set->loop, &set->slice);
	uv_idle_init(set->loop, &set->again);
	set->slice.data = set;
}

void turns_stop(struct connections *set)
{
	uv_close((uv_handle_t *)&set->slice, NULL);
	uv_close((uv_handle_t *)&set->again, NULL);
}

void turn_await(struct connection *connection)
{
	settle(connection);
}

void turn_end(struct connection *connection)
{
	connection->ended = true;
	if (!connection->queued)
		turn_enqueue(connection);
}

void turn_leave(struct connection *connection)
{
	if (connection->queued)
		dequeue(connection);
}
