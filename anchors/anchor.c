// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "anchors/host.h"

static void traffic_freep(struct traffic **traffic)
{
	traffic_free(*traffic);
}

int anchor_place(const struct anchor *parent, const char *name)
{
	const struct anchor_claim *claim;

	if (parent->gone || parent->scrubs)
		return -ENODEV;
	HASH_FIND(hh, parent->claims, name, strlen(name), claim);
	return claim || anchor_child(parent, name) ? -EEXIST : 0;
}

int anchor_new(struct anchor **out, struct host *host, struct anchor *parent,
	       const struct store_anchor *stored)
{
	CLEANUP(traffic_freep) struct traffic *traffic = NULL;
	struct anchor *anchor;
	char *name = strndup(stored->name, stored->name_len);
	int r = name ? 0 : -ENOMEM;

	if (r == 0 && parent)
		r = anchor_place(parent, name);
	if (r < 0) {
		free(name);
		return r;
	}
	anchor = calloc(1, sizeof(*anchor));
	if (!anchor ||
	    (parent && traffic_new(&traffic, stored->id, host->workers) < 0)) {
		free(anchor);
		free(name);
		return -ENOMEM;
	}
	anchor->host = host;
	anchor->name = name;
	anchor->id = stored->id;
	anchor->uid = stored->uid;
	anchor->gid = stored->gid;
	anchor->mode = stored->mode;
	anchor->mtime_ns = stored->mtime_ns;
	anchor->address = stored->address;
	anchor->traffic = steal(&traffic);
	anchor->refs = 1;
	if (parent) {
		anchor->parent = anchor_ref(parent);
		HASH_ADD_KEYPTR(hh, parent->children, anchor->name,
				strlen(anchor->name), anchor);
		host->anchors++;
	}
	*out = anchor;
	return 0;
}

struct anchor *anchor_ref(struct anchor *anchor)
{
	anchor->refs++;
	return anchor;
}

/* A long chain of parents may go with the last reference: no recursion. */
struct anchor *anchor_unref(struct anchor *anchor)
{
	while (anchor && --anchor->refs == 0) {
		struct anchor *parent = anchor->parent;

		assert(!anchor->children && !anchor->claims);
		assert(!anchor->server && !anchor->scrubs);
		traffic_free(anchor->traffic);
		error_ring_clear(&anchor->errors);
		free(anchor->name);
		free(anchor);
		anchor = parent;
	}
	return NULL;
}

void anchor_unlink(struct anchor *anchor)
{
	assert(!anchor->gone);
	anchor->gone = true;
	if (anchor->parent) {
		HASH_DEL(anchor->parent->children, anchor);
		anchor->host->anchors--;
	}
	anchor_unref(anchor);
}

struct anchor *anchor_next(const struct anchor *root,
			   const struct anchor *anchor)
{
	if (anchor->children)
		return anchor->children;
	while (anchor != root && !anchor->hh.next)
		anchor = anchor->parent;
	return anchor == root ? NULL : anchor->hh.next;
}

struct anchor *anchor_child(const struct anchor *anchor, const char *name)
{
	struct anchor *child;

	HASH_FIND(hh, anchor->children, name, strlen(name), child);
	return child;
}

/* From the end to its beginning: the parents are found in this order. */
char *anchor_path(const struct anchor *anchor)
{
	size_t len = 0;
	char *path, *at;

	for (const struct anchor *a = anchor; a->parent; a = a->parent)
		len += strlen(a->name) + 1;
	if (!len)
		return strdup("");
	path = malloc(len);
	if (!path)
		return NULL;
	at = path + len - 1;
	*at = 0;
	for (const struct anchor *a = anchor; a->parent; a = a->parent) {
		at -= strlen(a->name);
		memcpy(at, a->name, strlen(a->name));
		if (at > path)
			*--at = '/';
	}
	return path;
}

/* ---- Depth ---- */

/* Of a path. */
struct extent {
	size_t levels;
	size_t octets;
};

static struct extent extent_add(struct extent extent, const char *name)
{
	/* A slash is before each but the first one. */
	extent.octets += strlen(name) + (extent.levels ? 1 : 0);
	extent.levels++;
	return extent;
}

static struct extent extent_of(const struct anchor *anchor)
{
	struct extent extent = {0};

	for (; anchor->parent; anchor = anchor->parent)
		extent = extent_add(extent, anchor->name);
	return extent;
}

/*
 * How deep and how long what is in @top reaches, below it: the most of each.
 * Return: whether that could be seen.
 */
static bool reach_of(const struct anchor *top, struct extent *out)
{
	struct extent here = {0}, most = {0};
	const struct anchor *at = top;

	for (size_t seen = 0; seen < ANCHOR_LOOK_MAX; seen++) {
		if (at->children) {
			at = at->children;
		} else {
			for (; at != top && !at->hh.next; at = at->parent) {
				here.octets -= strlen(at->name) + 1;
				here.levels--;
			}
			if (at == top) {
				*out = most;
				return true;
			}
			here.octets -= strlen(at->name) + 1;
			here.levels--;
			at = at->hh.next;
		}
		here.octets += strlen(at->name) + 1;
		here.levels++;
		if (here.levels > most.levels)
			most.levels = here.levels;
		if (here.octets > most.octets)
			most.octets = here.octets;
	}
	return false;
}

