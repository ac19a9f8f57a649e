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

/* The name that a record points to; false: none that has addresses. */
static bool read_target(const struct additional *additional,
			const struct rrset_rr *rr, struct name *out)
{
	int offset = rr_target_offset(additional->rrset->type);

	if (offset < 0 || rr->rdlen < offset ||
	    name_from_wire(rr->rdata + offset, rr->rdlen - (size_t)offset,
			   out) < 0)
		return false;
	if (!is_service(additional->rrset->type) || out->len > 1)
		return true;

	/* "." is the owner, or in alias mode nothing: RFC 9460, section 2.5. */
	*out = *additional->owner;
	return get_u16(rr->rdata) != 0;
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
		    const struct name *target, struct rrsets rrsets,
		    uint16_t type)
{
	struct rrset rrset;

	if (!rrsets_find(rrsets, type, &rrset))
		return 0;
	return response_add(additional->response, RESPONSE_ADDITIONAL, target,
			    &rrset);
}

static int add_addresses(const struct additional *additional,
			 const struct name *target, struct rrsets rrsets)
{
	int r;

	if (additional->owner_is_answered &&
	    name_equal(target, additional->owner))
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
		      const struct name *target, bool is_known)
{
	uint16_t type = additional->rrset->type;
	enum lookup_side side = is_server(type) ? LOOKUP_GLUE : LOOKUP_ANSWER;
	struct lookup found;
	int r;

	if (additional->in_zone && !name_is_under(target, &additional->apex))
		return 0;
	r = lookup_name(additional->snapshot, additional->table, target, side,
			&found);
	if (r < 0 || !may_add(additional, &found))
		return r;
	if (!is_known)
		r = add_addresses(additional, target, found.rrsets);
	/* RFC 9460, section 4.1. */
	if (r == 0 && is_service(type) &&
	    !name_equal(target, additional->owner))
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
	struct additional_target *target;
	struct name name;
	struct rrset_rr rr;
	size_t offset = 0;
	int r;

	while (rrset_next(additional->rrset, &offset, &rr)) {
		bool is_known;

		if (!read_target(additional, &rr, &name))
			continue;
		target = find_target(additional, &name);
		if (!target || is_spent(additional))
			break;
		is_known = target->type != 0;
		if (target->type == type || (is_known && !is_service(type)))
			continue;
		target->type = type;
		r = add_target(additional, &name, is_known);
		/* What does not fit is dropped: RFC 2181, section 9. */
		if (r < 0)
			return r == -ENOSPC ? 0 : r;
	}
	return 0;
}

/*
 * The names of an NS RRset differ, so that each is met once.
 * @others: whether there are targets of the other kind
 */
static int add_glue(const struct additional *additional, bool in_domain,
		    bool *others)
{
	struct name target;
	struct rrset_rr rr;
	size_t offset = 0;
	int r = 0;

	*others = false;
	for (unsigned i = 0; r == 0 && i < GLUE_MAX; i++) {
		if (!rrset_next(additional->rrset, &offset, &rr))
			break;
		if (!read_target(additional, &rr, &target))
			continue;
		if (name_is_under(&target, additional->owner) != in_domain)
			*others = true;
		else
			r = is_spent(additional)
				    ? -ENOSPC
				    : add_target(additional, &target, false);
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
