/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - the message bus between hosts; NATS behind it
 *
 * The one header of it: nothing else knows which bus it is. The bus has a
 * thread and a loop of its own, since what it uses may block: to resolve names,
 * to connect, to wait for a server that is frozen. What comes in is handed to
 * the main loop by a queue; what goes out is queued by the main loop and sent
 * by the bus's thread.
 *
 * One connection is one life: when it ends, what was queued is dropped and
 * never sent later, and the next one begins with the subscriptions that are
 * wanted then. The subscriber is told of both. Messages of one host to another
 * come in the order in which they were sent, within one life. Those of several
 * hosts take turns: a sender is the last word of a subject.
 *
 * The bus's thread sends this host's beat, each BUS_BEAT_MS, as long as the
 * main loop has come round in the last second: a loop that is stuck must not
 * look alive, and one that copies much must not look dead.
 *
 * Threading: the main loop, but for what says otherwise.
 */
#ifndef FS_FLEET_BUS_H
#define FS_FLEET_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

#define BUS_BEAT_MS 2000
/* Servers that may be named, and octets of a URL. */
#define BUS_URLS_MAX 16
#define BUS_URL_SIZE 300
/* Octets that wait to be sent; past that bus_send() is -ENOBUFS. */
#define BUS_OUT_MAX ((size_t)64 << 20)
/* Octets that wait for the main loop; past that the bus stops reading. */
#define BUS_IN_MAX ((size_t)64 << 20)
/*
 * And that one sender may have of that; what more it sends is lost. So one that
 * floods this host takes no other's room, and as those that have something
 * waiting take turns, no other's time. A host that keeps to its slots does not
 * come near it.
 */
#define BUS_IN_SHARE (BUS_IN_MAX / 2)
/*
 * Messages that one sender may send for nothing: which are no part of a call or
 * of its answer, or are lost by the share above. Each counts as one, and as one
 * more for each BUS_VAIN_OCTETS; and with each millisecond BUS_VAIN_PER_MS are
 * forgotten. A host that keeps to its slots sends a few of them for each call,
 * and not a thousand a second; one that floods sends a hundred thousand. Who is
 * past it is shut out: see bus_options.floods.
 */
#define BUS_VAIN_MAX	4096
#define BUS_VAIN_PER_MS 4
#define BUS_VAIN_OCTETS ((size_t)8192)

struct bus;

struct bus_message {
	const char *subject; /* terminated */
	void *data;	     /* aligned as malloc()'s; may be written to */
	size_t len;
	bool nobody; /* it is the server's word that nobody has listened to
			what was sent with this subject as its reply */
};

struct bus_options {
	/* All texts are copied. */
	const char *urls; /* "nats://a:4222+tls://b:4222"; see bus_urls.h */
	const char *credentials; /* text of the file; NULL: none */
	const char *ca;		 /* PEM; NULL: the system's */
	const char *name; /* of the connection, for who watches the bus */
	/*
	 * On the main loop; the message is the bus's, until it returns. Return:
	 * whether its sender had to send it; else it counts as for nothing.
	 */
	bool (*message)(void *arg, const struct bus_message *message);
	/*
	 * The sender of messages like this one is past BUS_VAIN_MAX: it is not
	 * heard any more until bus_forgive(). What it sends all the same still
	 * takes the time of the others, so the subject should be unsubscribed
	 * from; this is told again where that is not enough.
	 */
	void (*floods)(void *arg, const char *subject);
	/* A life begins (@up), or has ended. */
	void (*changed)(void *arg, bool up);
	/* A line for the log; @priority as in syslog(3). */
	void (*report)(int priority, const char *line);
	void *arg;
};

/* What is to be told of it. */
struct bus_figures {
	bool up;
	uint64_t lives;		 /* connections that were made */
	uint64_t sent, received; /* messages */
	uint64_t dropped;	 /* that waited when a life ended */
	uint64_t refused; /* of a sender that had too many waiting, or floods */
	uint64_t floods;  /* times that a sender was shut out */
	size_t waiting_out, waiting_in; /* octets */
};

/** bus_is_built() - was the program built with it? any thread */
bool bus_is_built(void);

/**
 * bus_new() - start the thread; it connects by itself, and again
 *
 * Return: 0; -EINVAL: the URLs or the credentials are none; -EOPNOTSUPP: see
 * bus_is_built(); -ENOMEM, -EAGAIN, -errno.
 */
int bus_new(struct bus **out, uv_loop_t *loop,
	    const struct bus_options *options);

/**
 * bus_free() - send what waits, for half a second at most, and end; NULL is
 * fine
 *
 * A thread that waits for a resolver of names is left behind after two seconds.
 * The handle in the loop is closed: run the loop once more after.
 */
struct bus *bus_free(struct bus *bus);

/**
 * bus_subscribe() - have messages of that subject, in this life and the next
 * @subject: may have wildcards; the same one twice counts
 *
 * Return: 0; -ENOMEM.
 */
int bus_subscribe(struct bus *bus, const char *subject);
void bus_unsubscribe(struct bus *bus, const char *subject);

/** bus_forgive() - who was shut out is heard again, and soon shut out again
 * @sender: the last word of its subjects
 */
void bus_forgive(struct bus *bus, const char *sender);

/**
 * bus_send() - publish a message, whose pieces are copied
 * @reply: where the server says that nobody listens; NULL: it does not
 *
 * Return: 0; -ENOTCONN: no life; -ENOBUFS: too much waits; -EMSGSIZE: see
 * bus_size_max(); -ENOMEM.
 */
int bus_send(struct bus *bus, const char *subject, const char *reply,
	     const struct iovec *pieces, int count);

/** bus_size_max() - octets of a message, 144 KiB or less; 0: no life */
size_t bus_size_max(const struct bus *bus);

/** bus_is_up() - is there a connection? */
bool bus_is_up(const struct bus *bus);

/**
 * bus_set_beat() - what the bus's thread sends by itself, from now on
 * @subject: NULL: nothing
 */
int bus_set_beat(struct bus *bus, const char *subject, const void *data,
		 size_t len);

/**
 * bus_round() - the main loop has come round; call it at least 5 times a second
 */
void bus_round(struct bus *bus);

/**
 * bus_beaten_ms() - when this host was last heard by a server that answers
 *
 * By bus_now_ms(); 0: never. A beat counts when the server has answered what
 * was sent after it.
 */
uint64_t bus_beaten_ms(const struct bus *bus);

/** bus_now_ms() - CLOCK_BOOTTIME: it goes on while the machine sleeps; any
 * thread */
uint64_t bus_now_ms(void);

/** bus_figures() - of now */
void bus_figures(const struct bus *bus, struct bus_figures *out);

#endif