static int extent_fits(struct extent extent, struct refusal *why)
{
	if (extent.levels > ANCHOR_LEVELS_MAX)
		return refusal_set(
			why, -EDQUOT,
			"directories are %d levels deep at most, and this "
			"would make it %zu",
			ANCHOR_LEVELS_MAX, extent.levels);
	if (extent.octets > ANCHOR_PATH_MAX)
		return refusal_set(
			why, -ENAMETOOLONG,
			"a path has %d octets at most below the host's "
			"directory, and this would make it %zu",
			ANCHOR_PATH_MAX, extent.octets);
	return 0;
}

int anchor_fits(const struct anchor *anchor, const struct anchor *parent,
		const char *name, struct refusal *why)
{
	struct extent to = extent_add(extent_of(parent), name);
	struct extent from, reach = {0};

	if (!anchor)
		return extent_fits(to, why);
	from = extent_of(anchor);
	if (to.levels <= from.levels && to.octets <= from.octets)
		return 0;
	if (!reach_of(anchor, &reach))
		return refusal_set(
			why, -EDQUOT,
			"with more than %d directories in it, only to "
			"where its path is no longer and no deeper",
			ANCHOR_LOOK_MAX);
	to.levels += reach.levels;
	to.octets += reach.octets;
	return extent_fits(to, why);
}

/* ---- Claims ---- */

int anchor_claim(struct anchor_claim **out, struct anchor *parent,
		 const char *name)
{
	struct anchor_claim *claim;
	int r = anchor_place(parent, name);

	if (r < 0)
		return r;
	claim = calloc(1, sizeof(*claim));
	if (claim)
		claim->name = strdup(name);
	if (!claim || !claim->name) {
		free(claim);
		return -ENOMEM;
	}
	claim->parent = anchor_ref(parent);
	HASH_ADD_KEYPTR(hh, parent->claims, claim->name, strlen(claim->name),
			claim);
	*out = claim;
	return 0;
}

struct anchor_claim *anchor_unclaim(struct anchor_claim *claim)
{
	if (!claim)
		return NULL;
	HASH_DEL(claim->parent->claims, claim);
	anchor_unref(claim->parent);
	free(claim->name);
	free(claim);
	return NULL;
}

void anchor_relink(struct anchor *anchor, struct anchor_claim *claim)
{
	struct anchor *former = anchor->parent, *parent = claim->parent;

	assert(former && !anchor->gone && !parent->gone);
	assert(!anchor_child(parent, claim->name));
	HASH_DEL(former->children, anchor);
	HASH_DEL(parent->claims, claim);
	free(anchor->name);
	anchor->name = steal(&claim->name);
	anchor->parent = steal(&claim->parent); /* with its reference */
	HASH_ADD_KEYPTR(hh, parent->children, anchor->name,
			strlen(anchor->name), anchor);
	anchor_unref(former);
	free(claim);
}

/* ---- What is kept ---- */

void anchor_take_rights(struct anchor *anchor,
			const struct anchor_rights *rights)
{
	if (rights->set_uid)
		anchor->uid = rights->uid;
	if (rights->set_gid)
		anchor->gid = rights->gid;
	if (rights->set_mode)
		anchor->mode = rights->mode;
	if (rights->set_mtime)
		anchor->mtime_ns = rights->mtime_ns;
}

void anchor_store_form(const struct anchor *anchor, struct store_anchor *out)
{
	/* With its padding: the octets of it go to disk. */
	memset(out, 0, sizeof(*out));
	out->id = anchor->id;
	out->parent = anchor->parent ? anchor->parent->id : 0;
	out->uid = anchor->uid;
	out->gid = anchor->gid;
	out->mode = anchor->mode;
	out->mtime_ns = anchor->mtime_ns;
	out->address = anchor->address;
	out->name_len = (uint8_t)strlen(anchor->name);
	memcpy(out->name, anchor->name, out->name_len);
}

void anchor_refuse(struct anchor *anchor, const char *file,
		   const struct refusal *why)
{
	anchor_fail(anchor, file, why->line, why->text, why->reason);
}

void anchor_fail(struct anchor *anchor, const char *file, uint32_t line,
		 const char *text, const char *reason)
{
	error_ring_add(&anchor->errors, time(NULL), file, line, text, reason);
}

int anchor_parse_name(const char *name, struct address *out)
{
	const char *at = strrchr(name, '@');
	struct address address;

	if (strlen(name) > STORE_NAME_SIZE)
		return -ENAMETOOLONG;
	if (!at)
		return 0;
	if (at == name || address_parse(at + 1, &address) < 0 ||
	    address.kind == ADDRESS_OFF)
		return -EINVAL;
	*out = address;
	return 0;
}
