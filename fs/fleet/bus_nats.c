// SPDX-License-Identifier: Apache-2.0
/*
 * bus_nats.c - a connection by nats.c, of Debian 12 (3.4.1) and later
 *
 * The library is used in the one way in which it keeps what line.h says:
 *
 * - On the bus's loop, since its own threads race with TLS until 3.11. It
 *   polls inside of reads and writes there, so writes have a deadline.
 * - Never reconnecting: in loop mode its parser keeps half a message of the
 *   connection before, and what was published in between is sent later.
 * - With all messages through its one delivery thread: else each subscription
 *   has a thread, and messages of two subjects overtake each other.
 * - Without its limits on what waits to be delivered, beyond which it drops in
 *   silence; the thread only hands messages on, and where that is slower than
 *   they come, as under a flood of small ones, nothing is read (behind()).
 * - With its pings as good as off, for they do not tell when they are answered
 *   and do not look whether something else comes. ask() flushes instead,
 *   which waits, so that has a thread.
 * - With a look at how long a read takes: within a record of TLS it waits for
 *   the rest of it, for as long as the server is frozen. The watchman, a
 *   thread, shuts the socket down then, which is the one way out.
 *
 * Files of it: see bus_nats_line.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <uthash.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/fleet/bus_nats_line.h"
#include "fs/fleet/bus_tcp.h"

/* Of so many reads, of 32 KiB each, one is followed by a look. */
#define LOOKS 16

static atomic_uint lines;

void bus_nats_end_locked(struct line *line, const char *why)
{
	if (line->ended)
		return;
	line->ended = true;
	snprintf(line->why, sizeof(line->why), "%s", why);
	line->options.wake(line->options.arg);
}

void bus_nats_end(struct line *line, const char *why)
{
	pthread_mutex_lock(&line->mutex);
	bus_nats_end_locked(line, why);
	pthread_mutex_unlock(&line->mutex);
}

/* ---- The socket ---- */

static void line_turn(struct line *line)
{
	if (line->socket && !bus_socket_update(line->socket))
		bus_nats_end(line, "the server has closed the connection");
}

static void on_ready(void *arg, int status, int events)
{
	struct line *line = arg;

	if (!line->nats)
		return;
	atomic_store(&line->busy_ms, bus_now_ms());
	if (status < 0 || events & UV_READABLE) {
		line->moved_ms = bus_now_ms();
		natsConnection_ProcessReadEvent(line->nats);
	}
	if (status == 0 && events & UV_WRITABLE)
		natsConnection_ProcessWriteEvent(line->nats);
	atomic_store(&line->busy_ms, 0);
	line_turn(line);
	line->options.moved(line->options.arg);
}

static void on_wake(void *arg)
{
	struct line *line = arg;

	line->options.wake(line->options.arg);
}

/*
 * There may be a subscription for each host, so it is looked at now and then;
 * what is read in between is less than a mebibyte, 10 as the library keeps it.
 */
static size_t line_behind(struct line *line)
{
	if (line->looks++ % LOOKS == 0 || line->behind)
		line->behind = bus_nats_behind(line);
	return line->behind;
}

static void line_pause(struct line *line, bool pause)
{
	if (!line->socket || line->socket->is_paused == pause)
		return;
	line->moved_ms = bus_now_ms();
	bus_socket_pause(line->socket, pause);
}

/* Has the server said that something is not allowed, and was it not told? */
static bool line_complains(struct line *line, char why[LINE_WHY_SIZE])
{
	const char *last = NULL;

	if (!line->nats ||
	    natsConnection_GetLastError(line->nats, &last) !=
		    NATS_NOT_PERMITTED ||
	    !last ||
	    !strncmp(line->complaint, last, sizeof(line->complaint) - 1))
		return false;
	snprintf(line->complaint, sizeof(line->complaint), "%s", last);
	memcpy(why, line->complaint, sizeof(line->complaint));
	return true;
}

/* ---- Told ---- */

static void line_ask(struct line *line)
{
	pthread_mutex_lock(&line->mutex);
	line->asked = true;
	pthread_cond_broadcast(&line->cond);
	pthread_mutex_unlock(&line->mutex);
}

static unsigned line_answers(struct line *line)
{
	unsigned answers;

	pthread_mutex_lock(&line->mutex);
	answers = line->answers;
	pthread_mutex_unlock(&line->mutex);
	return answers;
}

static uint64_t line_moved_ms(struct line *line)
{
	if (line->socket && bus_tcp_moves(line->socket->fd, &line->taken))
		line->moved_ms = bus_now_ms();
	return line->moved_ms;
}

static size_t line_waiting(struct line *line)
{
	int waiting = line->nats ? natsConnection_Buffered(line->nats) : 0;

	return waiting > 0 ? (size_t)waiting : 0;
}

