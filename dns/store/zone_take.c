// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_diff.h"
#include "dns/store/table_pair.h"
#include "dns/store/zone_take.h"

void zone_take_deinit(struct zone_take *walk)
{
	buffer_deinit(&walk->value);
}

static int refuse(const struct zone_take *walk, const uint8_t *key,
		  size_t key_len, const char *reason)
{
	char text[NAME_TEXT_SIZE];
	struct name owner;

	if (name_from_key(key, key_len, &owner) < 0)
		return -EIO;
	refusal_set(walk->why, EINVAL, "%s", reason);
	refusal_at_owner(walk->why, 0, text, name_to_text(&owner, text));
	return EINVAL;
}

static bool has(struct rrsets rrsets, uint16_t type)
{
	struct rrset rrset;

	return rrsets_find(rrsets, type, &rrset);
}

/* In a nested zone: is there anything that is not left out in silence? */
static bool is_foreign(struct rrsets source, bool is_apex)
{
	struct rrset rrset;
	size_t offset = 0;

	while (rrsets_next(source, &offset, &rrset)) {
		unsigned part = rrset_part(rrset.type);

		if (!(part & (PART_NS | PART_ADDRESS)) &&
		    !(is_apex && part == PART_DS))
			return true;
	}
	return false;
}

static int mix(struct zone_take *walk, struct rrsets source, unsigned parts,
	       struct rrsets old, struct rrsets *new)
{
	int r = rrsets_mix(source, parts, old, PART_ALL & ~parts, &walk->value);

	*new = (struct rrsets){walk->value.data, walk->value.len};
	return r;
}

static int judge_nested(struct zone_take *walk, const struct pair_entry *at,
			bool is_apex, struct rrsets *new)
{
	if (!walk->is_loose && !walk->again && is_foreign(at->b, is_apex))
		return refuse(walk, at->key, at->key_len,
			      "this name is in another zone, which has a "
			      "directory of its own");
	*new = at->a;
	return is_apex ? mix(walk, at->b, PART_DS, at->a, new) : 0;
}

static int judge_apex(struct zone_take *walk, const struct pair_entry *at,
		      struct rrsets *new)
{
	unsigned parts = PART_ALL;
	int r;

	if (walk->is_nested)
		parts &= ~(unsigned)PART_DS;
	if (!walk->clears && !walk->is_loose && !has(at->b, RR_SOA))
		parts &= ~(unsigned)PART_SOA;
	*new = at->b;
	if (parts == PART_ALL)
		return 0;
	r = mix(walk, at->b, parts, at->a, new);
	if (r == 0 && has(*new, RR_CNAME) && has(*new, RR_SOA))
		return refuse(walk, at->key, at->key_len,
			      "a CNAME cannot stand beside other data, and "
			      "this name has an SOA");
	return r;
}

/* The highest zone below the apex that an owner is in, on one side. */
static void enter(struct zone_key *nested, const struct pair_entry *at,
		  bool is_apex, struct rrsets side)
{
	if (nested->len && !table_key_is_under(at->key, at->key_len,
					       nested->octets, nested->len))
		nested->len = 0;
	if (!nested->len && !is_apex && has(side, RR_SOA))
		zone_key_set(nested, at->key, at->key_len);
}

/* What an owner at or below the apex has to become. */
static int judge(struct zone_take *walk, const struct pair_entry *at,
		 const struct zone_key *apex, struct rrsets *new)
{
	bool is_apex = zone_key_is(apex, at->key, at->key_len);
	struct zone_key *nested = &walk->nested;

	enter(nested, at, is_apex, at->a);
	enter(&walk->there, at, is_apex, at->b);
	if (nested->len)
		return judge_nested(walk, at,
				    zone_key_is(nested, at->key, at->key_len),
				    new);
	if (is_apex)
		return judge_apex(walk, at, new);
	*new = at->b;
	if (!walk->there.len)
		return 0;
	new->len = 0;
	return walk->is_loose || walk->again
		       ? 0
		       : refuse(walk, at->key, at->key_len,
				"a second SOA: the zone has one, at its apex");
}

static int take_owner(struct zone_take *walk, const struct pair_entry *at,
		      const struct zone_key *apex, zone_take_fn *take,
		      void *arg)
{
	struct rrsets old = walk->fills ? at->b : at->a, new = at->a;
	int r = 0;

	if (table_key_is_under(at->key, at->key_len, apex->octets, apex->len))
		r = judge(walk, at, apex, &new);
	if (r)
		return r;
	if (old.len == new.len &&
	    (!new.len || !memcmp(old.data, new.data, new.len)))
		return 0;
	return take(arg, at->key, at->key_len, old, new);
}

static int begin(struct zone_take *walk, MDB_txn *txn,
		 const struct zone_key *apex)
{
	struct zone_counts counts;
	struct name parent, above;
	int r = -ENOENT;

	if (walk->apex.len > 1) {
		name_ancestor(&walk->apex, 1, &parent);
		r = table_zone_of(walk->tables, txn, walk->table, &parent,
				  &above, &counts);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	walk->is_nested = r == 0;
	walk->place = *apex;
	if (walk->fills)
		walk->place.len = 0;
	walk->nested.len = walk->there.len = 0;
	walk->begun = true;
	return 0;
}

int zone_take_slice(struct zone_take *walk, MDB_txn *txn, size_t max,
		    zone_take_fn *take, void *arg, bool *left)
{
	CLEANUP(table_pair_deinit) struct table_pair pair = {0};
	struct pair_entry at;
	struct zone_key apex;
	int r = 0;

	apex.len = name_to_key(&walk->apex, apex.octets);
	*left = true;
	if (!walk->begun)
		r = begin(walk, txn, &apex);
	if (r == 0)
		r = table_pair_init(&pair, walk->tables, txn, walk->table,
				    walk->source, !walk->clears || walk->fills,
				    &walk->place);
	while (r == 0 && max--) {
		r = table_pair_next(&pair, &at);
		if (r == -ENOENT ||
		    (r == 0 && !walk->fills &&
		     !table_key_is_under(at.key, at.key_len, apex.octets,
					 apex.len))) {
			*left = false;
			return 0;
		}
		if (r == 0)
			r = take_owner(walk, &at, &apex, take, arg);
		if (r == 0) {
			/* The next key behind it: the shortest label's. */
			zone_key_set(&walk->place, at.key, at.key_len);
			walk->place.octets[walk->place.len++] = 0;
		}
	}
	return r;
}
