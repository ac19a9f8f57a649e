// SPDX-License-Identifier: Apache-2.0
/*
 * tcp.c - accepting TCP clients
 *
 * A listener has users: the handle that polls its socket, and each client that
 * it has accepted. It is closed when the last of them is gone. While it is
 * paused its socket is not polled; one timer ends the pauses of all.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/serve/tcp.h"

/* Clients accepted before other handles get their turn. */
#define ACCEPT_ROUNDS 16

/* Clients that one worker has of a server before it asks for others. */
#define CROWD 16

/* How long to accept nobody after running out of something. */
#define PAUSE_MS 100

struct tcp {
	uv_loop_t *loop;
	uv_timer_t resume; /* runs while some listener is paused */
	struct connections *connections;
	struct tcp_listener *paused; /* utlist */
};

static void on_user_gone(struct tcp_listener *listener)
{
	assert(listener->users);
	if (--listener->users == 0)
		listener->calls->closed(listener);
}

static void on_client_gone(void *owner, bool is_given)
{
	struct tcp_listener *listener = owner;

	if (!is_given)
		traffic_add(listener->lane, TRAFFIC_DISCONNECTED, 1);
	on_user_gone(listener);
}

int tcp_new(struct tcp **out, uv_loop_t *loop, struct responder *responder,
	    struct connection_limits *limits, struct carrier *carrier)
{
	CLEANUP(freep) struct tcp *tcp = calloc(1, sizeof(*tcp));
	int r;

	if (!tcp)
		return -ENOMEM;
	r = connections_new(&tcp->connections, loop, responder, limits,
			    on_client_gone);
	if (r < 0)
		return r;
	connections_set_carrier(tcp->connections, carrier);
	tcp->loop = loop;
	uv_timer_init(loop, &tcp->resume);
	tcp->resume.data = tcp;
	*out = steal(&tcp);
	return 0;
}

void tcp_answer(struct tcp *tcp, uint64_t connection, const uint8_t *data,
		size_t len)
{
	connections_answer(tcp->connections, connection, data, len);
}

void tcp_stop(struct tcp *tcp)
{
	uv_close((uv_handle_t *)&tcp->resume, NULL);
	connections_stop(tcp->connections);
}

struct tcp *tcp_free(struct tcp *tcp)
{
	assert(!tcp || !tcp->paused);
	if (tcp)
		connections_free(tcp->connections);
	free(tcp);
	return NULL;
}

static void on_resume(uv_timer_t *timer);

static void listener_pause(struct tcp_listener *listener)
{
	struct tcp *tcp = listener->tcp;

	assert(!listener->paused);
	uv_poll_stop(&listener->poll);
	listener->paused = true;
	DL_APPEND(tcp->paused, listener);
	if (!uv_is_active((uv_handle_t *)&tcp->resume))
		uv_timer_start(&tcp->resume, on_resume, PAUSE_MS, 0);
}

static void listener_unpause(struct tcp_listener *listener)
{
	if (!listener->paused)
		return;
	listener->paused = false;
	DL_DELETE(listener->tcp->paused, listener);
}

static void tell_crowded(struct tcp_listener *listener)
{
	if (!listener->is_crowded)
		listener->calls->crowded(listener);
	listener->is_crowded = true;
}

static void accept_client(struct tcp_listener *listener, int fd,
			  const struct sockaddr_in6 *client)
{
	if (connection_open(listener->tcp->connections, fd, client,
			    listener->lane, listener->server, listener) < 0)
		return;
	listener->users++;
	if (listener->users > CROWD)
		tell_crowded(listener);
	traffic_add(listener->lane, TRAFFIC_CONNECTED, 1);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct tcp_listener *listener = poll->data;
	struct sockaddr_in6 client; /* or a sockaddr_in */
	socklen_t len;
	int fd;

	(void)events;
	if (status < 0) {
		listener_pause(listener);
		return;
	}
	for (unsigned i = 0; i < ACCEPT_ROUNDS; i++) {
		if (!connections_take_more(listener->tcp->connections)) {
			tell_crowded(listener);
			listener_pause(listener);
			return;
		}
		len = sizeof(client);
		fd = accept4(listener->sockets->tcp, (struct sockaddr *)&client,
			     &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			accept_client(listener, fd, &client);
		} else {
			/* A client who is gone again has used nothing up. */
			if (errno != EAGAIN && errno != ECONNABORTED)
				listener_pause(listener);
			return;
		}
	}
}

static void on_resume(uv_timer_t *timer)
{
	struct tcp *tcp = timer->data;
	struct tcp_listener *listener;

	while ((listener = tcp->paused)) {
		listener_unpause(listener);
		uv_poll_start(&listener->poll, UV_READABLE, on_connect);
	}
}

int tcp_listen(struct tcp_listener *listener, struct tcp *tcp,
	       const struct socket_pair *sockets, struct lane *lane,
	       struct carrier_server *server, const struct tcp_calls *calls)
{
	int r = uv_poll_init(tcp->loop, &listener->poll, sockets->tcp);

	assert(!listener->users);
	if (r < 0)
		return r;
	listener->poll.data = listener;
	listener->tcp = tcp;
	listener->sockets = sockets;
	listener->lane = lane;
	listener->server = server;
	listener->calls = calls;
	listener->is_crowded = false;
	listener->users = 1;
	/* Fails only for a handle that is closing. */
	uv_poll_start(&listener->poll, UV_READABLE, on_connect);
	return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
	on_user_gone(handle->data);
}

void tcp_close(struct tcp_listener *listener)
{
	assert(listener->users);
	listener_unpause(listener);
	connections_close(listener->tcp->connections, listener);
	uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
}
