/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_inside.h - what the main loop and the bus's thread share
 *
 * For bus.c, which is the main loop's side, and the thread's (bus_runner.h).
 * Two queues, what is subscribed to, and a few numbers, under a mutex that is
 * held for a few instructions and never while the library is called.
 *
 * Each life has a number, counted from 1. What is queued to be sent carries the
 * number of the life that its sender knew of; the thread drops what is of
 * another one. So nothing outlives its connection.
 */
#ifndef FS_FLEET_BUS_INSIDE_H
#define FS_FLEET_BUS_INSIDE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <uthash.h>

#include "fs/fleet/bus.h"
#include "fs/fleet/bus_urls.h"
#include "fs/fleet/credentials.h"
#include "fs/fleet/line.h"

enum bus_item_kind {
	BUS_MESSAGE, /* either way */
	BUS_UP,	     /* life @life begins; @len: see bus_size_max() */
	BUS_DOWN,    /* it has ended */
	BUS_REPORT,  /* a line for the log; @priority; @data: the text */
	BUS_FLOOD,   /* the sender of @subject is shut out */
};

/* In a queue. One piece of memory: the data, then subject and reply. */
struct bus_item {
	struct bus_item *prev, *next;
	enum bus_item_kind kind;
	int priority;
	bool nobody;
	uint64_t life;
	uint64_t order; /* in which it came */
	size_t len;
	const char *subject, *reply; /* or NULL */
	alignas(max_align_t) unsigned char data[];
};

/*
 * What has come and waits for the main loop: see bus_in.c. Under the bus's
 * mutex.
 */
struct bus_in {
	struct bus_sender *senders; /* uthash: who has something that waits,
				       or has sent something for nothing */
	struct bus_sender *ring;    /* utlist: the first one is the next */
	struct bus_item *floods;    /* utlist: BUS_FLOOD; they come first */
	struct bus_item *others;    /* utlist: what else is no message */
	uint64_t order;		    /* of the last one that came */
	size_t octets;
	uint64_t refused; /* messages of who had too much waiting, or is out */
	uint64_t shut;	  /* times that somebody was shut out */
};

/* What is subscribed to. The thread frees it, when nobody wants it. */
struct bus_want {
	UT_hash_handle hh;	      /* in bus->wants, by subject */
	struct bus_want *prev, *next; /* in bus->changes, if is_changed */
	unsigned count;
	bool is_changed;
	bool is_subscribed; /* in this life; the thread's */
	char subject[];
};

struct bus {
	/* Read by both, and never changed. */
	struct bus_urls urls;
	struct credentials credentials;
	bool has_credentials;
	char *ca, *name;

	/* The main loop's. */
	bool (*message)(void *arg, const struct bus_message *message);
	void (*floods)(void *arg, const char *subject);
	void (*changed)(void *arg, bool up);
	void (*report)(int priority, const char *line);
	void *arg;
	uint64_t life; /* 0: down, as far as it has been told */
	size_t size_max;

	/* Under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	uv_async_t *to_main;   /* NULL: nobody is there any more */
	uv_async_t *to_thread; /* NULL: it has ended */
	struct bus_in in;
	struct bus_item *out; /* utlist */
	struct bus_item *up;  /* BUS_UP, that is to be told; or NULL */
	size_t out_octets;
	struct bus_want *wants;	  /* uthash */
	struct bus_want *changes; /* utlist */
	char *beat_subject;
	void *beat;
	size_t beat_len;
	bool beat_is_due;
	bool stopping;
	uint64_t lives, sent, received, dropped;

	atomic_uint_least64_t round_ms;	 /* bus_round() */
	atomic_uint_least64_t beaten_ms; /* bus_beaten_ms() */
};

/* ---- bus_item.c ---- */

/** bus_item_new() - with room for @len octets; NULL: no memory */
struct bus_item *bus_item_new(enum bus_item_kind kind, const char *subject,
			      const char *reply, size_t len);

/** bus_item_octets() - what it counts for in a queue */
size_t bus_item_octets(const struct bus_item *item);

/** bus_items_free() - all of a list */
void bus_items_free(struct bus_item *list);

/* ---- bus_in.c: with the mutex held ---- */

/** bus_in_put() - it waits for its turn; or is freed, if its sender is shut out
 * or has more than BUS_IN_SHARE waiting, or there is no memory
 */
void bus_in_put(struct bus_in *in, struct bus_item *item, uint64_t now_ms);

/** bus_in_vain() - a message that was taken was for nothing: see BUS_VAIN_MAX
 */
void bus_in_vain(struct bus_in *in, const struct bus_item *item,
		 uint64_t now_ms);

/** bus_in_forgive() - a sender is not shut out any more; what it may send for
 * nothing at once is an eighth of BUS_VAIN_MAX
 */
void bus_in_forgive(struct bus_in *in, const char *sender, uint64_t now_ms);

/** bus_in_sweep() - forget senders of whom nothing is to be known */
void bus_in_sweep(struct bus_in *in, uint64_t now_ms);

/** bus_in_take() - the next one; NULL: none waits */
struct bus_item *bus_in_take(struct bus_in *in);

/** bus_in_deinit() - free all that waits */
void bus_in_deinit(struct bus_in *in);

/* ---- bus.c ---- */

/** bus_tell() - hand it to the main loop, or free it; with the mutex held */
void bus_tell(struct bus *bus, struct bus_item *item);

/** bus_delete() - the last one does */
void bus_delete(struct bus *bus);

/* ---- bus_thread.c ---- */

/** bus_thread_start() - bus->to_thread is set until it ends: 0, -errno */
int bus_thread_start(struct bus *bus);

#endif
