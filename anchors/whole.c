// SPDX-License-Identifier: Apache-2.0
/*
 * whole.c - LMDB's pages, read as LMDB 0.9 writes them (data version 1)
 *
 * Numbers are the machine's own: LMDB's files do not travel either. Nothing
 * that is read is believed before it was compared with the page's bounds.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anchors/whole.h"
#include "dns/wire/buffer.h"
#include "dns/wire/util.h"

#define WHOLE_MAGIC    0xBEEFC0DE
#define WHOLE_VERSION  1
#define WHOLE_PAGE_MIN 512
#define WHOLE_PAGE_MAX 65536
#define NO_PAGE	       ((size_t)-1)

enum {
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_FIXED = 0x20, /* values of one size, without nodes */
};

enum {
	NODE_BIG = 0x01,  /* the value is in pages of its own */
	NODE_TREE = 0x02, /* the value is a database */
};

struct page_head {
	size_t number;
	uint16_t pad;
	uint16_t flags;
	uint16_t lower; /* the end of the nodes' offsets, which follow */
	uint16_t upper;
};

struct tree {
	uint32_t page_size; /* in the first tree of a meta page */
	uint16_t flags;
	uint16_t depth;
	size_t counts[4];
	size_t root;
};

struct meta {
	uint32_t magic;
	uint32_t version;
	void *address;
	size_t map_size;
	struct tree trees[2]; /* the free pages, and all others */
	size_t last_page;
	size_t txn;
};

struct page_node {
	uint16_t low, high; /* of the value's size, or of a page's number */
	uint16_t flags;	    /* in a branch: the number's highest part */
	uint16_t key_size;
};

struct walk {
	int fd;
	size_t page_size;
	size_t pages;	     /* in the file */
	size_t seen;	     /* a file with a circle in it has no end */
	struct buffer queue; /* size_t: pages to look at */
	uint8_t *page;
};

static int read_at(int fd, void *out, size_t len, size_t offset)
{
	ssize_t got = pread(fd, out, len, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -ENODATA;
}

/* It reads the newer of the two meta pages; -EINVAL: they are none. */
static int read_meta(int fd, struct meta *out)
{
	struct meta metas[2];
	size_t offset = sizeof(struct page_head);

	for (unsigned i = 0; i < 2; i++) {
		struct meta *meta = &metas[i];
		int r = read_at(fd, meta, sizeof(*meta), offset);

		if (r < 0)
			return r;
		if (meta->magic != WHOLE_MAGIC ||
		    (meta->version & 0xffff) != WHOLE_VERSION ||
		    meta->trees[0].page_size < WHOLE_PAGE_MIN ||
		    meta->trees[0].page_size > WHOLE_PAGE_MAX)
			return -EINVAL;
		offset += meta->trees[0].page_size;
	}
	*out = metas[metas[0].txn < metas[1].txn];
	return 0;
}

/* @count pages, of which only the first is looked at, and only if @walked. */
static int expect(struct walk *walk, size_t page, size_t count, bool walked)
{
	if (page == NO_PAGE)
		return 0;
	if (page >= walk->pages || count > walk->pages - page)
		return -ENODATA;
	return walked ? buffer_add(&walk->queue, &page, sizeof(page)) : 0;
}

static int look_at_leaf(struct walk *walk, const struct page_node *node,
			size_t at)
{
	size_t size = node->low | (size_t)node->high << 16, page;
	struct tree tree;

	at += sizeof(*node) + node->key_size;
	if (node->flags & NODE_BIG) {
		if (at + sizeof(page) > walk->page_size)
			return -EIO;
		memcpy(&page, walk->page + at, sizeof(page));
		size += sizeof(struct page_head);
		return expect(walk, page, (size - 1) / walk->page_size + 1,
			      false);
	}
	if (at + size > walk->page_size)
		return -EIO;
	if (!(node->flags & NODE_TREE))
		return 0;
	if (size != sizeof(tree))
		return -EIO;
	memcpy(&tree, walk->page + at, sizeof(tree));
	return expect(walk, tree.root, 1, true);
}

static int look_at_node(struct walk *walk, bool is_leaf, size_t at)
{
	struct page_node node;
	size_t page;

	if (at + sizeof(node) > walk->page_size)
		return -EIO;
	memcpy(&node, walk->page + at, sizeof(node));
	if (is_leaf)
		return look_at_leaf(walk, &node, at);
	page = node.low | (size_t)node.high << 16;
	if (sizeof(page) > 4)
		page |= (size_t)node.flags << 16 << 16;
	return expect(walk, page, 1, true);
}

static int look_at_page(struct walk *walk, size_t number)
{
	struct page_head head;
	size_t end;
	int r;

	if (walk->seen++ == walk->pages)
		return -EIO;
	r = read_at(walk->fd, walk->page, walk->page_size,
		    number * walk->page_size);
	if (r < 0)
		return r;
	memcpy(&head, walk->page, sizeof(head));
	if (head.number != number ||
	    !(head.flags & (PAGE_BRANCH | PAGE_LEAF)) ||
	    head.lower > walk->page_size)
		return -EIO;
	if (head.flags & PAGE_FIXED)
		return 0;
	end = head.lower;
	for (size_t at = sizeof(head); r == 0 && at + 2 <= end; at += 2) {
		uint16_t offset;

		memcpy(&offset, walk->page + at, sizeof(offset));
		r = look_at_node(walk, head.flags & PAGE_LEAF, offset);
	}
	return r;
}

static int walk_trees(struct walk *walk, const struct meta *meta)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < 2; i++)
		r = expect(walk, meta->trees[i].root, 1, true);
	while (r == 0 && walk->queue.len) {
		size_t page;

		walk->queue.len -= sizeof(page);
		memcpy(&page, walk->queue.data + walk->queue.len, sizeof(page));
		r = look_at_page(walk, page);
	}
	return r;
}

static void walk_deinit(struct walk *walk)
{
	buffer_deinit(&walk->queue);
	free(walk->page);
}

int whole_check(int fd)
{
	CLEANUP(walk_deinit) struct walk walk = {.fd = fd};
	struct meta meta;
	struct stat st;
	int r = read_meta(fd, &meta);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	walk.page_size = meta.trees[0].page_size;
	walk.pages = (size_t)st.st_size / walk.page_size;
	if (walk.pages < 2)
		return -ENODATA;
	if (meta.last_page < walk.pages)
		return 0;
	walk.page = malloc(walk.page_size);
	return walk.page ? walk_trees(&walk, &meta) : -ENOMEM;
}
