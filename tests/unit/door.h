/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - a port on loopback before another one, which closes by itself
 *
 * Octets go both ways, until so many have come from behind: from then on
 * nothing does, and the connections stay open. A thread of its own.
 *
 * Whoever comes may have to wait before he is let through, and all who have
 * come may be put out.
 */
#ifndef TESTS_UNIT_DOOR_H
#define TESTS_UNIT_DOOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct door {
	int port;
	int listener;
	int behind;  /* the other port */
	size_t most; /* octets from there */
	pthread_t thread;
	atomic_bool closing;
	atomic_uint wait_ms; /* at the door */
	atomic_bool puts_out;
};

void door_open(struct door *door, int behind, size_t most);
void door_close(struct door *door);

#endif
