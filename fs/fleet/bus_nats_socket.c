// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_nats_socket.h"

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct bus_socket *socket = container_of(poll, struct bus_socket, poll);

	socket->ready(socket->arg, status, events);
}

static void poll_for(struct bus_socket *socket, int events)
{
	if (events == socket->events)
		return;
	socket->events = events;
	if (events)
		uv_poll_start(&socket->poll, events, on_poll);
	else
		uv_poll_stop(&socket->poll);
}

bool bus_socket_update(struct bus_socket *socket)
{
	int events = 0;

	assert(socket->is_adopted);
	if (atomic_load(&socket->is_detached)) {
		poll_for(socket, 0);
		return false;
	}
	if (atomic_load(&socket->wants_read) && !socket->is_paused)
		events |= UV_READABLE;
	if (atomic_load(&socket->wants_write))
		events |= UV_WRITABLE;
	poll_for(socket, events);
	return true;
}

void bus_socket_pause(struct bus_socket *socket, bool pause)
{
	socket->is_paused = pause;
	bus_socket_update(socket);
}

/* ---- What the library calls, with a lock of its connection ---- */

static natsStatus on_attach(void **out, void *loop, natsConnection *nats,
			    natsSock sock)
{
	struct bus_socket **slot = loop;
	struct bus_socket *socket = calloc(1, sizeof(*socket));

	(void)nats;
	assert(!*slot);
	if (!socket)
		return NATS_NO_MEMORY;
	/* The daemon's filter has dup() only, and no exec to close it for. */
	socket->fd = dup(sock);
	if (socket->fd < 0) {
		free(socket);
		return NATS_SYS_ERROR;
	}
	atomic_store(&socket->wants_read, true);
	*out = *slot = socket;
	return NATS_OK;
}

static void tell(struct bus_socket *socket)
{
	if (!socket->is_adopted)
		return;
	if (pthread_equal(socket->thread, pthread_self()))
		bus_socket_update(socket);
	else
		socket->wake(socket->arg);
}

static natsStatus on_read(void *data, bool add)
{
	struct bus_socket *socket = data;

	atomic_store(&socket->wants_read, add);
	tell(socket);
	return NATS_OK;
}

static natsStatus on_write(void *data, bool add)
{
	struct bus_socket *socket = data;

	atomic_store(&socket->wants_write, add);
	tell(socket);
	return NATS_OK;
}

static natsStatus on_detach(void *data)
{
	struct bus_socket *socket = data;

	atomic_store(&socket->is_detached, true);
	if (socket->is_adopted)
		socket->wake(socket->arg);
	return NATS_OK;
}

natsStatus bus_socket_set(natsOptions *options, struct bus_socket **slot)
{
	return natsOptions_SetEventLoop(options, slot, on_attach, on_read,
					on_write, on_detach);
}

/* ---- Its life ---- */

void bus_socket_free(struct bus_socket *socket)
{
	if (!socket)
		return;
	close(socket->fd);
	free(socket);
}

static void on_closed(uv_handle_t *handle)
{
	bus_socket_free(
		container_of((uv_poll_t *)handle, struct bus_socket, poll));
}

int bus_socket_adopt(struct bus_socket *socket, uv_loop_t *loop)
{
	int r = uv_poll_init(loop, &socket->poll, socket->fd);

	assert(!socket->is_adopted);
	if (r < 0)
		return r;
	socket->thread = pthread_self();
	socket->is_adopted = true;
	bus_socket_update(socket);
	return 0;
}

void bus_socket_close(struct bus_socket *socket)
{
	assert(socket->is_adopted);
	uv_close((uv_handle_t *)&socket->poll, on_closed);
}
