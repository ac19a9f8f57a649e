// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_same.h"

/* Length octets are below 64, so folding never touches one. */
static int order_folded(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t x = name_lower_octet(a[i]), y = name_lower_octet(b[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Some order of RDATA; 0: the same data. */
static int order_rdata(struct rr_names names, const uint8_t *a, size_t a_len,
		       const uint8_t *b, size_t b_len)
{
	size_t end;
	int order;

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	if (!names.count || a_len < (size_t)names.skip + names.tail)
		return memcmp(a, b, a_len);
	end = a_len - names.tail;
	order = memcmp(a, b, names.skip);
	if (!order)
		order = order_folded(a + names.skip, b + names.skip,
				     end - names.skip);
	return order ? order : memcmp(a + end, b + end, names.tail);
}

bool rrset_same_has(const struct rrset *rrset, const struct rr *rr)
{
	struct rr_names names = rr_names(rrset->type);
	struct rrset_rr there;
	size_t offset = 0;

	while (rrset_next(rrset, &offset, &there))
		if (!order_rdata(names, there.rdata, there.rdlen, rr->rdata,
				 rr->rdlen))
			return true;
	return false;
}

/* A record by its data; of equal ones, by who comes first. */
struct entrant {
	const uint8_t *rdata;
	uint16_t rdlen;
	uint32_t place; /* the old records', then the items' */
};

static int compare_entrants(const void *a, const void *b, void *arg)
{
	const struct entrant *x = a, *y = b;
	const struct rr_names *names = arg;
	int order = order_rdata(*names, x->rdata, x->rdlen, y->rdata, y->rdlen);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static int sort_entrants(struct entrant **out, struct rrset old,
			 struct rr_names names,
			 const struct change_item *const *items, size_t count)
{
	size_t all = old.count + count, at = 0, n = 0;
	struct entrant *sorted = malloc(all * sizeof(*sorted));
	struct rrset_rr rr;

	if (!sorted)
		return -ENOMEM;
	for (; n < old.count && rrset_next(&old, &at, &rr); n++)
		sorted[n] = (struct entrant){rr.rdata, rr.rdlen, (uint32_t)n};
	for (; n < all; n++) {
		const struct rr *new = &items[n - old.count]->rr;

		sorted[n] =
			(struct entrant){new->rdata, new->rdlen, (uint32_t)n};
	}
	qsort_r(sorted, all, sizeof(*sorted), compare_entrants, &names);
	*out = sorted;
	return 0;
}

int rrset_same_find(bool **out, struct rrset old,
		    const struct change_item *const *items, size_t count)
{
	CLEANUP(freep) struct entrant *sorted = NULL;
	CLEANUP(freep) bool *repeated = calloc(count, sizeof(*repeated));
	struct rr_names names = rr_names(old.type);
	int r = repeated ? sort_entrants(&sorted, old, names, items, count)
			 : -ENOMEM;

	for (size_t i = 1; r == 0 && i < old.count + count; i++) {
		const struct entrant *a = &sorted[i - 1], *b = &sorted[i];

		if (b->place >= old.count &&
		    !order_rdata(names, a->rdata, a->rdlen, b->rdata, b->rdlen))
			repeated[b->place - old.count] = true;
	}
	if (r == 0)
		*out = steal(&repeated);
	return r;
}
