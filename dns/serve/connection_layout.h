/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection_layout.h - a TCP client, for connection.c and turn.c
 *
 * connection.c has who is there and for how long, turn.c what is read from
 * them and sent to them.
 *
 * Threading: as connection.h.
 */
#ifndef DNS_CONNECTION_LAYOUT_H
#define DNS_CONNECTION_LAYOUT_H

#include "dns/serve/carrier.h"
#include "dns/serve/connection.h"
#include "dns/wire/buffer.h"

/* Octets read in one turn. */
#define INPUT_SIZE 4096

/*
 * Octets of answers to gather before they are sent. One more answer may go
 * over it, and that is the most that may wait for a client.
 */
#define OUTPUT_MARK (16 << 10)
#define OUTPUT_SIZE (OUTPUT_MARK + MESSAGE_LENGTH_SIZE + MESSAGE_TCP_SIZE)

struct connection {
	uv_poll_t poll;
	int fd;
	int watched; /* what @poll looks for: uv_poll_event */
	struct connection *prev, *next;		  /* in open */
	struct connection *turn_prev, *turn_next; /* in queue, while @queued */
	bool queued;
	bool ended; /* its owner is gone: its turn is to be closed */
	struct connections *set;
	void *owner;
	struct sockaddr_in6 client; /* or a sockaddr_in */
	struct lane *lane;
	struct carrier_server *server; /* NULL: it is carried nowhere */
	bool is_carried; /* counted so: it asks for a transfer, or did once */
	bool is_given;	 /* to the carrier, when the handle is closed */
	struct transfer *transfer; /* that it is to be sent; or NULL */
	bool is_asking;		   /* the main loop, whose answer comes next */
	uint64_t number;	   /* in the set; never used twice */
	bool stalled;		   /* there is nothing of it to be sent yet */
	int unsent;		   /* in the kernel, when last looked */
	uint64_t active_ms;	   /* of the last sign of life, by uv_now() */
	struct buffer input;	   /* read and not answered yet */
	uint8_t *waiting;   /* answers not taken yet, or NULL; see settle() */
	size_t waiting_len; /* octets of these */
	size_t taken;	    /* of these, from the front */
};

struct connections {
	uv_loop_t *loop;
	uv_timer_t idle;  /* runs once; while there are connections, again */
	uv_check_t slice; /* runs while somebody is queued */
	uv_idle_t again;  /* the loop must not wait: somebody was left over */
	struct responder *responder;
	struct connection_limits *limits;
	void (*closed)(void *owner, bool is_given);
	struct carrier *carrier;     /* of a worker: who sends transfers */
	struct transfers *transfers; /* of the carrier's own set */
	struct connection *open;     /* utlist: the longest silent one first */
	struct connection *queue; /* utlist by turn_next: who is next first */
	unsigned count;		  /* of those open */
	uint64_t next_number;	  /* of a connection */
	uint64_t slice_end;	  /* by uv_hrtime() */
	uint8_t input[INPUT_SIZE];
	uint8_t output[OUTPUT_SIZE];
};

bool connection_is_closing(const struct connection *connection);

/** connection_close() - may be called again before it is gone */
void connection_close(struct connection *connection);

/** connection_enter() - the set: its socket can be watched from here on
 *
 * Return: 0; -ENOMEM, or what epoll_ctl(2) fails with.
 */
int connection_enter(struct connection *connection, struct connections *set);

/** connection_leave() - the set; it is still counted */
void connection_leave(struct connection *connection);

/** connection_uncount() - a client less, of all */
void connection_uncount(struct connections *set);

/** connection_uncount_carried() - if it was counted as such */
void connection_uncount_carried(struct connection *connection);

/** connection_free() - with no handle, and no transfer, any more */
void connection_free(struct connection *connection);

/** connection_drop() - close it, and let the kernel keep nothing for it */
void connection_drop(struct connection *connection);

/** connection_give() - to the carrier: it is not this worker's any more */
void connection_give(struct connection *connection);

/** connection_take_in() - one that was given; it is closed if its server is */
void connection_take_in(struct connection *connection, struct connections *set);

/** connections_leave() - disconnect all whose carrier_server is closing */
void connections_leave(struct connections *set);

/** connection_reserve() - a place at the carrier's; false: there is none, or
 * its site has its share */
bool connection_reserve(struct connection *connection);

/** connection_touch() - a sign of life */
void connection_touch(struct connection *connection);

#endif
