// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "fs/session.h"

#define SESSION_BATCH 32 /* requests per wake-up */

static void lost(struct session *session)
{
	void (*gone)(void) = session->gone;

	uv_poll_stop(&session->poll);
	session->gone = NULL;
	if (gone)
		gone();
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct session *session = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < SESSION_BATCH; i++) {
		int r;

		if (session->holds || session->stopping)
			return;
		r = fuse_session_receive_buf(session->fuse, &session->buffer);
		if (r == -EAGAIN || r == -EINTR)
			return;
		if (r > 0)
			fuse_session_process_buf(session->fuse,
						 &session->buffer);
		/* Unmounted by someone, or the kernel will not have us. */
		if (r <= 0 || fuse_session_exited(session->fuse)) {
			lost(session);
			return;
		}
	}
}

int session_start(struct session *session, uv_loop_t *loop,
		  struct fuse_session *fuse, void (*gone)(void))
{
	int fd = fuse_session_fd(fuse), flags = fcntl(fd, F_GETFL), r;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	session->fuse = fuse;
	session->gone = gone;
	r = uv_poll_init(loop, &session->poll, fd);
	if (r < 0)
		return r;
	session->poll.data = session;
	return uv_poll_start(&session->poll, UV_READABLE, on_readable);
}

bool session_is_mounted(const struct session *session)
{
	struct pollfd fd = {.fd = fuse_session_fd(session->fuse)};

	return poll(&fd, 1, 0) >= 0 && !(fd.revents & POLLERR);
}

void session_hold(struct session *session)
{
	if (session->holds++ == 0)
		uv_poll_stop(&session->poll);
}

void session_release(struct session *session)
{
	if (--session->holds == 0 && !session->stopping && session->gone)
		uv_poll_start(&session->poll, UV_READABLE, on_readable);
}

void session_stop(struct session *session)
{
	session->stopping = true;
	uv_close((uv_handle_t *)&session->poll, NULL);
}
