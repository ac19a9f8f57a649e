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
	CLEANUP(freep) struct anchor *anchor = calloc(1, sizeof(*anchor));
	CLEANUP(freep) char *name = strndup(stored->name, stored->name_len);
	int r = anchor && name ? 0 : -ENOMEM;

	assert(stored->id);
	if (r == 0 && parent)
		r = anchor_place(parent, name);
	if (r == 0 && parent)
		r = traffic_new(&traffic, stored->id, host->workers);
	if (r < 0)
		return r;
	anchor->host = host;
	anchor->name = steal(&name);
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
	HASH_ADD(by_id, host->anchors_by_id, id, sizeof(anchor->id), anchor);
	*out = steal(&anchor);
	return 0;
}

struct anchor *anchor_ref(struct anchor *anchor)
{
	/* It is made from another one, or there would be none to hold. */
	assert(anchor->refs);
	anchor->refs++;
	return anchor;
}

/*
 * The last reference may take a long chain of parents with it, so this does not
 * call itself.
 */
struct anchor *anchor_unref(struct anchor *anchor)
{
	while (anchor) {
		struct anchor *parent = anchor->parent;

		assert(anchor->refs);
		if (--anchor->refs)
			break;
		/* The tree held one until it was gone, and each task one. */
		assert(anchor->gone && !anchor->in_flight);
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
		assert(anchor->host->anchors);
		HASH_DEL(anchor->parent->children, anchor);
		anchor->host->anchors--;
	}
	HASH_DELETE(by_id, anchor->host->anchors_by_id, anchor);
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

struct anchor *anchor_by_id(const struct host *host, uint64_t id)
{
	struct anchor *anchor;

	HASH_FIND(by_id, host->anchors_by_id, &id, sizeof(id), anchor);
	return anchor;
}

struct anchor *anchor_child(const struct anchor *anchor, const char *name)
{
	struct anchor *child;

	HASH_FIND(hh, anchor->children, name, strlen(name), child);
	return child;
}

/* It is written from its end on, since that is how the parents are found. */
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

/* ---- Claims ---- */

int anchor_claim(struct anchor_claim **out, struct anchor *parent,
		 const char *name)
{
	CLEANUP(freep) struct anchor_claim *claim = NULL;
	CLEANUP(freep) char *copy = NULL;
	int r = anchor_place(parent, name);

	if (r < 0)
		return r;
	claim = calloc(1, sizeof(*claim));
	copy = strdup(name);
	if (!claim || !copy)
		return -ENOMEM;
	claim->name = steal(&copy);
	claim->parent = anchor_ref(parent);
	HASH_ADD_KEYPTR(hh, parent->claims, claim->name, strlen(claim->name),
			claim);
	*out = steal(&claim);
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
	assert(anchor->host == parent->host);
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
	/* Its padding is cleared, too: those octets go to disk. */
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
