// SPDX-License-Identifier: Apache-2.0
/*
 * chain.c - what is answered at each name that a query comes to
 *
 * What the table says of a name is lookup.c's to find out; here stands what
 * goes into the response for it, and where a CNAME or DNAME leads on to.
 */
#include <assert.h>
#include <errno.h>

#include "dns/answer/additional.h"
#include "dns/answer/chain.h"
#include "dns/answer/dark.h"
#include "dns/answer/lookup.h"

/* What a name of the chain leads to, if to no -errno. */
enum step {
	STEP_DONE,
	STEP_NEXT, /* chain->name is the next one */
};

/* The ancestor-or-self of the chain's name that has so many labels. */
static void ancestor(const struct chain *chain, const struct lookup *found,
		     unsigned labels, struct name *out)
{
	assert(labels <= found->labels);
	name_ancestor(chain->name, found->labels - labels, out);
}

/* An RRset of an ancestor-or-self of the chain's name. */
static int add_above(struct chain *chain, const struct name *owner,
		     const struct rrset *rrset)
{
	bool is_asked = chain->name == &chain->query->name;

	return response_add_at(
		chain->response, RESPONSE_AUTHORITY, owner,
		is_asked ? response_in_question(chain->response, owner) : 0,
		rrset);
}

static void additional_init(struct additional *out, struct chain *chain,
			    const struct lookup *found,
			    const struct name *owner, const struct rrset *rrset)
{
	out->owner_is_answered = false;
	out->count = 0;
	out->snapshot = chain->snapshot;
	out->table = chain->table;
	out->effort_end = chain->effort_end;
	out->response = chain->response;
	out->in_zone = found->in_zone;
	out->owner = owner;
	out->rrset = rrset;
	out->at = 0;
	out->cut = NULL;
	if (found->in_zone)
		ancestor(chain, found, found->apex, &out->apex);
}

/* No such name or no such type: RFC 2308, section 2. */
static int deny(struct chain *chain, const struct lookup *found)
{
	struct rrset soa;
	struct name apex;
	uint32_t minimum;

	if (found->kind == LOOKUP_NAME_ERROR)
		chain->rcode = RCODE_NXDOMAIN;
	/* Outside any zone there is no SOA to say it with. */
	if (!found->in_zone || !rrsets_find(found->zone, RR_SOA, &soa))
		return STEP_DONE;

	/* The lesser of its TTL and MINIMUM: RFC 2308, section 3. */
	minimum = get_u32(soa.rrs + soa.len - 4);
	if (minimum < soa.ttl)
		soa.ttl = minimum;
	ancestor(chain, found, found->apex, &apex);
	return add_above(chain, &apex, &soa);
}

/* RFC 1034, section 4.3.2, step 3b. */
static int refer(struct chain *chain, const struct lookup *found)
{
	size_t at = chain->response->len;
	struct additional additional;
	struct rrset ns;
	struct name cut;
	int r;

	if (!rrsets_find(found->rrsets, RR_NS, &ns))
		return STEP_DONE;
	ancestor(chain, found, found->node, &cut);
	r = add_above(chain, &cut, &ns);
	if (r < 0)
		return r;
	additional_init(&additional, chain, found, &cut, &ns);
	additional.at = at;
	additional.cut = found;
	return additional_add_glue(&additional);
}

/*
 * Go on to the name in names[links], unless the chain has been there, or was
 * led far enough: the client asks for the rest.
 */
static enum step go_on(struct chain *chain)
{
	const struct name *next = &chain->names[chain->links];

	assert(chain->links < CHAIN_MAX);
	if (snapshot_effort(chain->snapshot) >= chain->effort_end)
		return STEP_DONE;
	if (name_equal(next, &chain->query->name))
		return STEP_DONE;
	for (unsigned i = 0; i < chain->links; i++)
		if (name_equal(next, &chain->names[i]))
			return STEP_DONE;
	chain->name = next;
	chain->links++;
	return STEP_NEXT;
}

/* RFC 1034, section 4.3.2, step 3a. */
static int follow_cname(struct chain *chain, const struct rrset *cname)
{
	int r;

	if (chain->links == CHAIN_MAX)
		return STEP_DONE;
	r = response_add(chain->response, RESPONSE_ANSWER, chain->name, cname);
	if (r < 0)
		return r;
	r = name_from_wire(cname->rrs + RR_HEAD_SIZE, cname->len - RR_HEAD_SIZE,
			   &chain->names[chain->links]);
	chain->dnames[chain->links] = NULL;
	return r < 0 ? r : (int)go_on(chain);
}

