// SPDX-License-Identifier: Apache-2.0
/*
 * lookup.c - what a name is in a table: RFC 1034, section 4.3.2, steps 2 and 3
 *
 * Keys sort by DNS order and a name's key begins with its ancestors' keys, so
 * one key serves for the name and all its ancestors, and the neighbours of a
 * missing name show its closest encloser. From the name or that encloser the
 * search climbs to the apex: the deepest SOA ends it, and the cut or DNAME
 * that was met last, the topmost, hides everything below it.
 *
 * It climbs by what has records, not label by label: an ancestor that has any
 * also encloses the owner just before the name, or is that owner.
 *
 * An exact hit in a flat zone is one seek, for the name; what stands at the
 * apex, the snapshot remembers.
 */
#include <errno.h>
#include <limits.h>

#include "dns/answer/lookup.h"

/* How many zones a search for names between them steps over. */
#define ZONES_SKIPPED 16

#define NOWHERE UINT_MAX

struct search {
	struct snapshot *snapshot;
	uint32_t table;
	uint8_t key[NAME_KEY_SIZE];
	uint16_t ends[NAME_LABELS_MAX +
		      1];    /* of the ancestor with so many labels */
	unsigned zones_left; /* see ZONES_SKIPPED */
	unsigned at; /* labels of the key that the cursor is at; or NOWHERE */
	enum lookup_side side;
	struct rrsets own; /* of the name itself; or none */
	struct lookup *out;
};

static void search_init(struct search *search, struct snapshot *snapshot,
			uint32_t table, const struct name *name,
			enum lookup_side side, struct lookup *out)
{
	size_t len = name_to_key(name, search->key);
	unsigned labels = 0;

	search->snapshot = snapshot;
	search->table = table;
	search->side = side;
	search->own = (struct rrsets){0};
	search->out = out;
	search->zones_left = ZONES_SKIPPED;
	search->at = NOWHERE;
	search->ends[0] = 0;
	/* A 0x00 ends a label and stands nowhere else in a key. */
	for (size_t i = 0; i < len; i++)
		if (search->key[i] == 0)
			search->ends[++labels] = (uint16_t)(i + 1);
	*out = (struct lookup){.labels = (uint8_t)labels};
}

/* What stands at a key. */
enum place {
	PLACE_NOTHING,
	PLACE_ABOVE, /* no records, but names below it: RFC 8020, section 2 */
	PLACE_OWNER,
};

/* By what a seek for the key of so many labels has found. */
static int place_of(const struct search *search, unsigned labels, int result,
		    const struct snapshot_entry *found)
{
	size_t len = search->ends[labels];

	if (result < 0)
		return result == -ENOENT ? PLACE_NOTHING : result;
	if (found->key_len < len ||
	    (len && memcmp(found->key, search->key, len)))
		return PLACE_NOTHING;
	return found->key_len == len ? PLACE_OWNER : PLACE_ABOVE;
}

