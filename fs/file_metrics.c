// SPDX-License-Identifier: Apache-2.0
/*
 * file_metrics.c - `metrics`: figures of the host, as Prometheus reads them
 *
 * It is a page (page.h) of one moment. The figures are noted on the main loop
 * and rendered in the pool, one page at a time. Who asks while one is
 * rendered waits for the next, with all others that ask meanwhile: so what a
 * client gets is never older than his request, and many clients are no more
 * work than a few.
 *
 * A program reads as much as the size says. So an open has its page before it
 * is answered, and the size is that of the last page: for a moment after it,
 * also a stat(2) has that, and later one makes a page to have its size.
 *
 * The session counts who waits as pending, so that a daemon which stops has all
 * pages rendered first. What is shown is not counted as its reader's: who looks
 * after the host sees it whatever others hold.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "anchors/exposition.h"
#include "anchors/metrics.h"
#include "fs/attr.h"
#include "fs/file_metrics.h"
#include "fs/fleet/figures.h"
#include "fs/handle_layout.h"
#include "fs/page.h"
#include "fs/pool.h"
#include "fs/session.h"
#include "fs/setattr.h"
#include "fs/text_view.h"

/* So long the size of the last page is that of the file. */
#define PAGE_RECENT_MS 1000

/*
 * @page is borrowed: keep a reference. NULL, with -ENOMEM or -EIO as @result.
 */
typedef void page_done(void *arg, struct page *page, int result);

/* Somebody who waits: a request, which the session counts as pending. */
struct page_wait {
	struct page_wait *next;
	page_done *done;
	void *arg;
};

/* In struct commons: the page that is being made, and what is known of the
 * last. */
struct pages {
	struct commons *commons;
	struct page_wait *waiting; /* for the next page */
	struct page_wait *served;  /* by the one that is being made */

	/* The page that is being made: the pool's until it is done. */
	struct pool_work work;
	struct metrics *metrics; /* NULL: none is */
	struct share_figures shares;
	struct figures fleet;
	uint64_t given_up; /* commons->moments' */
	size_t nodes;
	struct page *page;
	int result;

	/* Of the last one. */
	size_t size;
	int64_t time_ns;
	uint64_t recent_until_ms; /* by uv_now() */
};

/* ---- Pages ---- */

static void start(struct pages *pages);

/* Whoever is told may ask again. */
static void tell(struct pages *pages, struct page *page, int result)
{
	struct page_wait *wait;

	while ((wait = pages->served)) {
		LL_DELETE(pages->served, wait);
		wait->done(wait->arg, page, result);
		free(wait);
	}
}

/* What clients hold. */
static int expose_clients(struct pages *pages)
{
	struct exposition to = {.out = &pages->page->text};
	int r = shares_expose(&pages->shares, to.out);

	if (r < 0)
		return r;
	exposition_single(&to, "circuitfs_readers_given_up_total", "counter",
			  "Readers that kept for too long what is no more.",
			  (double)pages->given_up);
	exposition_single(&to, "circuitfs_nodes", "gauge",
			  "Files and directories that the kernel knows.",
			  (double)pages->nodes);
	return to.error;
}

static void render_in_pool(struct pool_work *work)
{
	struct pages *pages = container_of(work, struct pages, work);

	pages->result = metrics_render(pages->metrics, &pages->page->text);
	if (pages->result == 0)
		pages->result = expose_clients(pages);
	if (pages->result == 0)
		pages->result =
			figures_expose(&pages->fleet, &pages->page->text);
}

static void after_render(struct pool_work *work)
{
	struct pages *pages = container_of(work, struct pages, work);
	struct page *page = steal(&pages->page);

	pages->metrics = metrics_free(pages->metrics);
	if (pages->result == 0) {
		pages->size = page->text.len;
		pages->time_ns = page->time_ns;
		pages->recent_until_ms =
			uv_now(pages->commons->host->loop) + PAGE_RECENT_MS;
	} else {
		page = page_unref(page);
	}
	tell(pages, page, pages->result);
	page_unref(page);
	start(pages);
}

/* Of this machine's kernel. */
static size_t count_nodes(const struct commons *commons)
{
	const struct fs *fs;
	size_t nodes = 0;

	DL_FOREACH (commons->views, fs)
		if (!fs->peer)
			nodes += HASH_COUNT(fs->nodes);
	return nodes;
}

static int begin(struct pages *pages)
{
	int r;

	assert(!pages->page && !pages->metrics);
	pages->page = page_new();
	if (!pages->page)
		return -ENOMEM;
	r = metrics_take(&pages->metrics, pages->commons->host);
	if (r < 0)
		return r;
	shares_note(&pages->commons->shares, &pages->shares);
	figures_note(pages->commons->fleet, &pages->fleet);
	pages->given_up = pages->commons->moments.given_up;
	pages->nodes = count_nodes(pages->commons);
	pages->page->time_ns = host_now_ns();
	pool_submit(pages->commons->pool, &pages->work, render_in_pool,
		    after_render);
	return 0;
}

/* The next page, if there is somebody who waits for it. */
static void start(struct pages *pages)
{
	int r;

	while (pages->waiting && !pages->served && !pages->metrics) {
		pages->served = steal(&pages->waiting);
		r = begin(pages);
		if (r == 0)
			return;
		pages->page = page_unref(pages->page);
		tell(pages, NULL, r);
	}
}

