// SPDX-License-Identifier: Apache-2.0
/*
 * view.c - views are opened, and closed
 *
 * This machine's kernel has a libfuse session that reads and writes /dev/fuse.
 * Those of other hosts share one, which is fed by hand: see relay.h.
 *
 * To close one, no request is taken any more, reads of logs end, and what is
 * pending is waited for. Nobody is called from within the end of a request: the
 * loop comes round when the last one was answered. Then what is still open is
 * closed, the nodes go, some in each round, and with the last handle of the
 * loop the rest.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "fs/dir.h"
#include "fs/handle.h"
#include "fs/node.h"
#include "fs/programs/programs.h"
#include "fs/relay.h"
#include "fs/session.h"
#include "fs/view.h"
#include "fs/watch.h"

/* So long nodes are freed in a round of the loop: there may be a million. */
#define ROUND_NS (500 * 1000)

struct view {
	struct fs fs;
	struct session session;
	uv_idle_t idle;	  /* closing goes on */
	unsigned handles; /* of the loop, that are being closed */
	void (*closed)(void *arg);
	void *closed_arg;
};

static struct view *view_of(struct fs *fs)
{
	return container_of(fs, struct view, fs);
}

/* ---- Open ---- */

static void view_free(struct view *view)
{
	node_free_all(&view->fs, UINT64_MAX);
	assert(!view->session.errands);
	if (view->session.fuse && !view->fs.peer)
		fuse_session_destroy(view->session.fuse);
	free(view->session.buffer.mem);
	free(view);
}

static void view_freep(struct view **view)
{
	if (*view)
		view_free(*view);
}

static struct view *view_new(struct commons *commons,
			     const struct view_peer *peer)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->fs.self = &view->fs;
	view->fs.commons = commons;
	view->fs.host = commons->host;
	view->fs.peer = peer;
	view->fs.session = &view->session;
	view->session.fs = &view->fs;
	return view;
}

static void on_drained(struct session *session);

/* It is one of them from here on, and only view_close() ends it. */
static struct fs *enter(struct view *view)
{
	struct fs *fs = &view->fs;
	int r = uv_idle_init(fs->host->loop, &view->idle);

	/* A handle that is only made takes nothing of the system's. */
	assert(r == 0 && fs->top);
	r = listed_start(fs);
	assert(r == 0);
	view->session.drained = on_drained;
	DL_APPEND(fs->commons->views, fs);
	fs->commons->view_count++;
	return fs;
}

static int begin(struct view *view, const struct node_kind *kind,
		 struct anchor *anchor)
{
	struct fs *fs = &view->fs;

	fs->top = node_get(fs, kind, anchor, NULL, NULL);
	return fs->top ? 0 : -ENOMEM;
}

int view_open_own(struct fs **out, struct commons *commons,
		  struct fuse_args *args)
{
	CLEANUP(view_freep) struct view *view = view_new(commons, NULL);
	struct fs *fs;
	int r = view ? begin(view, &dir_root, NULL) : -ENOMEM;

	if (r < 0)
		return r;
	fs = &view->fs;
	fs->session->fuse = fuse_session_new(args, &fs_operations,
					     sizeof(fs_operations), &fs->self);
	if (!fs->session->fuse)
		return -EIO;
	*out = enter(steal(&view));
	return 0;
}

int view_open(struct fs **out, struct commons *commons,
	      const struct view_peer *peer)
{
	CLEANUP(view_freep) struct view *view = NULL;
	int r;

	if (commons->view_count >= VIEWS_MAX)
		return -EMFILE;
	view = view_new(commons, peer);
	r = view ? relay_open(&view->session.fuse, commons) : -ENOMEM;
	if (r == 0)
		r = begin(view, &dir_anchor, commons->host->root);
	if (r < 0)
		return r;
	*out = enter(steal(&view));
	return 0;
}

/* ---- Close ---- */

static void end(struct view *view)
{
	void (*closed)(void *arg) = view->closed;
	void *arg = view->closed_arg;
	struct commons *commons = view->fs.commons;

	DL_DELETE(commons->views, &view->fs);
	commons->view_count--;
	view_free(view);
	if (closed)
		closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct view *view = handle->data;

	assert(view->handles > 0);
	if (--view->handles == 0)
		end(view);
}

static void close_handle(struct view *view, void *handle)
{
	uv_handle_t *closed = handle;

	closed->data = view;
	view->handles++;
	uv_close(closed, on_handle_closed);
}

static void on_round(uv_idle_t *idle);

static void go_on(struct view *view)
{
	view->idle.data = view;
	uv_idle_start(&view->idle, on_round);
}

/* Nothing is pending, and nobody is in the middle of anything. */
static void on_round(uv_idle_t *idle)
{
	struct view *view = idle->data;
	struct fs *fs = &view->fs;

	uv_idle_stop(idle);
	if (view->session.pending)
		return;
	assert(!view->session.holds);
	handle_free_all(fs);
	dir_free_all(fs);
	programs_forget_all(fs);
	if (!node_free_all(fs, uv_hrtime() + ROUND_NS)) {
		go_on(view);
		return;
	}
	close_handle(view, &view->idle);
	close_handle(view, &fs->listings.timer);
	if (view->session.is_polled)
		close_handle(view, &view->session.poll);
}

static void on_drained(struct session *session)
{
	go_on(container_of(session, struct view, session));
}

void view_close(struct fs *fs, void (*closed)(void *arg), void *arg)
{
	struct view *view = view_of(fs);

	assert(!view->session.stopping && !view->closed);
	view->closed = closed;
	view->closed_arg = arg;
	/* A client whose request is not answered sleeps for ever. */
	watch_end_all(fs);
	session_stop(&view->session);
	go_on(view);
}

void view_discard(struct fs *fs, uint64_t handle, bool is_dir)
{
	const struct fuse_file_info fi = {.fh = handle};

	(void)fs;
	if (is_dir)
		dir_discard(&fi);
	else
		handle_drop(handle_of(&fi));
}
