// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "dns/store/rrset_diff.h"
#include "dns/store/rrset_layout.h"

/* Where there are more to compare with, these are sorted. */
#define DIFF_FEW 16

enum rrset_part rrset_part(uint16_t type)
{
	switch (type) {
	case RR_SOA:
		return PART_SOA;
	case RR_NS:
		return PART_NS;
	case RR_DS:
		return PART_DS;
	case RR_A:
	case RR_AAAA:
		return PART_ADDRESS;
	default:
		return PART_OTHER;
	}
}

static size_t wire_len(const uint8_t *wire)
{
	return RR_HEAD_SIZE + (size_t)get_u16(wire + RR_HEAD_RDLENGTH);
}

static int order(const uint8_t *a, const uint8_t *b)
{
	size_t a_len = wire_len(a), b_len = wire_len(b);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

static int compare(const void *a, const void *b)
{
	return order(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

/*
 * Step over what both begin with. A set has a record once, so that none of it
 * is met again in what is left.
 */
static void skip_common(struct rrset *a, struct rrset *b)
{
	size_t at = 0, left = a->len < b->len ? a->len : b->len;

	while (at < left && !order(a->rrs + at, b->rrs + at)) {
		at += wire_len(a->rrs + at);
		a->count--;
		b->count--;
	}
	a->rrs += at;
	a->len -= at;
	b->rrs += at;
	b->len -= at;
}

static bool has(const struct rrset *rrset, const uint8_t *wire)
{
	struct rrset_rr rr;
	size_t offset = 0;

	while (rrset_next(rrset, &offset, &rr))
		if (!order(rr.wire, wire))
			return true;
	return false;
}

static int sort(const uint8_t ***out, const struct rrset *rrset)
{
	const uint8_t **sorted = malloc(rrset->count * sizeof(*sorted));
	struct rrset_rr rr;
	size_t offset = 0, i = 0;

	if (!sorted)
		return -ENOMEM;
	while (rrset_next(rrset, &offset, &rr))
		sorted[i++] = rr.wire;
	qsort(sorted, i, sizeof(*sorted), compare);
	*out = sorted;
	return 0;
}

static int rrset_minus(struct rrset a, struct rrset b, rrset_diff_fn *take,
		       void *arg)
{
	CLEANUP(freep) const uint8_t **sorted = NULL;
	struct rrset_rr rr;
	size_t offset = 0;
	int r = 0;

	skip_common(&a, &b);
	if (a.len && b.count > DIFF_FEW)
		r = sort(&sorted, &b);
	while (r == 0 && rrset_next(&a, &offset, &rr)) {
		if (sorted ? bsearch(&rr.wire, sorted, b.count, sizeof(*sorted),
				     compare) != NULL
			   : has(&b, rr.wire))
			continue;
		r = take(arg, rr);
	}
	return r;
}

int rrsets_minus(struct rrsets a, unsigned a_parts, struct rrsets b,
		 unsigned b_parts, rrset_diff_fn *take, void *arg)
{
	struct rrset rrset, other;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && rrsets_next(a, &offset, &rrset)) {
		unsigned part = rrset_part(rrset.type);

		if (!(part & a_parts))
			continue;
		if (!(part & b_parts) || !rrsets_find(b, rrset.type, &other))
			other = (struct rrset){.type = rrset.type};
		r = rrset_minus(rrset, other, take, arg);
	}
	return r;
}

static int found(void *arg, struct rrset_rr rr)
{
	(void)arg;
	(void)rr;
	return 1;
}

int rrsets_differ(struct rrsets a, unsigned a_parts, struct rrsets b,
		  unsigned b_parts)
{
	int r = 0;

	if (a_parts == b_parts && a.len == b.len &&
	    (!a.len || !memcmp(a.data, b.data, a.len)))
		return 0;
	r = rrsets_minus(a, a_parts, b, b_parts, found, NULL);
	return r ? r : rrsets_minus(b, b_parts, a, a_parts, found, NULL);
}

/* The next RRset of @rrsets that counts; its rank, or above all. */
static unsigned next_counting(struct rrsets rrsets, unsigned parts, size_t *at)
{
	while (*at < rrsets.len) {
		struct rrset_head head = rrset_head_at(rrsets, *at);

		if (rrset_part(head.type) & parts)
			return rrset_rank(head.type);
		*at += sizeof(head) + head.len;
	}
	return UINT_MAX;
}

static int copy_one(struct rrsets rrsets, size_t *at, struct buffer *out)
{
	struct rrset_head head = rrset_head_at(rrsets, *at);
	size_t len = sizeof(head) + head.len, from = *at;

	*at += len;
	return buffer_add(out, rrsets.data + from, len);
}

int rrsets_mix(struct rrsets a, unsigned a_parts, struct rrsets b,
	       unsigned b_parts, struct buffer *out)
{
	size_t a_at = 0, b_at = 0;
	int r = 0;

	assert(!(a_parts & b_parts));
	out->len = 0;
	while (r == 0) {
		unsigned x = next_counting(a, a_parts, &a_at);
		unsigned y = next_counting(b, b_parts, &b_at);

		if (x == UINT_MAX && y == UINT_MAX)
			break;
		r = x < y ? copy_one(a, &a_at, out) : copy_one(b, &b_at, out);
	}
	return r;
}
