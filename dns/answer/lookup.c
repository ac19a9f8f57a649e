// SPDX-License-Identifier: Apache-2.0
/*
 * lookup.c - what a name is in a table: RFC 1034, section 4.3.2, steps 2 and 3
 *
 * From the name, or the closest encloser of one that is missing, the search
 * climbs to the apex (search.h): the deepest SOA ends it, and the cut or DNAME
 * that was met last, the topmost, hides everything below it.
 *
 * An exact hit in a flat zone is one seek, for the name; what stands at the
 * apex, the snapshot remembers.
 */
#include <assert.h>
#include <errno.h>

#include "dns/answer/lookup.h"
#include "dns/answer/search.h"

/* How many zones a search for names between them steps over. */
#define ZONES_SKIPPED 16

/* One lookup on its way. */
struct finding {
	struct search search;
	enum lookup_side side;
	unsigned zones_left; /* see ZONES_SKIPPED */
	/* The topmost one above the name, or at it; NULL: it is not known. */
	const struct lookup *cut;
	struct lookup *out;
};

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

/* A cut or a DNAME that was met. */
struct barrier {
	bool is_there;
	uint8_t labels;
	struct rrsets rrsets;
};

/* Is the cut that is known the next thing to come to, if not passed? */
static bool is_known_above(const struct finding *finding,
			   const struct rung *rung)
{
	return finding->cut && rung->labels <= finding->cut->node + 1u;
}

/*
 * What climb() would find from there on. No DNAME stands higher, or it would
 * have hidden the cut; one that is at the cut hides nothing.
 */
static int take_known(struct finding *finding, struct barrier *cut)
{
	const struct lookup *known = finding->cut;

	*cut = (struct barrier){true, known->node, known->rrsets};
	finding->out->in_zone = true;
	finding->out->apex = known->apex;
	finding->out->zone = known->zone;
	return 0;
}

/*
 * From a rung up to the apex, or as far as there are records if there is none.
 *
 * A later barrier replaces an earlier one: it stands higher.
 */
static int climb(struct finding *finding, struct rung *rung,
		 struct barrier *cut, struct barrier *dname)
{
	struct lookup *out = finding->out;
	int r;

	do {
		bool self = rung->labels == out->labels;
		bool counts = !self || finding->side != LOOKUP_PARENT;
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
		if (is_known_above(finding, rung))
			return take_known(finding, cut);
		r = search_up(&finding->search, rung);
	} while (r == 0);
	return r == -ENOENT ? 0 : r;
}

/* What hides the name, if anything does; the topmost does. */
static bool is_hidden(const struct finding *finding, const struct barrier *cut,
		      const struct barrier *dname)
{
	struct lookup *out = finding->out;
	const struct barrier *by = NULL;

	/* Outside any zone NS is plain data. */
	if (cut->is_there && out->in_zone)
		by = cut;
	/* At one owner the cut wins: what is below it is not ours. */
	if (dname->is_there && (!by || dname->labels < by->labels))
		by = dname;
	if (!by || (by == cut && finding->side == LOOKUP_GLUE))
		return false;
	/* Else climb() would have ended below it. */
	assert(!out->in_zone || by->labels >= out->apex);
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
static int exists_outside(struct finding *finding, unsigned labels)
{
	const struct search *search = &finding->search;
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
		/* Further up there are none to spare either. */
		if (finding->zones_left == 0)
			return false;
		finding->zones_left--;
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
static int exists(struct finding *finding, unsigned labels)
{
	return finding->out->in_zone ? true : exists_outside(finding, labels);
}

/* An apex is not, but for its DS: RFC 4035, section 3.1.4.1. */
static bool is_of_zone(const struct finding *finding, struct rrsets rrsets)
{
	return !role_of(rrsets).has_soa ||
	       (finding->out->in_zone && finding->side == LOOKUP_PARENT);
}

/*
 * The source of synthesis below a closest encloser: RFC 4592, section 3.3.1.
 * The search is for nothing else from then on.
 */
static int find_wildcard(struct finding *finding, unsigned encloser)
{
	struct lookup *out = finding->out;
	struct snapshot_entry entry;
	int r, place = search_wildcard(&finding->search, encloser, &entry);

	if (place < 0)
		return place;
	if (place == SEARCH_NOTHING)
		return 0;

	out->is_wildcard = true;
	if (place == SEARCH_OWNER && is_of_zone(finding, entry.rrsets)) {
		out->kind = LOOKUP_NODE;
		out->rrsets = entry.rrsets;
		return 0;
	}
	/*
	 * An empty non-terminal, or an apex, whose data is not of this zone:
	 * the source of synthesis exists, so that there is no data.
	 */
	r = exists(finding, encloser + 1);
	if (r > 0)
		out->kind = LOOKUP_NODE;
	return r < 0 ? r : 0;
}

/* The name has no records, and nothing hides it. */
static int find_missing(struct finding *finding, unsigned encloser)
{
	struct lookup *out = finding->out;
	int r;

	while ((r = exists(finding, encloser)) == 0 && encloser > 0)
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
	return find_wildcard(finding, encloser);
}

static int find(struct snapshot *snapshot, uint32_t table,
		const struct name *name, enum lookup_side side,
		const struct lookup *known, struct lookup *out)
{
	struct barrier cut = {0}, dname = {0};
	struct snapshot_entry entry;
	struct finding finding; /* large, and set below */
	struct rrsets own = {0};
	struct rung rung;
	int place, top, r;

	finding.side = side;
	finding.zones_left = ZONES_SKIPPED;
	finding.cut = known;
	finding.out = out;
	search_init(&finding.search, snapshot, table, name);
	*out = (struct lookup){.labels = (uint8_t)finding.search.labels};
	/* Glue is mostly next to what was looked at before. */
	place = search_name(&finding.search, side == LOOKUP_GLUE, &entry);
	if (place < 0)
		return place;
	if (place == SEARCH_OWNER)
		own = entry.rrsets;

	rung = (struct rung){out->labels, own};
	top = place == SEARCH_NOTHING
		      ? search_encloser(&finding.search, &entry, &rung)
		      : out->labels;
	if (top < 0)
		return top;
	r = climb(&finding, &rung, &cut, &dname);
	if (r < 0)
		return r;

	/* No zone above it is held, so its own answers: one more lookup. */
	if (side == LOOKUP_PARENT && !out->in_zone && role_of(own).has_soa)
		return find(snapshot, table, name, LOOKUP_ANSWER, NULL, out);

	if (is_hidden(&finding, &cut, &dname))
		return 0;
	if (place == SEARCH_OWNER) {
		out->kind = LOOKUP_NODE;
		out->rrsets = own;
		return 0;
	}
	out->kind = out->in_zone ? LOOKUP_NAME_ERROR : LOOKUP_OUTSIDE;
	return find_missing(&finding, (unsigned)top);
}

int lookup_glue(struct snapshot *snapshot, uint32_t table,
		const struct name *name, const struct lookup *cut,
		struct lookup *out)
{
	assert(cut->kind == LOOKUP_CUT && cut->in_zone);
	return find(snapshot, table, name, LOOKUP_GLUE, cut, out);
}

int lookup_name(struct snapshot *snapshot, uint32_t table,
		const struct name *name, enum lookup_side side,
		struct lookup *out)
{
	return find(snapshot, table, name, side, NULL, out);
}
