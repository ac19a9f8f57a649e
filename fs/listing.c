// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

#include "fs/drafts.h"
#include "fs/listing.h"
#include "fs/scratch.h"

#define MARKS_APART 1024 /* names */

/* After so many entries, a look at the clock. */
#define SKIPPED_LOOK 64

/* ---- The entries of a moment ---- */

int listing_add(struct listing *listing, mode_t type, const char *name)
{
	uint8_t octet = type == S_IFDIR;
	int r = buffer_add(&listing->names, &octet, 1);

	listing->total++;
	return r < 0 ? r : buffer_add(&listing->names, name, strlen(name) + 1);
}

/* What an open directory holds between two reads is its opener's. */
static int count_names(struct listing *listing)
{
	uint64_t octets = listing->names.cap;
	char label[NODE_LABEL_SIZE];
	int r = 0;

	if (octets <= listing->held)
		return 0;
	node_label(listing->node, label, sizeof(label));
	r = share_take(listing->fs, SHARE_TEXT_SIZE, listing->uid,
		       octets - listing->held, listing->node->anchor, label);
	if (r < 0)
		buffer_deinit(&listing->names);
	else
		listing->held = octets;
	return r;
}

static int take_drafts(struct listing *listing)
{
	struct scratch *scratch =
		drafts_first(listing->fs->commons, listing->node);
	int r = 0;

	for (; r == 0 && scratch; scratch = drafts_next(scratch))
		r = listing_add(listing, S_IFREG, scratch->name);
	return r < 0 ? r : count_names(listing);
}

static void end_names(struct listing *listing)
{
	moment_end(&listing->moment);
	listing->snapshot = snapshot_free(listing->snapshot);
}

/* Which names come next is not known any more. */
static bool give_up_names(struct moment *moment)
{
	end_names(container_of(moment, struct listing, moment));
	return true;
}

static int begin_names(struct listing *listing)
{
	struct table_counts counts;
	int r = snapshot_begin(listing->snapshot);

	if (r == 0)
		r = snapshot_served(listing->snapshot,
				    listing->node->anchor->id,
				    &listing->served);
	if (r == 0)
		r = snapshot_counts(listing->snapshot, listing->served.table,
				    &counts);
	if (r == 0)
		listing->total += counts.names;
	return r == -ENOENT ? -ENODEV : r;
}

int listing_add_walk(struct listing *listing, const struct listing_walk *walk)
{
	int r = 0;

	assert(listing->node->kind->walks_store);
	listing->walk = walk;
	moment_end(&listing->moment);
	if (!listing->snapshot)
		r = snapshot_new(&listing->snapshot,
				 &listing->fs->host->store.tables);
	else
		snapshot_end(listing->snapshot);
	if (r == 0)
		r = begin_names(listing);
	if (r < 0)
		listing->snapshot = snapshot_free(listing->snapshot);
	else
		moment_begin(&listing->moment);
	return r;
}

/* How many there are, only the end tells; the total is a guess, for marks. */
static bool is_endless(const struct listing *listing)
{
	return listing->walk && listing->walk->next;
}

/* Stand before the first entry. */
static void rewind_listing(struct listing *listing)
{
	listing->has_entry = false;
	listing->at = 0;
	listing->names_at = 0;
	listing->first = true;
	listing->from = NULL;
}

/* Take the names of this moment, and stand before the first one. */
static int take(struct listing *listing)
{
	int r;

	listing->taken = false;
	rewind_listing(listing);
	listing->names.len = 0;
	listing->total = 0;
	marks_deinit(&listing->marks);
	if (listing->node->anchor && listing->node->anchor->gone)
		return -ENODEV;
	r = listing_add(listing, S_IFDIR, ".");
	if (r == 0)
		r = listing_add(listing, S_IFDIR, "..");
	if (r == 0)
		r = listing->node->kind->list(listing);
	if (r == 0)
		r = take_drafts(listing);
	marks_init(&listing->marks, listing->total, MARKS_APART);
	listing->taken = r == 0;
	return r;
}

/* ---- From entry to entry ---- */

/* Of names/: where the snapshot's cursor is, the next one is not far. */
static int find_owner(struct listing *listing, const struct mark *from,
		      bool first, struct snapshot_entry *out)
{
	if (from)
		return snapshot_seek(listing->snapshot, listing->served.table,
				     from->key, from->key_len, out);
	if (first)
		return snapshot_seek(listing->snapshot, listing->served.table,
				     NULL, 0, out);
	return snapshot_next(listing->snapshot, out);
}

static void set_key(struct listing *listing, const uint8_t *key, size_t len)
{
	assert(len <= sizeof(listing->key));
	memcpy(listing->key, key, len);
	listing->key_len = len;
}

