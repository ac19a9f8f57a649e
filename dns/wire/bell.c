// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "dns/wire/bell.h"
#include "dns/wire/util.h"

static void on_ring(uv_poll_t *poll, int status, int events)
{
	struct bell *bell = poll->data;
	eventfd_t count;

	(void)status;
	(void)events;
	if (eventfd_read(bell->fd, &count) == 0)
		bell->rung(bell->arg);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

int bell_init(struct bell *bell, uv_loop_t *loop, void (*rung)(void *arg),
	      void *arg)
{
	CLEANUP(freep) uv_poll_t *poll = malloc(sizeof(*poll));
	CLEANUP(closep) int fd = -1;
	int r;

	if (!poll)
		return -ENOMEM;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = fd < 0 ? -errno : uv_poll_init(loop, poll, fd);
	if (r < 0)
		return r;
	poll->data = bell;
	/* Fails only for a handle that is closing. */
	uv_poll_start(poll, UV_READABLE, on_ring);
	*bell = (struct bell){
		.fd = take_fd(&fd),
		.poll = steal(&poll),
		.rung = rung,
		.arg = arg,
	};
	return 0;
}

void bell_ring(struct bell *bell)
{
	/* It cannot fail: nobody adds up 2^64 of them. */
	eventfd_write(bell->fd, 1);
}

void bell_deinit(struct bell *bell)
{
	uv_close((uv_handle_t *)bell->poll, free_handle);
	close(bell->fd);
}
