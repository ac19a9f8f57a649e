// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utlist.h>

#include "anchors/receipt.h"
#include "fs/fleet/remote.h"
#include "fs/node.h"
#include "fs/relay.h"
#include "fs/session.h"

#define SESSION_BATCH 32 /* requests per wake-up */

/* A request as it was read. */
struct waiting {
	struct waiting *prev, *next; /* in hold->waiting */
	uint64_t turn;
	struct receipt receipt; /* of the call, if it is another host's */
	size_t len;
	char octets[];
};

static void lost(struct session *session)
{
	void (*gone)(void) = session->gone;

	uv_poll_stop(&session->poll);
	session->gone = NULL;
	if (gone)
		gone();
}

/*
 * A hold that the request at hand has to wait for; NULL: none. When that one
 * is over it is looked for again. The kernel forgets a node only when all
 * requests about it were answered, so that can be done in any order.
 */
static struct hold *find_hold(const struct session *session,
			      const struct fuse_in_header *head)
{
	const struct node *node;
	struct hold *hold, *last = NULL;

	if (!session->holds || head->opcode == FUSE_FORGET ||
	    head->nodeid <= FUSE_ROOT_ID)
		return NULL;
	node = node_of(session->fs, head->nodeid);
	DL_FOREACH (session->holds, hold) {
		if (hold->turn < session->turn &&
		    (hold->anchor == node->anchor || node->kind->tells_of_all))
			last = hold;
	}
	return last;
}

static void process(struct session *session, const struct fuse_buf *request)
{
	if (session->fs->peer)
		relay_process(session->fs, request);
	else
		fuse_session_process_buf(session->fuse, request);
}

static bool put_off(const struct session *session, struct hold *hold,
		    const struct fuse_buf *request)
{
	struct waiting *waiting = malloc(sizeof(*waiting) + request->size);

	/* Then it is answered from what is there by now. */
	if (!waiting)
		return false;
	waiting->turn = session->turn;
	waiting->receipt = *receipt_at_hand(session->fs->host);
	waiting->len = request->size;
	memcpy(waiting->octets, request->mem, request->size);
	DL_APPEND(hold->waiting, waiting);
	return true;
}

void session_process(struct session *session, const struct fuse_buf *request)
{
	struct hold *hold;

	if (session->stopping)
		return;
	session->turn = ++session->turns;
	hold = find_hold(session, request->mem);
	if (!hold || !put_off(session, hold, request))
		process(session, request);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct session *session = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < SESSION_BATCH; i++) {
		int r;

		if (session->stopping)
			return;
		r = fuse_session_receive_buf(session->fuse, &session->buffer);
		if (r == -EAGAIN || r == -EINTR)
			return;
		/* Others' nodes are numbers, and not where ours are kept. */
		if (r > 0 && !remote_takes(session, &session->buffer))
			session_process(session, &session->buffer);
		/* Unmounted by someone, or the kernel will not have us. */
		if (r <= 0 || fuse_session_exited(session->fuse)) {
			lost(session);
			return;
		}
	}
}

/* ---- To and from the kernel, as libfuse does it ---- */

static ssize_t read_in(int fd, void *data, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, data, size);
}

/*
 * Before 3.17 libfuse keeps to itself that parallel lookups are wanted, see
 * operations.c. The first response is INIT's.
 */
static void want_parallel(const struct iovec *iov, int count)
{
	struct fuse_init_out *out = count > 1 ? iov[1].iov_base : NULL;

	if (out && iov[1].iov_len >= FUSE_COMPAT_22_INIT_OUT_SIZE)
		out->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t write_out(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = *(struct fs **)userdata;

	if (!fs->session->has_begun)
		want_parallel(iov, count);
	fs->session->has_begun = true;
	return writev(fd, iov, count);
}

int session_start(struct session *session, uv_loop_t *loop, void (*gone)(void))
{
	static const struct fuse_custom_io io = {
		.writev = write_out,
		.read = read_in,
	};
	int fd = fuse_session_fd(session->fuse), flags = fcntl(fd, F_GETFL), r;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = fuse_session_custom_io(session->fuse, &io, fd);
	if (r < 0)
		return r;
	session->gone = gone;
	r = uv_poll_init(loop, &session->poll, fd);
	if (r < 0)
		return r;
	session->is_polled = true;
	session->poll.data = session;
	return uv_poll_start(&session->poll, UV_READABLE, on_readable);
}

bool session_is_mounted(const struct session *session)
{
	struct pollfd fd = {.fd = fuse_session_fd(session->fuse)};

	return poll(&fd, 1, 0) >= 0 && !(fd.revents & POLLERR);
}

void session_hold(struct session *session, struct hold *hold,
		  const struct anchor *anchor, uint64_t turn)
{
	*hold = (struct hold){.anchor = anchor, .turn = turn};
	DL_APPEND(session->holds, hold);
}

static void go_on(struct session *session, const struct waiting *waiting,
		  const struct fuse_buf *request)
{
	struct host *host = session->fs->host;
	struct receipt before;

	receipt_enter(host, &waiting->receipt, &before);
	process(session, request);
	receipt_leave(host, &before);
}

void session_release(struct session *session, struct hold *hold)
{
	struct waiting *list = steal(&hold->waiting), *waiting;
	struct hold *again;

	DL_DELETE(session->holds, hold);
	while ((waiting = list)) {
		struct fuse_buf request = {
			.size = waiting->len,
			.mem = waiting->octets,
		};

		session->turn = waiting->turn;
		again = find_hold(session, request.mem);
		/* The first of them has cleared it again: for all others. */
		if (again && again->anchor == hold->anchor) {
			DL_CONCAT(again->waiting, list);
			return;
		}
		DL_DELETE(list, waiting);
		if (again) {
			DL_APPEND(again->waiting, waiting);
			continue;
		}
		go_on(session, waiting, &request);
		free(waiting);
	}
}

void session_add_pending(struct session *session)
{
	session->pending++;
}

void session_end_pending(struct session *session)
{
	assert(session->pending > 0);
	session->pending--;
	if (!session->pending && session->stopping && session->drained)
		session->drained(session);
}

void session_stop(struct session *session)
{
	session->stopping = true;
	if (session->is_polled)
		uv_poll_stop(&session->poll);
}
