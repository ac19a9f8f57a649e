// SPDX-License-Identifier: Apache-2.0
/*
 * drafts.c - the scratch files that have a name, by directory and name
 *
 * A directory is in commons->drafts while it has at least one. A scratch file
 * is in its directory, which has a reference to it, while it has a name,
 * whether any kernel knows it or not.
 */
#include <assert.h>
#include <errno.h>
#include <uthash.h>

#include "fs/drafts.h"
#include "fs/scratch.h"

/* A directory that has some. */
struct drafts {
	UT_hash_handle hh;     /* in commons->drafts, by key */
	uint64_t anchor;       /* its id */
	struct scratch *files; /* uthash by name */
	uint16_t key_len;
	uint8_t key[]; /* the directory's node's */
};

/* The kernel lets longer ones through. */
static int drafts_check(const char *name)
{
	return strlen(name) > STORE_NAME_SIZE ? -ENAMETOOLONG : 0;
}

/* ---- Which directory has which ---- */

/* A directory's node has the same key in each view. */
static struct drafts *dir_of_node(const struct commons *commons,
				  const struct node *node)
{
	struct drafts *dir = NULL;

	if (node->anchor)
		HASH_FIND(hh, commons->drafts, node->key, node->key_len, dir);
	return dir;
}

static struct drafts *find_or_make(struct commons *commons,
				   const struct node *in)
{
	struct drafts *dir = dir_of_node(commons, in);

	if (dir)
		return dir;
	dir = calloc(1, sizeof(*dir) + in->key_len);
	if (!dir)
		return NULL;
	dir->anchor = in->anchor->id;
	dir->key_len = in->key_len;
	memcpy(dir->key, in->key, in->key_len);
	HASH_ADD_KEYPTR(hh, commons->drafts, dir->key, dir->key_len, dir);
	return dir;
}

static void drop_if_empty(struct commons *commons, struct drafts *dir)
{
	if (dir->files)
		return;
	HASH_DEL(commons->drafts, dir);
	free(dir);
}

static void put(struct drafts *dir, struct scratch *scratch)
{
	assert(scratch->name);
	scratch->dir = dir;
	HASH_ADD_KEYPTR(hh, dir->files, scratch->name, strlen(scratch->name),
			scratch);
}

static void enter(struct drafts *dir, struct scratch *scratch)
{
	put(dir, scratch_ref(scratch));
}

struct scratch *drafts_find(const struct commons *commons,
			    const struct node *dir, const char *name)
{
	struct drafts *drafts = dir_of_node(commons, dir);
	struct scratch *scratch = NULL;

	if (drafts)
		HASH_FIND_STR(drafts->files, name, scratch);
	return scratch;
}

struct scratch *drafts_first(const struct commons *commons,
			     const struct node *dir)
{
	struct drafts *drafts = dir_of_node(commons, dir);

	return drafts ? drafts->files : NULL;
}

struct scratch *drafts_next(const struct scratch *scratch)
{
	return scratch->hh.next;
}

/* ---- They come, change and go ---- */

int drafts_new(struct node **out, struct fs *fs, const struct node *in,
	       const char *name, const struct fuse_ctx *owner, mode_t mode)
{
	struct scratch *scratch;
	struct drafts *dir;
	int r = drafts_check(name);

	if (r == 0)
		r = scratch_new(&scratch, fs, in->anchor, name, owner, mode);
	if (r < 0)
		return r;
	*out = node_get(fs, &file_scratch, in->anchor, NULL, scratch);
	dir = *out ? find_or_make(fs->commons, in) : NULL;
	if (dir)
		enter(dir, scratch);
	else if (*out)
		node_put(fs, *out, 1);
	/* From here on its name and its node have it. */
	scratch_unref(scratch);
	return dir ? 0 : -ENOMEM;
}

int drafts_rename(struct scratch *scratch, const struct node *in,
		  const char *name)
{
	struct commons *commons = scratch->commons;
	struct drafts *dir;
	int r = drafts_check(name);
	char *copy = r == 0 ? strdup(name) : NULL;

	assert(scratch->dir && in->anchor == scratch->anchor);
	if (!copy)
		return r < 0 ? r : -ENOMEM;
	dir = find_or_make(commons, in);
	if (!dir) {
		free(copy);
		return -ENOMEM;
	}
	/* Its own directory must not go for a moment's emptiness. */
	HASH_DEL(scratch->dir->files, scratch);
	if (scratch->dir != dir)
		drop_if_empty(commons, scratch->dir);
	free(scratch->name);
	scratch->name = copy;
	scratch->made = (struct receipt){0};
	put(dir, scratch);
	return 0;
}

void drafts_unlink(struct scratch *scratch)
{
	struct drafts *dir = scratch->dir;

	assert(scratch->name && dir && dir->files);
	HASH_DEL(dir->files, scratch);
	drop_if_empty(scratch->commons, dir);
	scratch->dir = NULL;
	free(scratch->name);
	scratch->name = NULL;
	scratch_let_go(scratch);
	scratch_unref(scratch);
}

static bool is_of(const struct scratch *scratch, const struct receipt *made)
{
	return scratch->made.session == made->session &&
	       scratch->made.seq == made->seq &&
	       scratch->made.slot == made->slot &&
	       !strcmp(scratch->made.from, made->from);
}

static struct scratch *find_made(const struct commons *commons,
				 const struct receipt *made)
{
	struct scratch *scratch;
	struct drafts *dir;

	for (dir = commons->drafts; dir; dir = dir->hh.next) {
		for (scratch = dir->files; scratch; scratch = scratch->hh.next)
			if (is_of(scratch, made))
				return scratch;
	}
	return NULL;
}

void drafts_take_back(const struct commons *commons, const struct receipt *made)
{
	struct scratch *scratch = find_made(commons, made);

	assert(made->from[0]);
	if (scratch && !scratch->opens && !scratch->size)
		drafts_unlink(scratch);
}

static void unlink_in(struct drafts *dir)
{
	struct scratch *scratch, *next;

	/* With the last of them @dir goes, too. */
	for (scratch = dir->files; scratch; scratch = next) {
		next = scratch->hh.next;
		drafts_unlink(scratch);
	}
}

void drafts_unlink_in(struct commons *commons, const struct node *in)
{
	struct drafts *dir = dir_of_node(commons, in);

	if (dir)
		unlink_in(dir);
}

void drafts_unlink_all(struct commons *commons, const struct anchor *anchor)
{
	struct drafts *dir, *next;

	HASH_ITER (hh, commons->drafts, dir, next) {
		if (!anchor || dir->anchor == anchor->id)
			unlink_in(dir);
	}
}
