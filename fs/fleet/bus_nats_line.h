/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_nats_line.h - a connection by nats.c, for the files that it is made of
 *
 *   bus_nats.c          what line.h asks for: lives, and the socket
 *   bus_nats_messages.c subscriptions, and messages in and out
 *   bus_nats_watch.c    the two threads: one that asks, one that watches
 *
 * How it connects is in bus_nats_connect.h, and its socket in
 * bus_nats_socket.h.
 */
#ifndef FS_FLEET_BUS_NATS_LINE_H
#define FS_FLEET_BUS_NATS_LINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "fs/fleet/bus_nats_connect.h"

struct subscription {
	UT_hash_handle hh; /* in line->subscriptions, by subject */
	struct subscription *prev, *next; /* or in line->draining */
	natsSubscription *nats;
	char subject[];
};

struct line {
	/* The bus thread's. */
	struct line_options options;
	pthread_t flusher, watchman;
	struct subscription *subscriptions;
	struct subscription *draining; /* utlist */
	struct bus_socket *socket;
	char complaint[LINE_WHY_SIZE]; /* the last one that was told */
	uint64_t moved_ms;
	size_t behind; /* by the last look */
	unsigned looks;
	uint64_t taken;		       /* see bus_tcp.h */
	atomic_uint_least64_t busy_ms; /* in a read or write since; 0: it is
					  in none */

	/* Under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	natsConnection *nats; /* of this life, or NULL */
	int fd;		      /* the socket's, or -1 */
	unsigned callbacks;   /* subscriptions whose last one is to come */
	bool asked, flushing, stopped;
	unsigned answers;
	bool ended;
	char why[LINE_WHY_SIZE];
};

/** bus_nats_end() - the life is over; the first reason counts; any thread */
void bus_nats_end(struct line *line, const char *why);

/** bus_nats_end_locked() - the same, with the mutex held */
void bus_nats_end_locked(struct line *line, const char *why);

/* ---- bus_nats_messages.c: as in line.h ---- */

int bus_nats_subscribe(struct line *line, const char *subject);
void bus_nats_unsubscribe(struct line *line, const char *subject);
int bus_nats_publish(struct line *line, const char *subject, const char *reply,
		     const void *data, size_t len);

/** bus_nats_behind() - octets of messages that wait to be handed on */
size_t bus_nats_behind(struct line *line);

/** bus_nats_unsubscribe_all() - at the end of a life */
void bus_nats_unsubscribe_all(struct line *line);

/* ---- bus_nats_watch.c ---- */

/** bus_nats_watch_start() - both threads: 0; -EAGAIN, and there is none */
int bus_nats_watch_start(struct line *line);

/** bus_nats_watch_stop() - they have ended */
void bus_nats_watch_stop(struct line *line);

/**
 * bus_nats_watch_callbacks() - wait for what the library calls last
 *
 * Return: whether it has let go of the line; it is not waited for longer.
 */
bool bus_nats_watch_callbacks(struct line *line);

#endif
