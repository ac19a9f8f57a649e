/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - a text that several open files show
 *
 * It is rendered once, and does not change after that. Each open file that
 * shows it has a reference.
 *
 * Threading: the main loop; while one is rendered in the pool it is the pool's.
 */
#ifndef FS_PAGE_H
#define FS_PAGE_H

#include "dns/wire/buffer.h"

struct page {
	unsigned refs;
	int64_t time_ns; /* of the moment that it shows, since 1970 */
	struct buffer text;
};

/** page_new() - an empty one, with one reference; NULL: no memory */
struct page *page_new(void);

struct page *page_ref(struct page *page);
struct page *page_unref(struct page *page); /* NULL is fine */

#endif
