// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>

#include "fs/page.h"

struct page *page_new(void)
{
	struct page *page = calloc(1, sizeof(*page));

	if (page)
		page->refs = 1;
	return page;
}

struct page *page_ref(struct page *page)
{
	assert(page->refs > 0);
	page->refs++;
	return page;
}

struct page *page_unref(struct page *page)
{
	assert(!page || page->refs > 0);
	if (page && --page->refs == 0) {
		buffer_deinit(&page->text);
		free(page);
	}
	return NULL;
}
