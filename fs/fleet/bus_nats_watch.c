// SPDX-License-Identifier: Apache-2.0
/*
 * bus_nats_watch.c - the two threads of a connection
 *
 * The flusher asks, for that waits. The watchman looks how long a read takes,
 * which nothing else can end than a shut socket.
 */
#include <errno.h>
#include <sys/socket.h>

#include "dns/wire/thread.h"
#include "fs/fleet/bus_nats_line.h"

/*
 * A flush ends with its answer or its connection, and this is more than either
 * takes: what is given up sooner is not counted when the answer comes.
 */
#define FLUSH_MS 10000
/* So often the watchman looks. */
#define LOOK_MS 200
/* A read or write that has taken so long is stuck. */
#define STUCK_MS 1000

/* Called with the mutex held, which it lets go of. */
static void flush_one(struct line *line)
{
	natsConnection *nats = line->nats;
	natsStatus status;

	line->asked = false;
	if (!nats)
		return;
	line->flushing = true;
	pthread_mutex_unlock(&line->mutex);
	status = natsConnection_FlushTimeout(nats, FLUSH_MS);
	pthread_mutex_lock(&line->mutex);
	line->flushing = false;
	if (status == NATS_OK && line->nats == nats) {
		line->answers++;
		line->options.wake(line->options.arg);
	}
	/* An answer that is behind so much will be the next one's. */
	if (status == NATS_TIMEOUT && line->nats == nats)
		line->asked = true;
	pthread_cond_broadcast(&line->cond);
}

static void *flusher_main(void *arg)
{
	struct line *line = arg;

	pthread_mutex_lock(&line->mutex);
	while (!line->stopped)
		if (line->asked)
			flush_one(line);
		else
			pthread_cond_wait(&line->cond, &line->mutex);
	pthread_mutex_unlock(&line->mutex);
	return NULL;
}

/* With the mutex held. */
static void get_unstuck(struct line *line)
{
	uint64_t since = atomic_load(&line->busy_ms);

	if (since && bus_now_ms() > since + STUCK_MS && line->fd >= 0)
		shutdown(line->fd, SHUT_RDWR);
}

/* With the mutex held. */
static void rest(struct line *line)
{
	thread_cond_wait(&line->cond, &line->mutex, LOOK_MS);
}

static void *watchman_main(void *arg)
{
	struct line *line = arg;

	pthread_mutex_lock(&line->mutex);
	while (!line->stopped) {
		rest(line);
		get_unstuck(line);
	}
	pthread_mutex_unlock(&line->mutex);
	return NULL;
}

static void stop(struct line *line, bool has_watchman)
{
	pthread_mutex_lock(&line->mutex);
	line->stopped = true;
	pthread_cond_broadcast(&line->cond);
	pthread_mutex_unlock(&line->mutex);
	pthread_join(line->flusher, NULL);
	if (has_watchman)
		pthread_join(line->watchman, NULL);
}

int bus_nats_watch_start(struct line *line)
{
	int r = thread_start(&line->flusher, flusher_main, line);

	if (r < 0)
		return r;
	r = thread_start(&line->watchman, watchman_main, line);
	if (r < 0)
		stop(line, false);
	return r;
}

void bus_nats_watch_stop(struct line *line)
{
	stop(line, true);
}

bool bus_nats_watch_callbacks(struct line *line)
{
	uint64_t end = bus_now_ms() + LINE_WRITE_MS;
	bool is_unused;

	pthread_mutex_lock(&line->mutex);
	while (line->callbacks && bus_now_ms() < end)
		rest(line);
	is_unused = !line->callbacks;
	pthread_mutex_unlock(&line->mutex);
	return is_unused;
}
