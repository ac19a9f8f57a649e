// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/store/delegation.h"

int view_look(const struct view *view, const struct name *owner,
	      struct rrsets *out)
{
	int r = view->look(view, owner, out);

	if (r == -ENOENT)
		*out = (struct rrsets){0};
	return r == -ENOENT ? 0 : r;
}

/* ---- A difference, told ---- */

struct telling {
	struct diff *diff;
	const struct name *owner;
};

static int tell_gone(void *arg, struct rrset_rr rr)
{
	struct telling *telling = arg;

	return telling->diff->gone(telling->diff, telling->owner, rr);
}

static int tell_came(void *arg, struct rrset_rr rr)
{
	struct telling *telling = arg;

	return telling->diff->came(telling->diff, telling->owner, rr);
}

int diff_rrsets(struct diff *diff, const struct name *owner, struct rrsets old,
		unsigned old_parts, struct rrsets new, unsigned new_parts)
{
	struct telling telling = {diff, owner};
	int r;

	if (old_parts == new_parts && old.len == new.len &&
	    (!old.len || !memcmp(old.data, new.data, old.len)))
		return 0;
	r = rrsets_minus(old, old_parts, new, new_parts, tell_gone, &telling);
	return r ? r
		 : rrsets_minus(new, new_parts, old, old_parts, tell_came,
				&telling);
}

/* ---- Servers ---- */

/* The next server that an NS RRset names, in lower case; false: no more. */
static bool next_server(const struct rrset *ns, size_t *offset,
			struct name *out)
{
	struct rrset_rr rr;

	while (rrset_next(ns, offset, &rr)) {
		if (name_from_wire(rr.rdata, rr.rdlen, out) < 0)
			continue;
		name_lower(out);
		return true;
	}
	return false;
}

static struct rrset servers_of(struct rrsets apex)
{
	struct rrset ns;

	if (!rrsets_find(apex, RR_NS, &ns))
		return (struct rrset){.type = RR_NS};
	return ns;
}

static bool names_server(const struct rrset *ns, const struct name *owner)
{
	struct name server;
	size_t offset = 0;

	while (next_server(ns, &offset, &server))
		if (name_equal(&server, owner))
			return true;
	return false;
}

bool delegation_names(struct rrsets apex, const struct name *owner)
{
	struct rrset ns = servers_of(apex);

	return names_server(&ns, owner);
}

/* ---- The delegation ---- */

struct delegation {
	const struct name *apex;
	const struct view *before, *after;
	struct rrset old, new; /* the NS */
	struct diff *diff;
};

/* What is shown of @owner: @parts of it anyway, addresses if it is a server. */
static int diff_owner(const struct delegation *all, const struct name *owner,
		      unsigned parts)
{
	unsigned old_parts = parts, new_parts = parts;
	struct rrsets old, new;
	int r = view_look(all->before, owner, &old);

	if (r == 0)
		r = view_look(all->after, owner, &new);
	if (r < 0)
		return r;
	if (names_server(&all->old, owner))
		old_parts |= PART_ADDRESS;
	if (names_server(&all->new, owner))
		new_parts |= PART_ADDRESS;
	return diff_rrsets(all->diff, owner, old, old_parts, new, new_parts);
}

/* Of the servers of one side, but for those that @other names. */
static int diff_servers(const struct delegation *all, const struct rrset *side,
			const struct rrset *other)
{
	struct name server;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && next_server(side, &offset, &server)) {
		if (!name_is_under(&server, all->apex) ||
		    name_equal(&server, all->apex))
			continue;
		if (!other || !names_server(other, &server))
			r = diff_owner(all, &server, 0);
	}
	return r;
}

int delegation_diff(const struct name *apex, const struct view *before,
		    const struct view *after, struct diff *diff)
{
	struct delegation all = {
		.apex = apex, .before = before, .after = after, .diff = diff};
	struct rrsets old, new;
	int r = view_look(before, apex, &old);

	if (r == 0)
		r = view_look(after, apex, &new);
	if (r < 0)
		return r;
	all.old = servers_of(old);
	all.new = servers_of(new);
	r = diff_owner(&all, apex, PART_NS | PART_DS);
	if (r == 0)
		r = diff_servers(&all, &all.old, NULL);
	return r ? r : diff_servers(&all, &all.new, &all.old);
}