/* Did the chain come through this DNAME? Then its record is in there. */
static bool has_dname(const struct chain *chain, const struct rrset *dname)
{
	for (unsigned i = 0; i < chain->links; i++)
		if (chain->dnames[i] == dname->rrs)
			return true;
	return false;
}

static int add_dname(struct chain *chain, const struct name *owner,
		     const struct rrset *dname)
{
	bool is_there = has_dname(chain, dname);

	chain->dnames[chain->links] = dname->rrs;
	return is_there ? 0
			: response_add(chain->response, RESPONSE_ANSWER, owner,
				       dname);
}

/* RFC 6672, section 3.1: a CNAME for this name, with the DNAME's TTL. */
static int add_synthesized(struct chain *chain, const struct name *target,
			   uint32_t ttl)
{
	uint8_t record[RR_HEAD_SIZE + NAME_WIRE_SIZE];
	struct rrset cname = {.type = RR_CNAME,
			      .count = 1,
			      .ttl = ttl,
			      .rrs = record,
			      .len = RR_HEAD_SIZE + target->len};

	assert(target->len && target->len <= NAME_WIRE_SIZE);
	put_u16(record, RR_CNAME);
	put_u16(record + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(record + RR_HEAD_TTL, ttl);
	put_u16(record + RR_HEAD_RDLENGTH, target->len);
	memcpy(record + RR_HEAD_SIZE, target->wire, target->len);
	return response_add(chain->response, RESPONSE_ANSWER, chain->name,
			    &cname);
}

/* RFC 6672, section 3.2, step 3c. */
static int follow_dname(struct chain *chain, const struct lookup *found)
{
	struct name owner, target, *next;
	struct rrset dname;
	size_t kept;
	int r;

	if (chain->links == CHAIN_MAX ||
	    !rrsets_find(found->rrsets, RR_DNAME, &dname))
		return STEP_DONE;
	ancestor(chain, found, found->node, &owner);
	r = add_dname(chain, &owner, &dname);
	if (r == 0)
		r = name_from_wire(dname.rrs + RR_HEAD_SIZE,
				   dname.len - RR_HEAD_SIZE, &target);
	if (r < 0)
		return r;

	/* RFC 6672, section 2.2: the new name may be too long for a name. */
	kept = (size_t)chain->name->len - owner.len;
	if (kept + target.len > NAME_WIRE_SIZE) {
		chain->rcode = RCODE_YXDOMAIN;
		return STEP_DONE;
	}
	next = &chain->names[chain->links];
	next->len = (uint8_t)(kept + target.len);
	memcpy(next->wire, chain->name->wire, kept);
	memcpy(next->wire + kept, target.wire, target.len);

	r = add_synthesized(chain, next, dname.ttl);
	/* The CNAME is what was asked for: RFC 6672, section 3.2. */
	if (r < 0 || chain->query->type == RR_CNAME)
		return r < 0 ? r : STEP_DONE;
	return go_on(chain);
}

/*
 * A record is in a response once: RFC 2181, section 5. A wildcard's stands
 * here under another owner.
 */
static int add_own(struct chain *chain, const struct lookup *found,
		   const struct rrset *rrset)
{
	if (rrset->type == RR_DNAME && !found->is_wildcard &&
	    has_dname(chain, rrset))
		return 0;
	return response_add(chain->response, RESPONSE_ANSWER, chain->name,
			    rrset);
}

static int add_answer(struct chain *chain, const struct lookup *found,
		      const struct rrset *rrset)
{
	struct additional additional;
	int r = add_own(chain, found, rrset);

	if (r < 0 || !additional_is_due(rrset->type))
		return r;
	additional_init(&additional, chain, found, chain->name, rrset);
	return additional_add(&additional);
}

static int add_all(struct chain *chain, const struct lookup *found)
{
	struct additional additional;
	struct rrset rrset;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && rrsets_next(found->rrsets, &offset, &rrset))
		r = add_own(chain, found, &rrset);

	additional_init(&additional, chain, found, chain->name, &rrset);
	additional.owner_is_answered = true;
	offset = 0;
	while (r == 0 && rrsets_next(found->rrsets, &offset, &rrset))
		if (additional_is_due(rrset.type))
			r = additional_add(&additional);
	return r;
}

