/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_nats_socket.h - the socket of nats.c's, in a loop
 *
 * For bus_nats.c. The library says what it waits for, on any thread; the loop's
 * thread polls for that. It is polled by a descriptor of our own: the library
 * may close its one at any time, and what has the number next must not be
 * looked at.
 *
 * A socket is made when the library has connected, and belongs to no loop until
 * it is adopted.
 *
 * Threading: the loop's thread, but for what says otherwise.
 */
#ifndef FS_FLEET_BUS_NATS_SOCKET_H
#define FS_FLEET_BUS_NATS_SOCKET_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct bus_socket {
	uv_poll_t poll;
	int fd;
	int events; /* that are polled for */
	bool is_adopted, is_paused;
	pthread_t thread; /* that has adopted it */
	atomic_bool wants_read, wants_write, is_detached;

	/* On the loop's thread: UV_READABLE, UV_WRITABLE, or a negative
	 * @status. */
	void (*ready)(void *arg, int status, int events);
	/* Call bus_socket_update(), on the loop's thread; any thread. */
	void (*wake)(void *arg);
	void *arg;
};

/**
 * bus_socket_set() - have the connection that is made with @options watched
 * @slot: receives the socket, on the thread that connects
 */
natsStatus bus_socket_set(natsOptions *options, struct bus_socket **slot);

/** bus_socket_free() - one that was not adopted, and whose connection is
 * closed; any thread; NULL is fine */
void bus_socket_free(struct bus_socket *socket);

/** bus_socket_adopt() - ready, wake and arg are set: 0, -errno */
int bus_socket_adopt(struct bus_socket *socket, uv_loop_t *loop);

/** bus_socket_close() - one that was adopted; it is freed by and by */
void bus_socket_close(struct bus_socket *socket);

/** bus_socket_update() - poll for what is wanted by now
 *
 * Return: false: the library has closed the connection.
 */
bool bus_socket_update(struct bus_socket *socket);

/** bus_socket_pause() - read no more, or again */
void bus_socket_pause(struct bus_socket *socket, bool pause);

#endif
