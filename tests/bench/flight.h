/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flight.h - one source port, and the queries from it that are in flight
 *
 * Every query has a slot. Its id is the slot and how often the slot was used,
 * so that an answer that comes late is not taken for another one's.
 *
 * For one thread. What fails here ends the program.
 */
#ifndef BENCH_FLIGHT_H
#define BENCH_FLIGHT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "latency.h"
#include "questions.h"

#define FLIGHT_MAX 128 /* queries in flight from one port */

/* What all ports count together. */
struct tally {
	uint64_t sent, answered;
	uint64_t wrong;	 /* an answer to one of ours, with other content */
	uint64_t stray;	 /* no answer to anything in flight */
	uint64_t lost;	 /* nothing came in time */
	uint64_t octets; /* of all answers */
	struct latency latency;
};

struct flight_slot {
	uint16_t id;
	bool out;
	const struct question *question;
	int64_t sent_ns;
};

struct flight {
	int fd;
	unsigned window; /* slots in use */
	unsigned free_count;
	uint8_t free[FLIGHT_MAX];
	struct flight_slot slots[FLIGHT_MAX];
	bool stamped; /* the kernel says when an answer came */
};

/**
 * flight_open() - open a port to a server
 * @window:  how many queries may be in flight, at most FLIGHT_MAX
 * @stamped: count until the answer has reached the port, and not until it is
 *           read, so that a client short of CPU time does not count
 */
void flight_open(struct flight *flight, const struct sockaddr_in *server,
		 unsigned window, bool stamped);

/** flight_send() - send up to @max queries, of free slots, drawn at random */
void flight_send(struct flight *flight, const struct questions *questions,
		 unsigned max, struct tally *tally);

/**
 * flight_receive() - read and check what has come
 *
 * Return: how many slots came free.
 */
unsigned flight_receive(struct flight *flight, struct tally *tally);

/** flight_expire() - give up what was sent before @before_ns */
void flight_expire(struct flight *flight, int64_t before_ns,
		   struct tally *tally);

/** flight_now() - the clock of all times here, nanoseconds */
int64_t flight_now(void);

#endif