static int add_any(struct chain *chain, const struct lookup *found)
{
	struct rrset first;
	size_t offset = 0;

	if (!chain->is_any_one)
		return add_all(chain, found);
	/* One RRset is a fair answer: RFC 8482, section 4.1. */
	rrsets_next(found->rrsets, &offset, &first);
	return add_answer(chain, found, &first);
}

/*
 * RFC 1034, section 4.3.2, steps 3a and 3c: for a wildcard the owner is the
 * name that was asked (RFC 4592, section 3.3.3), which chain->name is.
 */
static int answer_node(struct chain *chain, const struct lookup *found)
{
	struct rrset rrset;

	if (chain->query->type == RR_ANY && found->rrsets.len)
		return add_any(chain, found);
	if (rrsets_find(found->rrsets, chain->query->type, &rrset))
		return add_answer(chain, found, &rrset);
	if (rrsets_find(found->rrsets, RR_CNAME, &rrset))
		return follow_cname(chain, &rrset);
	return deny(chain, found);
}

/* See chain->varying. */
static unsigned varying_labels(const struct lookup *found)
{
	switch (found->kind) {
	case LOOKUP_CUT:
	case LOOKUP_DNAME:
		return found->labels - found->node;
	case LOOKUP_NODE:
		if (!found->is_wildcard)
			return 0;
		break;
	default:
		break;
	}
	return found->in_zone ? found->labels - found->apex : found->labels;
}

/* One name of the chain: enum step or -errno. */
static int take_step(struct chain *chain, const struct lookup *found)
{
	/* AA is for the first owner in the answer: RFC 1035, section 4.1.1. */
	if (chain->links == 0) {
		chain->is_authoritative = found->kind != LOOKUP_OUTSIDE &&
					  found->kind != LOOKUP_CUT;
		chain->varying = varying_labels(found);
	}
	switch (found->kind) {
	case LOOKUP_OUTSIDE:
		break;
	case LOOKUP_NAME_ERROR:
		/* The rcode is the last name's: RFC 6604, section 3. */
		return deny(chain, found);
	case LOOKUP_NODE:
		return answer_node(chain, found);
	case LOOKUP_CUT:
		return refer(chain, found);
	case LOOKUP_DNAME:
		return follow_dname(chain, found);
	}
	/* A chain may leave what is held here; a query may not begin there. */
	if (chain->links == 0)
		chain->rcode = RCODE_REFUSED;
	return STEP_DONE;
}

/* The name it is at is in a dark zone: whoever was led there asks on. */
static int stop_in_the_dark(struct chain *chain)
{
	if (chain->links)
		return STEP_DONE;
	chain->rcode = RCODE_SERVFAIL;
	chain->is_dark = true;
	return STEP_DONE;
}

/* Look the name up and take it from there: enum step or -errno. */
static int look(struct chain *chain, enum lookup_side side)
{
	struct lookup found;
	int r = 0;

	if (chain->dark)
		r = dark_covers(chain->snapshot, chain->dark, chain->name,
				side == LOOKUP_PARENT);
	if (r > 0)
		return stop_in_the_dark(chain);
	if (r == 0)
		r = lookup_name(chain->snapshot, chain->table, chain->name,
				side, &found);
	return r == 0 ? take_step(chain, &found) : r;
}

void chain_follow(struct chain *chain)
{
	/* DS stands on the parent's side: RFC 4035, section 3.1.4.1. */
	enum lookup_side side =
		chain->query->type == RR_DS ? LOOKUP_PARENT : LOOKUP_ANSWER;
	uint64_t before = snapshot_effort(chain->snapshot);
	int r;

	chain->effort_end = before + CHAIN_EFFORT;
	chain->rcode = RCODE_NOERROR;
	chain->is_authoritative = chain->is_truncated = false;
	chain->is_dark = false;
	chain->name = &chain->query->name;
	chain->links = 0;
	chain->varying = 0;
	do {
		r = look(chain, side);
	} while (r == STEP_NEXT);
	assert(chain->links <= CHAIN_MAX);
	chain->effort = (uint32_t)(snapshot_effort(chain->snapshot) - before);

	/* What is needed does not fit: RFC 2181, section 9. */
	if (r == -ENOSPC) {
		chain->is_truncated = true;
	} else if (r < 0) {
		response_clear(chain->response);
		chain->rcode = RCODE_SERVFAIL;
		chain->is_authoritative = false;
	}
}