/* Whatever was at a mark is there still: it is of the same moment. */
static int find_next(struct listing *listing, const struct mark *from,
		     bool first)
{
	struct name name;
	int r = 0;

	if (from) {
		set_key(listing, from->key, from->key_len);
		return 0;
	}
	r = listing->walk->next(listing, first ? NULL : listing->key,
				first ? 0 : listing->key_len, &name);
	if (r == 0)
		listing->key_len = name_to_key(&name, listing->key);
	return r;
}

/* Its key. */
static int find_entry(struct listing *listing)
{
	const struct mark *from = listing->from;
	bool first = listing->first;
	struct snapshot_entry entry;
	int r;

	listing->from = NULL;
	listing->first = false;
	if (listing->walk->next)
		return find_next(listing, from, first);
	r = find_owner(listing, from, first, &entry);
	if (r == 0)
		set_key(listing, entry.key, entry.key_len);
	return r;
}

static int next_owner(struct listing *listing, bool shown)
{
	int r = find_entry(listing);

	/* The end was seen. A snapshot that stays costs disk space, and rm -r
	 * keeps the directory open while it removes what it has seen. */
	if (r == -ENOENT)
		end_names(listing);
	if (r < 0)
		return r;
	marks_note(&listing->marks, listing->at, listing->key,
		   listing->key_len);
	if (!shown)
		return 0;
	if (name_from_key(listing->key, listing->key_len, &listing->owner) < 0)
		return -EIO;
	name_to_file(&listing->owner, listing->text);
	listing->entry = listing->text;
	listing->has_owner = true;
	listing->type = kind_is_dir(listing->walk->kind) ? S_IFDIR : S_IFREG;
	return 0;
}

/*
 * Step to the next entry: 0, -ENOENT at the end, -errno.
 * @shown: false: it is passed by, and will not be looked at
 */
static int step(struct listing *listing, bool shown)
{
	const char *name;
	int r = 0;

	listing->has_owner = false;
	if (listing->names_at < listing->names.len) {
		name = (const char *)listing->names.data + listing->names_at;
		listing->type = *name ? S_IFDIR : S_IFREG;
		listing->names_at += strlen(name + 1) + 2;
		listing->entry = name + 1;
	} else if (listing->snapshot) {
		r = next_owner(listing, shown);
	} else {
		r = -ENOENT;
	}
	listing->has_entry = r == 0 && shown;
	if (r == 0)
		listing->at++;
	return r;
}

/* Be at the entry behind @offset or before it, by the shortest way. */
static int approach(struct listing *listing, uint64_t offset)
{
	bool is_back = offset + 1 < listing->at ||
		       (offset + 1 == listing->at && !listing->has_entry);
	const struct mark *mark = marks_find(&listing->marks, offset);

	/* The end was seen: what was before is not known any more. */
	if (is_back && !listing->snapshot && listing->node->kind->walks_store)
		return take(listing);
	assert(!mark || mark->at <= offset);
	if (listing->snapshot && mark && (is_back || mark->at > listing->at)) {
		listing->names_at = listing->names.len;
		listing->from = mark;
		listing->at = mark->at;
		listing->has_entry = false;
	} else if (is_back) {
		rewind_listing(listing);
	}
	return 0;
}

int listing_begin(struct listing *listing, uint64_t offset)
{
	int r = 0;

	if (!listing->taken || offset == 0)
		r = take(listing);
	if (r == 0 && offset >= listing->total && !is_endless(listing)) {
		end_names(listing);
		return -ENOENT;
	}
	return r < 0 ? r : approach(listing, offset);
}

int listing_seek(struct listing *listing, uint64_t offset, uint64_t until_ns)
{
	unsigned steps = 0;
	int r = 0;

	while (r == 0 && (listing->at < offset + 1 || !listing->has_entry)) {
		if (++steps % SKIPPED_LOOK == 0 && uv_hrtime() >= until_ns)
			return -EAGAIN;
		r = step(listing, listing->at >= offset);
	}
	assert(r < 0 || listing->at == offset + 1);
	return r;
}

int listing_next(struct listing *listing)
{
	return step(listing, true);
}

/* ---- Open and close ---- */

int listing_init(struct listing *listing, struct fs *fs, struct node *node,
		 uid_t uid)
{
	*listing = (struct listing){.fs = fs, .node = node, .uid = uid};
	return node->kind->walks_store ? moment_open(&listing->moment, fs, uid,
						     node, give_up_names)
				       : 0;
}

void listing_deinit(struct listing *listing)
{
	moment_close(&listing->moment);
	marks_deinit(&listing->marks);
	listing->snapshot = snapshot_free(listing->snapshot);
	buffer_deinit(&listing->names);
	share_give(listing->fs, SHARE_TEXT_SIZE, listing->uid, listing->held);
	listing->held = 0;
}