/* Look at the name; @entry: the first owner from there on, key NULL if none. */
static int look(struct search *search, struct snapshot_entry *entry)
{
	unsigned labels = search->out->labels;
	int r;

	/* Glue is mostly next to what was looked at before. */
	if (search->side == LOOKUP_GLUE &&
	    snapshot_recall(search->snapshot, search->table, search->key,
			    search->ends[labels], entry))
		return PLACE_OWNER;
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

/* Look at an ancestor, or a wildcard below one: others have done so before. */
static int look_again(struct search *search, unsigned labels,
		      struct snapshot_entry *entry)
{
	int r = known(search, labels, entry);

	if (r == -EAGAIN)
		r = learn(search, labels, entry);
	return place_of(search, labels, r, entry);
}

/* What an owner's types make of it. */
struct role {
	bool has_soa, has_ns, has_dname;
};

static struct role role_of(struct rrsets rrsets)
{
	struct role role = {0};
	struct rrset rrset;
	size_t offset = 0;

	/* Behind these two the types are in order. */
	while (rrsets_next(rrsets, &offset, &rrset) && rrset.type <= RR_DNAME) {
		role.has_soa |= rrset.type == RR_SOA;
		role.has_ns |= rrset.type == RR_NS;
		role.has_dname |= rrset.type == RR_DNAME;
	}
	return role;
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

/* Where a climb is: an ancestor-or-self. */
struct rung {
	unsigned labels;
	struct rrsets rrsets; /* its own; none if it has no records */
};

static int stand_at(struct search *search, unsigned labels, struct rung *rung)
{
	struct snapshot_entry entry;
	int place = look_again(search, labels, &entry);

	rung->labels = labels;
	rung->rrsets = place == PLACE_OWNER ? entry.rrsets : (struct rrsets){0};
	return place < 0 ? place : 0;
}

/*
 * Stand at the deepest ancestor that can have records, by the owner that
 * snapshot_previous() has just shown: no deeper one is above that owner.
 * From @labels on upwards.
 */
static int stand_by(struct search *search, unsigned labels,
		    const struct snapshot_entry *before, struct rung *rung)
{
	labels = shared_labels(search, labels, before);
	search->at = NOWHERE;
	if (before->key_len > search->ends[labels]) {
		snapshot_look_back(search->snapshot, search->key,
				   search->ends[labels], before);
		return stand_at(search, labels, rung);
	}
	search->at = labels;
	rung->labels = labels;
	rung->rrsets = before->rrsets;
	return 0;
}

/* The next one above that can have records: 0; -ENOENT: none; -EIO. */
static int go_up(struct search *search, struct rung *rung)
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

/*
 * The closest encloser of a name that does not exist (RFC 4592, section
 * 3.3.1): all that encloses it and exists also encloses the owner just before
 * or just after it. Called right after the name was looked at. On the way it
 * learns where to climb from. Returns labels, or -EIO.
 */
static int closest_encloser(struct search *search,
			    const struct snapshot_entry *after,
			    struct rung *rung)
{
	unsigned self = search->out->labels;
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

/* A cut or a DNAME that was met. */
struct barrier {
	bool is_there;
	uint8_t labels;
	struct rrsets rrsets;
};

/*
 * From a rung up to the apex, or as far as there are records if there is none.
 *
 * A later barrier replaces an earlier one: it stands higher.
 */
static int climb(struct search *search, struct rung *rung, struct barrier *cut,
		 struct barrier *dname)
{
	struct lookup *out = search->out;
	int r;

	do {
		bool self = rung->labels == out->labels;
		bool counts = !self || search->side != LOOKUP_PARENT;
		struct barrier here = {true, (uint8_t)rung->labels,
				       rung->rrsets};
		struct role role = role_of(here.rrsets);

		/* Not the name itself: RFC 6672, section 2.3. */
		if (role.has_dname && !self)
			*dname = here;
		if (role.has_soa && counts) {
			out->in_zone = true;
			out->apex = here.labels;
			out->zone = here.rrsets;
			return 0;
		}
		if (role.has_ns && counts)
			*cut = here;
		r = go_up(search, rung);
	} while (r == 0);
	return r == -ENOENT ? 0 : r;
}

/* What hides the name, if anything does; the topmost does. */
static bool is_hidden(const struct search *search, const struct barrier *cut,
		      const struct barrier *dname)
{
	struct lookup *out = search->out;
	const struct barrier *by = NULL;

	/* Outside any zone NS is plain data. */
	if (cut->is_there && out->in_zone)
		by = cut;
	/* At one owner the cut wins: what is below it is not ours. */
	if (dname->is_there && (!by || dname->labels < by->labels))
		by = dname;
	if (!by || (by == cut && search->side == LOOKUP_GLUE))
		return false;
	out->kind = by == cut ? LOOKUP_CUT : LOOKUP_DNAME;
	out->node = by->labels;
	out->rrsets = by->rrsets;
	return true;
}

/*
 * Outside any zone, does an ancestor-or-self without a zone exist?
 *
 * Zones are no part of what is outside of them: "com." does not exist because
 * "example.com." is an apex. They are stepped over, a bounded number of them.
 */
static int exists_outside(struct search *search, unsigned labels)
{
	size_t len = search->ends[labels];
	struct snapshot_entry entry;
	uint8_t key[NAME_KEY_SIZE];
	size_t key_len = len;
	int r;

	memcpy(key, search->key, len);
	for (;;) {
		r = snapshot_seek(search->snapshot, search->table, key, key_len,
				  &entry);
		if (r < 0)
			return r == -ENOENT ? false : r;
		if (entry.key_len < len || memcmp(entry.key, key, len) != 0)
			return false;
		/* Its ancestors down to the one at hand would come first. */
		if (!role_of(entry.rrsets).has_soa)
			return true;
		/* A wildcard that is an apex: all below it is of its zone. */
		if (entry.key_len == len)
			return false;
		if (search->zones_left-- == 0)
			return false;
		/*
		 * All below the apex begins with its key, and that ends in
		 * 0x00: with 0x01 there begins what comes behind.
		 */
		key_len = entry.key_len;
		memcpy(key, entry.key, key_len);
		key[key_len - 1] = 1;
	}
}

/* Does an ancestor-or-self exist that a neighbour of the name is under? */
static int exists(struct search *search, unsigned labels)
{
	return search->out->in_zone ? true : exists_outside(search, labels);
}

/* An apex is not, but for its DS: RFC 4035, section 3.1.4.1. */
static bool is_of_zone(const struct search *search, struct rrsets rrsets)
{
	return !role_of(rrsets).has_soa ||
	       (search->out->in_zone && search->side == LOOKUP_PARENT);
}

/*
 * The source of synthesis below a closest encloser: RFC 4592, section 3.3.1.
 * Overwrites the key, of which no more is needed.
 */
static int find_wildcard(struct search *search, unsigned encloser)
{
	struct lookup *out = search->out;
	uint8_t *label = search->key + search->ends[encloser];
	struct snapshot_entry entry;
	int place, r;

	/* The label it replaces takes two octets at least. */
	memcpy(label, "*", 2);
	search->ends[encloser + 1] = (uint16_t)(search->ends[encloser] + 2);
	place = look_again(search, encloser + 1, &entry);
	if (place < 0)
		return place;
	if (place == PLACE_NOTHING)
		return 0;

	out->is_wildcard = true;
	if (place == PLACE_OWNER && is_of_zone(search, entry.rrsets)) {
		out->kind = LOOKUP_NODE;
		out->rrsets = entry.rrsets;
		return 0;
	}
	/*
	 * An empty non-terminal, or an apex, whose data is not of this zone:
	 * the source of synthesis exists, so that there is no data.
	 */
	r = exists(search, encloser + 1);
	if (r > 0)
		out->kind = LOOKUP_NODE;
	return r < 0 ? r : 0;
}

/* The name has no records, and nothing hides it. */
static int find_missing(struct search *search, unsigned encloser)
{
	struct lookup *out = search->out;
	int r;

	while ((r = exists(search, encloser)) == 0 && encloser > 0)
		encloser--;
	if (r < 0)
		return r;
	if (r == 0)
		return 0;
	/* An empty non-terminal: RFC 8020, section 2. */
	if (encloser == out->labels) {
		out->kind = LOOKUP_NODE;
		return 0;
	}
	return find_wildcard(search, encloser);
}

int lookup_name(struct snapshot *snapshot, uint32_t table,
		const struct name *name, enum lookup_side side,
		struct lookup *out)
{
	struct barrier cut = {0}, dname = {0};
	struct snapshot_entry entry;
	struct search search;
	struct rung rung;
	int place, top, r;

	search_init(&search, snapshot, table, name, side, out);
	place = look(&search, &entry);
	if (place < 0)
		return place;
	if (place == PLACE_OWNER)
		search.own = entry.rrsets;

	rung = (struct rung){out->labels, search.own};
	top = place == PLACE_NOTHING ? closest_encloser(&search, &entry, &rung)
				     : out->labels;
	if (top < 0)
		return top;
	r = climb(&search, &rung, &cut, &dname);
	if (r < 0)
		return r;

	/* No zone above it is held, so its own answers: one more lookup. */
	if (side == LOOKUP_PARENT && !out->in_zone &&
	    role_of(search.own).has_soa)
		return lookup_name(snapshot, table, name, LOOKUP_ANSWER, out);

	if (is_hidden(&search, &cut, &dname))
		return 0;
	if (place == PLACE_OWNER) {
		out->kind = LOOKUP_NODE;
		out->rrsets = search.own;
		return 0;
	}
	out->kind = out->in_zone ? LOOKUP_NAME_ERROR : LOOKUP_OUTSIDE;
	return find_missing(&search, (unsigned)top);
}
