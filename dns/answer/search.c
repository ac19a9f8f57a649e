// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/answer/search.h"

#define NOWHERE (NAME_LABELS_MAX + 1)

void search_init(struct search *search, struct snapshot *snapshot,
		 uint32_t table, const struct name *name)
{
	search->snapshot = snapshot;
	search->table = table;
	search->at = NOWHERE;
	search->labels = name_to_key_ends(name, search->key, search->ends);
}

/* By what a seek for the key of so many labels has found. */
static int place_of(const struct search *search, unsigned labels, int result,
		    const struct snapshot_entry *found)
{
	size_t len = search->ends[labels];

	if (result < 0)
		return result == -ENOENT ? SEARCH_NOTHING : result;
	if (found->key_len < len ||
	    (len && memcmp(found->key, search->key, len)))
		return SEARCH_NOTHING;
	return found->key_len == len ? SEARCH_OWNER : SEARCH_ABOVE;
}

int search_name(struct search *search, bool recall,
		struct snapshot_entry *entry)
{
	unsigned labels = search->labels;
	int r;

	if (recall && snapshot_recall(search->snapshot, search->table,
				      search->key, search->ends[labels], entry))
		return SEARCH_OWNER;
	entry->key = NULL;
	search->at = labels;
	r = snapshot_seek(search->snapshot, search->table, search->key,
			  search->ends[labels], entry);
	return place_of(search, labels, r, entry);
}

static int known(struct search *search, unsigned labels,
		 struct snapshot_entry *entry)
{
	return snapshot_known(search->snapshot, search->table, search->key,
			      search->ends[labels], entry);
}

static int learn(struct search *search, unsigned labels,
		 struct snapshot_entry *entry)
{
	search->at = labels;
	return snapshot_learn(search->snapshot, search->table, search->key,
			      search->ends[labels], entry);
}

int search_again(struct search *search, unsigned labels,
		 struct snapshot_entry *entry)
{
	int r = known(search, labels, entry);

	assert(labels <= search->labels);
	if (r == -EAGAIN)
		r = learn(search, labels, entry);
	return place_of(search, labels, r, entry);
}

int search_wildcard(struct search *search, unsigned encloser,
		    struct snapshot_entry *entry)
{
	uint16_t end = search->ends[encloser];

	assert(encloser < search->labels);
	/* The label it replaces takes two octets at least. */
	memcpy(search->key + end, "*", 2);
	search->ends[encloser + 1] = end + 2;
	return search_again(search, encloser + 1, entry);
}

/* How many octets two keys have in common, from the first on. */
static size_t shared_octets(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t same = 0;

	/* Eight at a time: keys with many labels are long. */
	while (len - same >= 8 && !memcmp(a + same, b + same, 8))
		same += 8;
	while (same < len && a[same] == b[same])
		same++;
	return same;
}

/* How many labels from the root down an ancestor-or-self shares with an owner.
 */
static unsigned shared_labels(const struct search *search, unsigned labels,
			      const struct snapshot_entry *owner)
{
	size_t len = search->ends[labels];

	if (len > owner->key_len)
		len = owner->key_len;
	len = shared_octets(search->key, owner->key, len);
	while (search->ends[labels] > len)
		labels--;
	return labels;
}

/* At what a look at an ancestor has found, if that did not fail. */
static int stand(unsigned labels, int place, const struct snapshot_entry *found,
		 struct rung *rung)
{
	rung->labels = labels;
	rung->rrsets =
		place == SEARCH_OWNER ? found->rrsets : (struct rrsets){0};
	return place < 0 ? place : 0;
}

static int stand_at(struct search *search, unsigned labels, struct rung *rung)
{
	struct snapshot_entry entry;
	int place = search_again(search, labels, &entry);

	return stand(labels, place, &entry, rung);
}

/* At an ancestor of the owner that snapshot_previous() has just shown. */
static int stand_above(struct search *search, unsigned labels,
		       const struct snapshot_entry *before, struct rung *rung)
{
	struct snapshot_entry entry;
	int r = snapshot_look_back(search->snapshot, search->key,
				   search->ends[labels], before, &entry);

	if (r == -EAGAIN)
		return stand_at(search, labels, rung);
	return stand(labels, place_of(search, labels, r, &entry), &entry, rung);
}

/*
 * Stand at the deepest ancestor that can have records, by the owner that
 * snapshot_previous() has just shown: no deeper one is above that owner.
 * From @labels on upwards.
 */
static int stand_by(struct search *search, unsigned labels,
		    const struct snapshot_entry *before, struct rung *rung)
{
	assert(labels <= search->labels);
	labels = shared_labels(search, labels, before);
	search->at = NOWHERE;
	if (before->key_len > search->ends[labels])
		return stand_above(search, labels, before, rung);
	search->at = labels;
	rung->labels = labels;
	rung->rrsets = before->rrsets;
	return 0;
}

int search_up(struct search *search, struct rung *rung)
{
	struct snapshot_entry entry;
	int r;

	if (rung->labels == 0)
		return -ENOENT;
	/* Mostly an apex. A step back costs less than to seek for another. */
	if (search->at != rung->labels ||
	    known(search, rung->labels - 1, &entry) != -EAGAIN)
		return stand_at(search, rung->labels - 1, rung);
	r = snapshot_previous(search->snapshot, &entry);
	return r < 0 ? r : stand_by(search, rung->labels - 1, &entry, rung);
}

int search_encloser(struct search *search, const struct snapshot_entry *after,
		    struct rung *rung)
{
	unsigned self = search->labels;
	unsigned labels = after->key ? shared_labels(search, self, after) : 0;
	struct snapshot_entry before;
	int r = snapshot_previous(search->snapshot, &before);

	*rung = (struct rung){0}; /* the root has no records then */
	if (r == -ENOENT)
		return (int)labels;
	if (r == 0)
		r = stand_by(search, self, &before, rung);
	if (r < 0)
		return r;
	return (int)(rung->labels > labels ? rung->labels : labels);
}
