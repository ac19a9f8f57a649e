/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - `metrics`, as it was rendered at one moment
 *
 * A page is noted on the main loop and rendered in the pool (metrics.h), one
 * at a time: who asks meanwhile gets the next one, all together. So nobody
 * gets what is older than his asking, and many who ask are no more work than
 * a few. Open files share the page.
 *
 * Whoever waits is a request that the session counts as pending, so that a
 * daemon which stops has all pages rendered first.
 *
 * Threading: the main loop.
 */
#ifndef FS_PAGE_H
#define FS_PAGE_H

#include "fs/fs.h"

struct page {
	unsigned refs;
	int64_t time_ns; /* of the moment, since 1970 */
	struct buffer text;
};

/* @page: borrowed; NULL, and -ENOMEM or -EIO as @result */
typedef void page_done(void *arg, struct page *page, int result);

/**
 * page_get() - a page of a moment that is not before this call
 *
 * @done is called once, and may be before this returns.
 */
void page_get(struct fs *fs, page_done *done, void *arg);

/** page_of() - what a small file shows now; NULL: it is none, or no memory */
struct page *page_of(struct fs *fs, const struct node *node);

struct page *page_ref(struct page *page);
struct page *page_unref(struct page *page); /* NULL is fine */

/** page_size(), page_time() - of the last page, octets, ns since 1970; or 0 */
size_t page_size(const struct fs *fs);
int64_t page_time(const struct fs *fs);

/**
 * page_is_recent() - the last page is of a moment ago
 *
 * The page is another one at each look. So for a moment the last one's size is
 * that of `metrics`: who opened it just now, and asks, has that one.
 */
bool page_is_recent(const struct fs *fs);

/** page_free_all() - at the end: nobody waits any more */
void page_free_all(struct fs *fs);

#endif
