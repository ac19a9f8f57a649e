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
	uint64_t active_ms;  /* of the last sign of life, by uv_now() */
	struct buffer input; /* read and not answered yet */
	uint8_t *waiting;    /* answers not taken yet, or NULL; see settle() */
	size_t waiting_len;  /* octets of these */
	size_t taken;	     /* of these, from the front */
};

struct connections {
	uv_loop_t *loop;
	uv_timer_t idle;  /* runs once; while there are connections, again */
	uv_check_t slice; /* runs while somebody is queued */
	uv_idle_t again;  /* the loop must not wait: somebody was left over */
	struct responder *responder;
	struct connection_limits *limits;
	void (*closed)(void *owner);
	struct connection *open;  /* utlist: the longest silent one first */
	struct connection *queue; /* utlist by turn_next: who is next first */
	unsigned count;		  /* of those open */
	uint64_t slice_end;	  /* by uv_hrtime() */
	uint8_t input[INPUT_SIZE];
	uint8_t output[OUTPUT_SIZE];
};

bool connection_is_closing(const struct connection *connection);

/** connection_close() - may be called again before it is gone */
void connection_close(struct connection *connection);

/** connection_touch() - a sign of life */
void connection_touch(struct connection *connection);

#endif
