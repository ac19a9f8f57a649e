// SPDX-License-Identifier: Apache-2.0
/*
 * drafts.c - the scratch files that have a name, by directory and name
 *
 * A directory is in fs->drafts while it has at least one. A scratch file is in
 * its directory while it has a name, and its node stays as long, whether the
 * kernel knows it or not (node_put()).
 */
#include <assert.h>
#include <errno.h>
#include <uthash.h>

#include "fs/drafts.h"
#include "fs/scratch.h"

/* A directory that has some. */
struct drafts {
	UT_hash_handle hh;     /* in fs->drafts, by: */
	uint64_t key;	       /* see make_key() */
	struct scratch *files; /* uthash by name */
};

/* The kernel lets longer ones through. */
static int drafts_check(const char *name)
{
	return strlen(name) > STORE_NAME_SIZE ? -ENAMETOOLONG : 0;
}

/* ---- Which directory has which ---- */

/* Of the anchor's id, and which of its directories it is. */
static uint64_t make_key(const struct node *dir)
{
	return dir->anchor->id << KIND_BITS | dir->kind->number;
}

static struct drafts *dir_of(const struct fs *fs, uint64_t key)
{
	struct drafts *dir;

	HASH_FIND(hh, fs->drafts, &key, sizeof(key), dir);
	return dir;
}

static struct drafts *dir_of_node(const struct fs *fs, const struct node *dir)
{
	return dir->anchor ? dir_of(fs, make_key(dir)) : NULL;
}

static struct drafts *find_or_make(struct fs *fs, const struct node *in)
{
	uint64_t key = make_key(in);
	struct drafts *dir = dir_of(fs, key);

	if (dir)
		return dir;
	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return NULL;
	dir->key = key;
	HASH_ADD(hh, fs->drafts, key, sizeof(key), dir);
	return dir;
}

static void drop_if_empty(struct fs *fs, struct drafts *dir)
{
	if (dir->files)
		return;
	HASH_DEL(fs->drafts, dir);
	free(dir);
}

static void enter(struct drafts *dir, struct scratch *scratch)
{
	assert(scratch->name && scratch->node);
	scratch->dir = dir;
	HASH_ADD_KEYPTR(hh, dir->files, scratch->name, strlen(scratch->name),
			scratch);
}

static void leave(struct fs *fs, struct scratch *scratch)
{
	struct drafts *dir = scratch->dir;

	if (!dir)
		return;
	assert(scratch->name && dir->files);
	scratch->dir = NULL;
	HASH_DEL(dir->files, scratch);
	drop_if_empty(fs, dir);
}

struct node *drafts_find(struct fs *fs, const struct node *dir,
			 const char *name)
{
	struct drafts *drafts = dir_of_node(fs, dir);
	struct scratch *scratch = NULL;

	if (drafts)
		HASH_FIND_STR(drafts->files, name, scratch);
	return scratch ? scratch->node : NULL;
}

struct scratch *drafts_first(struct fs *fs, const struct node *dir)
{
	struct drafts *drafts = dir_of_node(fs, dir);

	return drafts ? drafts->files : NULL;
}

struct scratch *drafts_next(const struct scratch *scratch)
{
	return scratch->hh.next;
}

/* ---- They come, change and go ---- */

static int make_node(struct node **out, struct fs *fs, const struct node *in,
		     struct scratch *scratch)
{
	struct drafts *dir = find_or_make(fs, in);
	struct node *node;

	if (!dir)
		return -ENOMEM;
	node = node_get(fs, &file_scratch, in->anchor, NULL,
			++fs->next_scratch);
	if (!node) {
		drop_if_empty(fs, dir);
		return -ENOMEM;
	}
	scratch->node = node;
	node->scratch = scratch;
	enter(dir, scratch);
	*out = node;
	return 0;
}

int drafts_new(struct node **out, struct fs *fs, const struct node *dir,
	       const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch;
	int r = drafts_check(name);

	if (r == 0)
		r = scratch_new(&scratch, fs, dir->anchor, name, owner, mode);
	if (r < 0)
		return r;
	r = make_node(out, fs, dir, scratch);
	if (r < 0)
		scratch_free(fs, scratch);
	return r;
}

int drafts_rename(struct fs *fs, struct node *node, const struct node *in,
		  const char *name)
{
	struct scratch *scratch = node->scratch;
	struct drafts *dir;
	int r = drafts_check(name);
	char *copy = r == 0 ? strdup(name) : NULL;

	assert(scratch->dir && in->anchor == scratch->anchor);
	if (!copy)
		return r < 0 ? r : -ENOMEM;
	dir = find_or_make(fs, in);
	if (!dir) {
		free(copy);
		return -ENOMEM;
	}
	/* Its own directory must not go for a moment's emptiness. */
	HASH_DEL(scratch->dir->files, scratch);
	if (scratch->dir != dir)
		drop_if_empty(fs, scratch->dir);
	free(scratch->name);
	scratch->name = copy;
	enter(dir, scratch);
	return 0;
}

void drafts_let_go(struct fs *fs, struct node *node)
{
	if (!node->opens && !node->scratch->name)
		scratch_let_go(fs, node->scratch);
}

void drafts_unlink(struct fs *fs, struct node *node)
{
	assert(node->scratch->name);
	leave(fs, node->scratch);
	free(node->scratch->name);
	node->scratch->name = NULL;
	drafts_let_go(fs, node);
	node_put(fs, node, 0);
}

static void unlink_in(struct fs *fs, struct drafts *dir)
{
	struct scratch *scratch, *next;

	/* With the last of them @dir goes, too. */
	for (scratch = dir->files; scratch; scratch = next) {
		next = scratch->hh.next;
		drafts_unlink(fs, scratch->node);
	}
}

void drafts_unlink_all(struct fs *fs, const struct anchor *anchor)
{
	struct drafts *dir, *next;

	HASH_ITER (hh, fs->drafts, dir, next) {
		if (dir->key >> KIND_BITS == anchor->id)
			unlink_in(fs, dir);
	}
}

void drafts_forget(struct fs *fs, struct scratch *scratch)
{
	leave(fs, scratch);
}
