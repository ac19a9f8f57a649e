/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h - one connection at a time to a server of the bus
 *
 * What the bus's thread asks of the library behind it, and no more; see bus.h
 * for the whole. bus_nats.c has it by nats.c; bus_none.c where that is not
 * built. When a connection has ended nothing of it comes any more: the next one
 * is another life.
 *
 * Threading: the bus's thread, but for what says otherwise. Calls may block for
 * a second or so: a server that does not read is given up then. Names are
 * resolved in connect(), which takes as long as the resolver does.
 */
#ifndef FS_FLEET_LINE_H
#define FS_FLEET_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "fs/fleet/bus_urls.h"
#include "fs/fleet/credentials.h"

/* A write that nobody reads gets so long. */
#define LINE_WRITE_MS 1000
#define LINE_WHY_SIZE 192

/*
 * Octets of a message at most, whatever the server takes: what is larger goes
 * in parts, between which others go too. And nats.c loses the memory of a
 * message that was half here when its connection ended.
 */
#define LINE_SIZE_MAX ((size_t)144 * 1024)

struct line;

struct line_options {
	uv_loop_t *loop;		       /* the bus's */
	const struct credentials *credentials; /* or NULL */
	const char *ca;			       /* or NULL */
	const char *name;
	/*
	 * On a thread of the library, in the order in which the server has
	 * sent them, and not after disconnect(). Return: 0; -errno: the
	 * message is lost, and so the life ends.
	 */
	int (*message)(void *arg, const char *subject, const void *data,
		       size_t len, bool nobody);
	/* Call turn(), on the bus's thread; any thread. */
	void (*wake)(void *arg);
	/* Is nothing wanted any more? Asked while it connects. */
	bool (*stops)(void *arg);
	/* On the bus's thread: something was sent or received. */
	void (*moved)(void *arg);
	void *arg;
};

struct line_kind {
	/* Not connected: 0, -ENOMEM, -EAGAIN. All that @options points at is
	 * borrowed until free(). */
	int (*new)(struct line **out, const struct line_options *options);

	/* Not connected any more. It may wait for the library's threads. */
	struct line *(*free)(struct line *line);

	/*
	 * A life begins; @why receives the reason if it does not. A server
	 * gets @within_ms to say that it is one, and as much for TLS.
	 * Return: 0; -ECONNREFUSED: no server answers there; -EACCES: it does
	 * not want us; -EPROTO: it cannot show that it is the right one;
	 * -ENOMEM, -EAGAIN.
	 */
	int (*connect)(struct line *line, const struct bus_url *url,
		       unsigned within_ms, char why[LINE_WHY_SIZE]);

	/* A life ends; not connected is fine. */
	void (*disconnect)(struct line *line);

	/* Do what other threads have left to be done. */
	void (*turn)(struct line *line);

	/* Has it ended by itself? Then disconnect() is still to be called. */
	bool (*has_ended)(struct line *line, char why[LINE_WHY_SIZE]);

	/* Is something not allowed, which is to be told? It goes on. */
	bool (*complains)(struct line *line, char why[LINE_WHY_SIZE]);

	/* 0; -ENOMEM, -ENOTCONN, -EIO: the life is to end. */
	int (*subscribe)(struct line *line, const char *subject);
	void (*unsubscribe)(struct line *line, const char *subject);

	/* Queue a copy; errors as subscribe(). @reply may be NULL. */
	int (*publish)(struct line *line, const char *subject,
		       const char *reply, const void *data, size_t len);

	/* Octets that publish() has queued. */
	size_t (*waiting)(struct line *line);

	/* Octets of a message that the server takes. */
	size_t (*size_max)(struct line *line);

	/* Octets that were read, and not handed to message() yet. */
	size_t (*behind)(struct line *line);

	/* Read no more, or again. */
	void (*pause)(struct line *line, bool pause);

	/*
	 * Have the server answer to all that was published before. One question
	 * at a time: not before answers() counts the last one.
	 */
	void (*ask)(struct line *line);
	unsigned (*answers)(struct line *line); /* in this life */

	/*
	 * When octets came last, or the server has taken some of those that
	 * wait for it to take them; by bus_now_ms().
	 */
	uint64_t (*moved_ms)(struct line *line);
};

/* NULL: the program was built without. */
extern const struct line_kind *const line_kind;

#endif
