// SPDX-License-Identifier: Apache-2.0
/*
 * zone_change.c - what a change does to one owner, as far as zones care
 */
#include "dns/store/rrset_layout.h"
#include "dns/store/zone_tally.h"

static bool differ(struct rrset a, struct rrset b)
{
	return a.len != b.len || (a.len && memcmp(a.rrs, b.rrs, a.len) != 0);
}

static bool type_differs(struct rrsets old, struct rrsets new, uint16_t type)
{
	struct rrset a, b;

	if (!rrsets_find(old, type, &a))
		a.len = 0;
	if (!rrsets_find(new, type, &b))
		b.len = 0;
	return differ(a, b);
}

static bool next_but_ds(struct rrsets rrsets, size_t *at, struct rrset *out)
{
	while (rrsets_next(rrsets, at, out))
		if (out->type != RR_DS)
			return true;
	return false;
}

static bool all_but_ds_differ(struct rrsets old, struct rrsets new)
{
	size_t i = 0, j = 0;
	struct rrset a, b;

	for (;;) {
		bool has_a = next_but_ds(old, &i, &a);
		bool has_b = next_but_ds(new, &j, &b);

		if (!has_a || !has_b)
			return has_a != has_b;
		if (a.type != b.type || differ(a, b))
			return true;
	}
}

/* Types that it matters of whether they are there. */
enum seen {
	SEEN_SOA = 1,
	SEEN_NS = 2,
	SEEN_DS = 4,
	SEEN_ADDRESS = 8,
};

static unsigned seen(uint16_t type)
{
	switch (type) {
	case RR_SOA:
		return SEEN_SOA;
	case RR_NS:
		return SEEN_NS;
	case RR_DS:
		return SEEN_DS;
	case RR_A:
	case RR_AAAA:
		return SEEN_ADDRESS;
	default:
		return 0;
	}
}

static void add_head(struct zone_diff *diff, const struct rrset_head *head,
		     size_t owner_len, int sign)
{
	size_t wire = head->count * owner_len + head->len;

	diff->records += sign * head->count;
	diff->text += sign * (int32_t)head->text;
	diff->wire += sign * (int32_t)wire;
}

/* All of an owner's records are added, or taken away; which types there are. */
static unsigned add_value(struct zone_change *change, struct rrsets rrsets,
			  size_t owner_len, int sign)
{
	struct rrset_head head;
	unsigned all = 0;
	bool has_others = false;

	for (size_t at = 0; at < rrsets.len; at += sizeof(head) + head.len) {
		head = rrset_head_at(rrsets, at);
		all |= seen(head.type);
		add_head(&change->all, &head, owner_len, sign);
		if (head.type == RR_DS)
			continue;
		add_head(&change->but_ds, &head, owner_len, sign);
		has_others = true;
	}
	change->all.names += sign * (rrsets.len > 0);
	change->but_ds.names += sign * has_others;
	return all;
}

void zone_change_of(size_t owner_len, struct rrsets old, struct rrsets new,
		    struct zone_change *out)
{
	unsigned had, has;

	*out = (struct zone_change){0};
	if (old.len == new.len &&
	    (!old.len || !memcmp(old.data, new.data, old.len)))
		return;
	had = add_value(out, old, owner_len, -1);
	has = add_value(out, new, owner_len, 1);
	out->differs = true;
	out->differs_but_ds =
		!((had | has) & SEEN_DS) || all_but_ds_differ(old, new);
	out->soa = (int8_t)(!!(has & SEEN_SOA) - !!(had & SEEN_SOA));
	if ((had | has) & SEEN_ADDRESS)
		out->addresses = type_differs(old, new, RR_A) ||
				 type_differs(old, new, RR_AAAA);
	if ((had | has) & (SEEN_NS | SEEN_DS))
		out->delegates = type_differs(old, new, RR_NS) ||
				 type_differs(old, new, RR_DS);
}