/* Made with the first page that somebody asks for. */
static struct pages *pages_of(struct commons *commons)
{
	if (!commons->pages) {
		commons->pages = calloc(1, sizeof(*commons->pages));
		if (commons->pages)
			commons->pages->commons = commons;
	}
	return commons->pages;
}

static void get_page(struct commons *commons, page_done *done, void *arg)
{
	struct pages *pages = pages_of(commons);
	struct page_wait *wait = pages ? malloc(sizeof(*wait)) : NULL;

	if (!wait) {
		done(arg, NULL, -ENOMEM);
		return;
	}
	*wait = (struct page_wait){.done = done, .arg = arg};
	LL_APPEND(pages->waiting, wait);
	start(pages);
}

static bool page_is_recent(const struct commons *commons)
{
	return commons->pages &&
	       uv_now(commons->host->loop) < commons->pages->recent_until_ms;
}

void file_metrics_end(struct commons *commons)
{
	struct pages *pages = steal(&commons->pages);

	assert(!pages ||
	       (!pages->metrics && !pages->waiting && !pages->served));
	free(pages);
}

/* ---- Attributes ---- */

static int metrics_attr(struct fs *fs, struct node *node, struct stat *st)
{
	const struct pages *pages = fs->commons->pages;

	(void)node;
	if (!pages)
		return 0;
	st->st_size = (off_t)pages->size;
	if (pages->time_ns)
		attr_set_times(st, pages->time_ns);
	return 0;
}

/* Without a page there is still the size of the one before. */
static void page_to_tell(void *arg, struct page *page, int result)
{
	(void)page;
	(void)result;
	setattr_reply(arg, 0);
}

static void metrics_getattr(fuse_req_t req, struct node *node,
			    const struct stat *st)
{
	struct pending *pending;

	if (page_is_recent(fs_of(req)->commons)) {
		fuse_reply_attr(req, st, attr_timeout(fs_of(req), node));
		return;
	}
	pending = pending_new(req);
	if (!pending)
		return;
	pending_keep(pending, node);
	get_page(pending->fs->commons, page_to_tell, pending);
}

/* ---- Open files ---- */

struct metrics_file {
	struct handle handle;
	struct page *page; /* a reference; NULL: none was read yet */
	bool is_fresh;	   /* it is of the open, and nobody read it yet */
};

/* An open or a read that waits for its page. */
struct page_call {
	struct metrics_file *file;
	fuse_req_t req;
	struct fuse_file_info fi; /* of an open */
	size_t size;		  /* of a read */
	uint64_t offset;
};

static struct metrics_file *metrics_of(struct handle *handle)
{
	return container_of(handle, struct metrics_file, handle);
}

static struct page_call *new_call(struct metrics_file *file, fuse_req_t req)
{
	struct page_call *call = calloc(1, sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	call->file = file;
	call->req = req;
	session_add_pending(file->handle.fs->session);
	return call;
}

/* @page is there, or is not: the call is pending no more. */
static void end_call(struct page_call *call, struct page *page)
{
	struct metrics_file *file = call->file;

	session_end_pending(file->handle.fs->session);
	if (!page)
		return;
	page_unref(file->page);
	file->page = page_ref(page);
}

static void read_page(struct metrics_file *file, fuse_req_t req, size_t size,
		      uint64_t offset)
{
	file->is_fresh = false;
	if (!text_reply_part(req, &file->page->text, size, offset))
		file->page = page_unref(file->page);
}

static void page_to_read(void *arg, struct page *page, int result)
{
	CLEANUP(freep) struct page_call *call = arg;

	end_call(call, page);
	if (result < 0)
		fuse_reply_err(call->req, -result);
	else
		read_page(call->file, call->req, call->size, call->offset);
}

static void metrics_read(struct handle *handle, fuse_req_t req, size_t size,
			 uint64_t offset, bool waits)
{
	struct metrics_file *file = metrics_of(handle);
	struct page_call *call;

	(void)waits;
	if (file->page && (offset > 0 || file->is_fresh)) {
		read_page(file, req, size, offset);
		return;
	}
	call = new_call(file, req);
	if (!call)
		return;
	call->size = size;
	call->offset = offset;
	get_page(handle->fs->commons, page_to_read, call);
}

static void page_to_open(void *arg, struct page *page, int result)
{
	CLEANUP(freep) struct page_call *call = arg;
	struct metrics_file *file = call->file;

	end_call(call, page);
	if (result < 0) {
		handle_discard(&file->handle);
		fuse_reply_err(call->req, -result);
		return;
	}
	file->is_fresh = true;
	handle_opened(&file->handle, call->req, &call->fi);
}

static void metrics_reply_open(struct handle *handle, fuse_req_t req,
			       const struct fuse_file_info *fi)
{
	struct page_call *call = new_call(metrics_of(handle), req);

	if (!call) {
		handle_discard(handle);
		return;
	}
	call->fi = *fi;
	get_page(handle->fs->commons, page_to_open, call);
}

static void metrics_close(struct handle *handle)
{
	page_unref(metrics_of(handle)->page);
}

const struct node_kind file_metrics = {
	.name = "metrics",
	.number = 7,
	.in_host = true,
	/* It tells of all anchors, whatever theirs allow. */
	.mask = 0440,
	.tells_of_all = true,
	.is_sized_late = true,
	.attr = metrics_attr,
	.getattr = metrics_getattr,
	.open_size = sizeof(struct metrics_file),
	.close = metrics_close,
	.reply_open = metrics_reply_open,
	.read = metrics_read,
};
