// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "anchors/presence.h"

/* Messages taken in one turn; the kernel keeps the others. */
#define MESSAGES_PER_TURN 32

struct presence {
	struct host *host;
	int fd;
	uv_poll_t poll;
	uv_timer_t turn;      /* runs while there is something to look at */
	unsigned handles;     /* to be closed, until it can be freed */
	bool changed;	      /* since the look that goes on began */
	struct anchor **list; /* references: who is still to be looked at */
	size_t left;
};

int presence_open(void)
{
	/* A link that goes takes its addresses along, and that is told too. */
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static void look(struct anchor *anchor)
{
	bool was_absent;

	if (anchor->gone || !anchor->server)
		return;
	was_absent = server_is_absent(anchor->server);
	if (server_look(anchor->server) == was_absent)
		return;
	if (was_absent)
		host_tell(anchor, LOG_NOTICE, "is served again");
	else
		host_tell(anchor, LOG_WARNING,
			  "the machine has this address no more; it is served "
			  "when it is back");
}

static void on_turn(uv_timer_t *timer);

static void come_back(struct presence *presence, uint64_t ms)
{
	uv_timer_start(&presence->turn, on_turn, ms, 0);
}

/* Who has no server now binds one later, and learns then if it can. */
static int list_all(struct presence *presence)
{
	struct host *host = presence->host;
	struct anchor *anchor = host->root;

	presence->list = malloc((host->anchors + 1) * sizeof(anchor));
	if (!presence->list)
		return -ENOMEM;
	while ((anchor = anchor_next(host->root, anchor)))
		if (anchor->server)
			presence->list[presence->left++] = anchor_ref(anchor);
	assert(presence->left <= host->anchors);
	return 0;
}

static void on_turn(uv_timer_t *timer)
{
	struct presence *presence = timer->data;

	if (!presence->list) {
		presence->changed = false;
		if (list_all(presence) < 0) {
			presence->changed = true;
			come_back(presence, PRESENCE_QUIET_MS);
			return;
		}
	}
	for (int i = 0; presence->left && i < PRESENCE_SLICE; i++) {
		struct anchor *anchor = presence->list[--presence->left];

		look(anchor);
		anchor_unref(anchor);
	}
	if (presence->left) {
		come_back(presence, 0);
		return;
	}
	free(steal(&presence->list));
	if (presence->changed)
		come_back(presence, PRESENCE_QUIET_MS);
}

static void on_message(uv_poll_t *poll, int status, int events)
{
	struct presence *presence = poll->data;
	char octet;

	(void)events;
	/* ENOBUFS, when some were lost, is as good as a message. */
	for (int i = 0; i < MESSAGES_PER_TURN; i++)
		if (recv(presence->fd, &octet, 1, 0) < 0 && errno == EAGAIN)
			break;
	/* libuv polls no more after an error of the socket. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_message);
	presence->changed = true;
	if (!presence->list && !uv_is_active((uv_handle_t *)&presence->turn))
		come_back(presence, PRESENCE_QUIET_MS);
}

static void on_closed(uv_handle_t *handle)
{
	struct presence *presence = handle->data;

	assert(presence->handles);
	if (--presence->handles)
		return;
	free(presence);
}

int presence_new(struct presence **out, struct host *host, int fd)
{
	struct presence *presence = calloc(1, sizeof(*presence));
	int r = presence ? 0 : -ENOMEM;

	if (r == 0)
		r = uv_poll_init(host->loop, &presence->poll, fd);
	if (r < 0) {
		free(presence);
		return r;
	}
	uv_timer_init(host->loop, &presence->turn);
	presence->host = host;
	presence->fd = fd;
	presence->poll.data = presence->turn.data = presence;
	presence->handles = 2;
	/* Fails only for a handle that is closing. */
	uv_poll_start(&presence->poll, UV_READABLE, on_message);
	*out = presence;
	return 0;
}

struct presence *presence_free(struct presence *presence)
{
	if (!presence)
		return NULL;
	while (presence->left)
		anchor_unref(presence->list[--presence->left]);
	free(steal(&presence->list));
	uv_close((uv_handle_t *)&presence->poll, on_closed);
	uv_close((uv_handle_t *)&presence->turn, on_closed);
	return NULL;
}
