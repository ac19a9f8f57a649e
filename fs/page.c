// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "anchors/exposition.h"
#include "anchors/metrics.h"
#include "fs/files.h"
#include "fs/page.h"
#include "fs/pool.h"

#define PAGE_RECENT_MS 1000

struct page_wait {
	struct page_wait *next;
	page_done *done;
	void *arg;
};

struct pages {
	struct fs *fs;
	struct page_wait *waiting; /* for the next page */
	struct page_wait *served;  /* by the one that is being made */

	/* The page that is being made: the pool's until it is done. */
	uv_work_t work;
	struct metrics *metrics; /* NULL: none is */
	struct share_figures shares;
	uint64_t given_up; /* fs->moments' */
	size_t nodes;
	struct page *page;
	int result;

	/* Of the last one. */
	size_t size;
	int64_t time_ns;
	uint64_t recent_until_ms; /* by uv_now() */
};

struct page *page_ref(struct page *page)
{
	page->refs++;
	return page;
}

struct page *page_unref(struct page *page)
{
	if (page && --page->refs == 0) {
		buffer_deinit(&page->text);
		free(page);
	}
	return NULL;
}

struct page *page_of(struct fs *fs, const struct node *node)
{
	struct page *page = calloc(1, sizeof(*page));

	if (!page)
		return NULL;
	page->refs = 1;
	if (small_file_render(fs, node, SMALL_NAME_MAX, &page->text) < 0)
		return page_unref(page);
	return page;
}

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

static void render_in_pool(uv_work_t *work)
{
	struct pages *pages = container_of(work, struct pages, work);

	pool_give_way();
	pages->result = metrics_render(pages->metrics, &pages->page->text);
	if (pages->result == 0)
		pages->result = expose_clients(pages);
}

static void after_render(uv_work_t *work, int status)
{
	struct pages *pages = container_of(work, struct pages, work);
	struct page *page = steal(&pages->page);

	(void)status;
	pages->metrics = metrics_free(pages->metrics);
	if (pages->result == 0) {
		pages->size = page->text.len;
		pages->time_ns = page->time_ns;
		pages->recent_until_ms =
			uv_now(pages->fs->host->loop) + PAGE_RECENT_MS;
	} else {
		page = page_unref(page);
	}
	tell(pages, page, pages->result);
	page_unref(page);
	start(pages);
}

static int begin(struct pages *pages)
{
	int r;

	pages->page = calloc(1, sizeof(*pages->page));
	if (!pages->page)
		return -ENOMEM;
	pages->page->refs = 1;
	r = metrics_take(&pages->metrics, pages->fs->host);
	if (r < 0)
		return r;
	shares_note(&pages->fs->shares, &pages->shares);
	pages->given_up = pages->fs->moments.given_up;
	pages->nodes = HASH_COUNT(pages->fs->nodes);
	pages->page->time_ns = host_now_ns();
	r = uv_queue_work(pages->fs->host->loop, &pages->work, render_in_pool,
			  after_render);
	if (r < 0)
		pages->metrics = metrics_free(pages->metrics);
	return r;
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

static struct pages *pages_of(struct fs *fs)
{
	if (!fs->pages)
		fs->pages = calloc(1, sizeof(*fs->pages));
	if (fs->pages)
		fs->pages->fs = fs;
	return fs->pages;
}

void page_get(struct fs *fs, page_done *done, void *arg)
{
	struct pages *pages = pages_of(fs);
	struct page_wait *wait = pages ? malloc(sizeof(*wait)) : NULL;

	if (!wait) {
		done(arg, NULL, -ENOMEM);
		return;
	}
	*wait = (struct page_wait){.done = done, .arg = arg};
	LL_APPEND(pages->waiting, wait);
	start(pages);
}

size_t page_size(const struct fs *fs)
{
	return fs->pages ? fs->pages->size : 0;
}

int64_t page_time(const struct fs *fs)
{
	return fs->pages ? fs->pages->time_ns : 0;
}

bool page_is_recent(const struct fs *fs)
{
	return fs->pages && uv_now(fs->host->loop) < fs->pages->recent_until_ms;
}

void page_free_all(struct fs *fs)
{
	struct pages *pages = steal(&fs->pages);

	assert(!pages || (!pages->metrics && !pages->waiting));
	free(pages);
}