static size_t line_size_max(struct line *line)
{
	int64_t max = line->nats ? natsConnection_GetMaxPayload(line->nats) : 0;

	if (max < 0)
		return 0;
	return max < (int64_t)LINE_SIZE_MAX ? (size_t)max : LINE_SIZE_MAX;
}

/* ---- A life ---- */

static void adopt(struct line *line, natsConnection *nats)
{
	line->moved_ms = bus_now_ms();
	line->complaint[0] = 0;
	pthread_mutex_lock(&line->mutex);
	line->nats = nats;
	line->fd = line->socket->fd;
	line->ended = line->asked = false;
	line->answers = 0;
	pthread_mutex_unlock(&line->mutex);
}

static int line_connect(struct line *line, const struct bus_url *url,
			unsigned within_ms, char why[LINE_WHY_SIZE])
{
	natsConnection *nats = NULL;
	struct bus_socket *socket = NULL;
	int r;

	assert(!line->nats && !line->subscriptions && !line->socket);
	r = bus_nats_connect(&line->options, url, within_ms, &nats, &socket,
			     why);
	if (r < 0)
		return r;
	socket->ready = on_ready;
	socket->wake = on_wake;
	socket->arg = line;
	r = bus_socket_adopt(socket, line->options.loop);
	if (r < 0) {
		snprintf(why, LINE_WHY_SIZE, "%s", strerror(-r));
		natsConnection_Destroy(nats);
		bus_socket_free(socket);
		return r;
	}
	line->socket = socket;
	adopt(line, nats);
	return 0;
}

static void line_disconnect(struct line *line)
{
	natsConnection *nats;

	pthread_mutex_lock(&line->mutex);
	nats = steal(&line->nats);
	line->asked = false;
	pthread_mutex_unlock(&line->mutex);
	if (!nats)
		return;
	/* What is queued must not be sent any more, nor waited for. */
	shutdown(line->socket->fd, SHUT_RDWR);
	/* This wakes who waits for an answer, and whoever does uses it. */
	natsConnection_Close(nats);
	pthread_mutex_lock(&line->mutex);
	line->fd = -1;
	while (line->flushing)
		pthread_cond_wait(&line->cond, &line->mutex);
	pthread_mutex_unlock(&line->mutex);
	bus_nats_unsubscribe_all(line);
	natsConnection_Destroy(nats);
	bus_socket_close(steal(&line->socket));
}

static bool line_has_ended(struct line *line, char why[LINE_WHY_SIZE])
{
	bool ended;

	pthread_mutex_lock(&line->mutex);
	ended = line->ended;
	if (ended)
		memcpy(why, line->why, sizeof(line->why));
	pthread_mutex_unlock(&line->mutex);
	return ended;
}

/* ---- */

static void line_delete(struct line *line)
{
	pthread_cond_destroy(&line->cond);
	pthread_mutex_destroy(&line->mutex);
	free(line);
}

static int line_new(struct line **out, const struct line_options *options)
{
	struct line *line = calloc(1, sizeof(*line));
	int r;

	if (!line)
		return -ENOMEM;
	bus_nats_begin();
	line->options = *options;
	line->fd = -1;
	pthread_mutex_init(&line->mutex, NULL);
	r = thread_cond_init(&line->cond);
	if (r < 0) {
		pthread_mutex_destroy(&line->mutex);
		free(line);
		return r;
	}
	r = bus_nats_watch_start(line);
	if (r < 0) {
		line_delete(line);
		return r;
	}
	lines++;
	*out = line;
	return 0;
}

static struct line *line_free(struct line *line)
{
	bool is_unused;

	if (!line)
		return NULL;
	assert(!line->nats && !line->socket);
	bus_nats_watch_stop(line);
	is_unused = bus_nats_watch_callbacks(line);
	/* So that no thread of the library's is left. */
	if (--lines == 0 && !bus_nats_attempts())
		nats_CloseAndWait(LINE_WRITE_MS);
	if (is_unused)
		line_delete(line);
	return NULL;
}

/* What LINE_SIZE_MAX is for: it is the library's, and once a life. */
#if FILTER_SANITIZED
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:natsBuf_Create\n";
}
#endif

static const struct line_kind kind = {
	.new = line_new,
	.free = line_free,
	.connect = line_connect,
	.disconnect = line_disconnect,
	.turn = line_turn,
	.has_ended = line_has_ended,
	.complains = line_complains,
	.subscribe = bus_nats_subscribe,
	.unsubscribe = bus_nats_unsubscribe,
	.publish = bus_nats_publish,
	.waiting = line_waiting,
	.size_max = line_size_max,
	.behind = line_behind,
	.pause = line_pause,
	.ask = line_ask,
	.answers = line_answers,
	.moved_ms = line_moved_ms,
};

const struct line_kind *const line_kind = &kind;
