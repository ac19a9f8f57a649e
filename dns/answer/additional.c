// SPDX-License-Identifier: Apache-2.0
/*
 * additional.c - addresses for the names that an RRset points to
 */
#include <assert.h>
#include <errno.h>

#include "dns/answer/additional.h"

#define GLUE_MAX 512

bool additional_is_due(uint16_t type)
{
	return rr_type_of(type)->target != RR_TARGET_NONE;
}

static bool is_server(uint16_t type)
{
	return rr_type_of(type)->target == RR_TARGET_SERVER;
}

static bool is_service(uint16_t type)
{
	return rr_type_of(type)->target == RR_TARGET_SERVICE;
}

/* A walk through the records, and through where they stand. */
struct walk {
	const struct additional *additional;
	size_t offset; /* in the RRset */
	size_t at;     /* in the response; 0: not known */
	int skip;      /* octets of RDATA before the target */
};

/* What a record points to. */
struct target {
	struct name name;
	uint16_t offset; /* where it stands in the response; 0: not known */
};

static struct walk walk_begin(const struct additional *additional)
{
	uint16_t type = additional->rrset->type;

	return (struct walk){
		.additional = additional,
		.at = additional->at,
		.skip = rr_target_offset(type),
	};
}

/* The name that a record points to; false: none that has addresses. */
static bool read_target(const struct walk *walk, const struct rrset_rr *rr,
			struct name *out)
{
	const struct additional *additional = walk->additional;

	if (walk->skip < 0 || rr->rdlen < walk->skip ||
	    name_from_wire(rr->rdata + walk->skip,
			   rr->rdlen - (size_t)walk->skip, out) < 0)
		return false;
	if (!is_service(additional->rrset->type) || out->len > 1)
		return true;

	/* "." is the owner, or in alias mode nothing: RFC 9460, section 2.5. */
	*out = *additional->owner;
	return get_u16(rr->rdata) != 0;
}

/* Go on to the next record that has a target; false at the end. */
static bool walk_next(struct walk *walk, struct target *out)
{
	const struct additional *additional = walk->additional;
	struct rrset_rr rr;

	while (rrset_next(additional->rrset, &walk->offset, &rr)) {
		out->offset = walk->at ? response_in_rdata(additional->response,
							   &walk->at,
							   (size_t)walk->skip)
				       : 0;
		if (read_target(walk, &rr, &out->name))
			return true;
	}
	return false;
}

/* All in the owner's own zone; for NS, glue from below its cuts too. */
static bool may_add(const struct additional *additional,
		    const struct lookup *found)
{
	if (found->kind != LOOKUP_NODE)
		return false;
	if (!additional->in_zone || !found->in_zone)
		return additional->in_zone == found->in_zone;
	/* A zone held below this one has what would be glue in here. */
	return is_server(additional->rrset->type) ||
	       found->apex == name_labels(&additional->apex);
}

static int add_type(const struct additional *additional,
		    const struct target *target, struct rrsets rrsets,
		    uint16_t type)
{
	struct rrset rrset;

	if (!rrsets_find(rrsets, type, &rrset))
		return 0;
	return response_add_at(additional->response, RESPONSE_ADDITIONAL,
			       &target->name, target->offset, &rrset);
}

static int add_addresses(const struct additional *additional,
			 const struct target *target, struct rrsets rrsets)
{
	int r;

	if (additional->owner_is_answered &&
	    name_equal(&target->name, additional->owner))
		return 0;
	r = add_type(additional, target, rrsets, RR_A);
	return r < 0 ? r : add_type(additional, target, rrsets, RR_AAAA);
}

static bool is_spent(const struct additional *additional)
{
	return snapshot_effort(additional->snapshot) >= additional->effort_end;
}

/* @is_known: its addresses are there already */
static int add_target(const struct additional *additional,
		      const struct target *target, bool is_known)
{
	uint16_t type = additional->rrset->type;
	enum lookup_side side = is_server(type) ? LOOKUP_GLUE : LOOKUP_ANSWER;
	const struct name *name = &target->name;
	struct lookup found;
	int r;

	if (additional->in_zone && !name_is_under(name, &additional->apex))
		return 0;
	r = lookup_name(additional->snapshot, additional->table, name, side,
			&found);
	if (r < 0 || !may_add(additional, &found))
		return r;
	if (!is_known)
		r = add_addresses(additional, target, found.rrsets);
	/* RFC 9460, section 4.1. */
	if (r == 0 && is_service(type) && !name_equal(name, additional->owner))
		r = add_type(additional, target, found.rrsets, type);
	return r;
}

/* The entry of a name, a new one if need be; NULL: there are no more. */
static struct additional_target *find_target(struct additional *additional,
					     const struct name *name)
{
	struct additional_target *target = additional->targets;

	assert(additional->count <= ADDITIONAL_TARGETS);
	for (unsigned i = 0; i < additional->count; i++, target++)
		if (name_equal(&target->name, name))
			return target;
	if (additional->count == ADDITIONAL_TARGETS)
		return NULL;
	additional->count++;
	target->name = *name;
	target->type = 0;
	return target;
}

int additional_add(struct additional *additional)
{
	uint16_t type = additional->rrset->type;
	struct walk walk = walk_begin(additional);
	struct additional_target *seen;
	struct target target;
	int r;

	while (walk_next(&walk, &target)) {
		bool is_known;

		seen = find_target(additional, &target.name);
		if (!seen || is_spent(additional))
			break;
		is_known = seen->type != 0;
		if (seen->type == type || (is_known && !is_service(type)))
			continue;
		seen->type = type;
		r = add_target(additional, &target, is_known);
		/* What does not fit is dropped: RFC 2181, section 9. */
		if (r < 0)
			return r == -ENOSPC ? 0 : r;
	}
	return 0;
}

/* The addresses of a target that is at or below the cut. */
static int add_own_glue(const struct additional *additional,
			const struct target *target)
{
	struct lookup found;
	int r = lookup_glue(additional->snapshot, additional->table,
			    &target->name, additional->cut, &found);

	if (r < 0 || !may_add(additional, &found))
		return r;
	return add_addresses(additional, target, found.rrsets);
}

/*
 * The names of an NS RRset differ, so that each is met once.
 * @others: whether there are targets of the other kind
 */
static int add_glue(const struct additional *additional, bool in_domain,
		    bool *others)
{
	struct walk walk = walk_begin(additional);
	struct target target;
	int r = 0;

	*others = false;
	for (unsigned i = 0; r == 0 && i < GLUE_MAX; i++) {
		if (!walk_next(&walk, &target))
			break;
		if (name_is_under(&target.name, additional->owner) != in_domain)
			*others = true;
		else if (is_spent(additional))
			r = -ENOSPC;
		else if (in_domain)
			r = add_own_glue(additional, &target);
		else
			r = add_target(additional, &target, false);
	}
	return r;
}

int additional_add_glue(const struct additional *additional)
{
	/*
	 * Without these the referral leads nowhere: RFC 9471, section 3.1. If
	 * there is no room for them, or it takes too long to find them.
	 */
	bool has_siblings, has_own;
	int r = add_glue(additional, true, &has_siblings);

	if (r < 0 || !has_siblings)
		return r;
	/* Siblings' are good to have: RFC 9471, section 3.2. */
	r = add_glue(additional, false, &has_own);
	return r == -ENOSPC ? 0 : r;
}
