/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spread.h - the queries of a busy server, shared by several workers
 *
 * A server's UDP socket is read by one worker, its home: who else watched it
 * would be woken by each datagram, mostly in vain. When the home is crowded
 * (see udp.h), the server gets one more socket in each of some other workers,
 * and the kernel deals its queries out. When it is quiet again these are taken
 * back: first nothing more is dealt to them, and a tick later, when what was on
 * its way has come, each worker answers what its socket holds and closes it. So
 * no query is lost by it. Homes are given out in turn.
 *
 * Sockets are descriptors, so that there is a most of those that are lent; and
 * no server has more than there are processors to read them. Who is crowded and
 * gets none asks again a little later.
 *
 * Threading: the main loop, but for the two functions that workers call.
 */
#ifndef DNS_SPREAD_H
#define DNS_SPREAD_H

#include "dns/serve/worker.h"

#define SPREAD_TICK_MS                                                         \
	1000		/* from one look at the spread servers to another      \
			 */
#define SPREAD_QUIET 10 /* ticks, with less than a quarter of the most */

enum spread_state {
	SPREAD_NOT,	  /* the home has all */
	SPREAD_OUT,	  /* all sockets get queries */
	SPREAD_GATHERING, /* the home's gets all that come now */
	SPREAD_DRAINING,  /* the other workers empty theirs */
	SPREAD_STOPPED,	  /* the server ends */
};

/* Of one server; part of it. */
struct spread {
	/* Set before spread_init(), and not changed. */
	const struct socket_pair *sockets;
	const struct address *address;
	const struct traffic *traffic;
	struct seat *seats; /* one for each worker */
	unsigned home;	    /* the place of the home in it */

	enum spread_state state;
	struct spread *prev, *next; /* in spreads->active, unless SPREAD_NOT */
	uint64_t answered;	    /* by the last tick */
	uint64_t most;		    /* in one tick */
	unsigned quiet;		    /* ticks in a row */

	atomic_uint lent; /* sockets in other workers */

	/* Under the pool's mutex. */
	bool is_wanted;
	struct spread *wanted_prev, *wanted_next; /* in spreads->wanted */
};

/* Of all servers of a pool. */
struct spreads {
	unsigned workers;
	unsigned share;	       /* workers that may share a server; 1: none */
	unsigned sockets_max;  /* lent, of all servers */
	unsigned homes;	       /* given out so far */
	uint64_t tick_ms;      /* SPREAD_TICK_MS */
	uv_timer_t tick;       /* runs while some server is spread */
	unsigned sockets;      /* lent, or on their way back */
	struct spread *active; /* utlist */
	uv_async_t *wake;      /* borrowed: to have spreads_look() called */

	uv_mutex_t *mutex;     /* protects what is wanted */
	struct spread *wanted; /* utlist by wanted_next: crowded ones */
};

/**
 * spreads_init() - with @workers, @share, @sockets_max and @tick_ms set
 *
 * The caller closes the timer, with its own handles.
 *
 * @mutex: that of the pool; borrowed
 * @wake:  borrowed: a worker wakes the main loop with it, for spreads_look()
 */
void spreads_init(struct spreads *spreads, uv_loop_t *loop, uv_mutex_t *mutex,
		  uv_async_t *wake);

/** spreads_look() - see who is crowded */
void spreads_look(struct spreads *spreads);

/** spreads_home() - the next server's: a worker's place */
unsigned spreads_home(struct spreads *spreads);

/** spread_stop() - the server's seats will be removed: lend no more */
void spread_stop(struct spreads *spreads, struct spread *spread);

/** spread_forget() - the seats have left, and the server is freed */
void spread_forget(struct spreads *spreads, struct spread *spread);

/** spread_crowded() - its home has too much to do; any thread */
void spread_crowded(struct spreads *spreads, struct spread *spread);

/** spread_returned() - one of the sockets has been closed; any thread */
void spread_returned(struct spread *spread);

#endif
