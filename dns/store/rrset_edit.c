// SPDX-License-Identifier: Apache-2.0
/*
 * rrset_edit.c - the rules by which an owner's records change
 *
 * An edit merges two sorted things, the RRsets an owner has and the items of
 * a change ordered by type, straight into the new value: one RRset after the
 * other, the old records first. What no item is about is copied as it is.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>

#include "dns/store/rrset_same.h"
#include "dns/store/rrset_write.h"

/*
 * What a message needs beside the answer's RRset: the header, a question of
 * the longest name, and an OPT record with room for its options.
 */
#define OPT_ROOM 64
#define RRSET_FIT                                                              \
	(MESSAGE_TCP_SIZE - MESSAGE_HEAD_SIZE -                                \
	 (NAME_WIRE_SIZE + MESSAGE_QUESTION_TAIL) - OPT_ROOM)

static bool type_is_single(uint16_t type)
{
	return rr_type_of(type)->is_single;
}

/* RFC 4035, section 2.5; KEY is RFC 3007's, section 3.1.1. */
static bool type_goes_with_cname(uint16_t type)
{
	return rr_type_of(type)->goes_with_cname;
}

/* One edit on its way. */
struct merge {
	const struct change_item *items; /* all that are given, in order */
	size_t count;
	char owner_text[NAME_TEXT_SIZE];
	struct rrset_owner owner;
	bool fresh;
	struct buffer *out;
	struct refusal *why;
};

static int PRINTF(3, 4)
	refuse(struct merge *merge, uint32_t line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refusal_vset(merge->why, EINVAL, format, args);
	va_end(args);
	refusal_at_owner(merge->why, line, merge->owner_text,
			 merge->owner.text_len);
	return EINVAL;
}

/* What of a merge is about one type: the RRset that is being written. */
struct part {
	struct rrset_write write;
	uint32_t ttl; /* of the first record */
	bool mixed;   /* and others came with another one */
	bool given; /* the only record of a single type came with this write */
};

static int refuse_second(struct merge *merge, const struct change_item *item)
{
	char type[16];

	rr_type_to_text(item->rr.type, type);
	return refuse(merge, item->line,
		      "two different %s records; a name has at most one", type);
}

/* @is_there: a record with this data is, before it */
static int part_add(struct merge *merge, struct part *part,
		    const struct change_item *item, bool is_there)
{
	const struct rr *rr = &item->rr;
	int r;

	if (!part->write.head.count)
		part->ttl = rr->ttl;
	part->mixed |= part->ttl != rr->ttl;
	if (is_there) {
		part->given = true;
		return 0;
	}
	if (type_is_single(rr->type) && part->write.head.count) {
		if (part->given || merge->fresh)
			return refuse_second(merge, item);
		/* RFC 2136, section 3.4.2.2: the new one replaces. */
		rrset_write_clear(&part->write);
	}
	r = rrset_write_add(&part->write, rr);
	if (r < 0)
		return r;
	part->given = true;
	if (part->write.head.len + 2u * part->write.head.count > RRSET_FIT)
		return refuse(merge, item->line,
			      "the RRset would not fit a DNS message");
	return 0;
}

/* More items of one type than these are sorted: see rrset_same.h. */
#define MERGE_FEW 32

/* Write the items of one type behind what there was of it. */
static int part_add_all(struct merge *merge, struct part *part,
			const struct change_item *const *items, size_t count)
{
	CLEANUP(freep) bool *repeated = NULL;
	struct rrset all = rrset_write_all(&part->write);
	int r = 0;

	/* Of a single type there is one to look at, and it may go. */
	if (count > MERGE_FEW && !type_is_single(all.type))
		r = rrset_same_find(&repeated, all, items, count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		all = rrset_write_all(&part->write);
		r = part_add(merge, part, items[i],
			     repeated ? repeated[i]
				      : rrset_same_has(&all, &items[i]->rr));
	}
	/*
	 * One TTL for all of the RRset, the newest: RFC 2181, section 5.2. But
	 * an RRSIG has the TTL of what it signs: RFC 4034, section 3.
	 */
	if (r == 0 && part->mixed && all.type != RR_RRSIG)
		rrset_write_ttl(&part->write, items[count - 1]->rr.ttl);
	return r;
}

/* Write one RRset: what there was, which may be nothing, then the items. */
static int merge_type(struct merge *merge, struct rrset_head head,
		      const uint8_t *rrs,
		      const struct change_item *const *items, size_t count)
{
	struct part part = {0};
	int r = rrset_write_begin(&part.write, merge->out, merge->owner, head,
				  rrs);

	if (r < 0)
		return r;
	if (head.count)
		part.ttl = get_u32(rrs + RR_HEAD_TTL);
	r = part_add_all(merge, &part, items, count);
	if (r)
		return r;
	rrset_write_end(&part.write);
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	const struct change_item *x = *(const struct change_item *const *)a;
	const struct change_item *y = *(const struct change_item *const *)b;
	unsigned xr = rrset_rank(x->rr.type), yr = rrset_rank(y->rr.type);

	if (xr != yr)
		return xr < yr ? -1 : 1;
	/* They lie in one array, in the order they were given. */
	return x < y ? -1 : x > y;
}

/* The old RRsets before @rank, as they are; *@at is behind them then. */
static int copy_before(struct merge *merge, struct rrsets old, size_t *at,
		       unsigned rank)
{
	size_t from = *at;

	while (*at < old.len) {
		struct rrset_head head = rrset_head_at(old, *at);

		if (rrset_rank(head.type) >= rank)
			break;
		*at += sizeof(head) + head.len;
	}
	if (*at == from)
		return 0;
	return buffer_add(merge->out, old.data + from, *at - from);
}

static unsigned count_types(struct rrsets rrsets)
{
	struct rrset rrset;
	size_t offset = 0;
	unsigned count = 0;

	while (rrsets_next(rrsets, &offset, &rrset))
		count++;
	return count;
}

static int refuse_types(struct merge *merge, uint32_t line)
{
	refuse(merge, line, "a name has records of %d types at most",
	       RRSETS_TYPES);
	return EDQUOT;
}

static int merge_all(struct merge *merge, struct rrsets old,
		     const struct change_item *const *items, size_t count)
{
	size_t at = 0, i = 0;
	unsigned types = count_types(old);
	int r = 0;

	while (r == 0 && i < count) {
		struct rrset_head head = {.type = items[i]->rr.type};
		const uint8_t *rrs = NULL;
		size_t n = 1;

		assert(i == 0 || rrset_rank(items[i - 1]->rr.type) <
					 rrset_rank(head.type));
		r = copy_before(merge, old, &at, rrset_rank(head.type));
		if (r < 0)
			return r;
		if (at < old.len && rrset_head_at(old, at).type == head.type) {
			head = rrset_head_at(old, at);
			rrs = old.data + at + sizeof(head);
			at += sizeof(head) + head.len;
		} else if (++types > RRSETS_TYPES) {
			return refuse_types(merge, items[i]->line);
		}
		while (i + n < count && items[i + n]->rr.type == head.type)
			n++;
		r = merge_type(merge, head, rrs, items + i, n);
		i += n;
	}
	assert(r || i == count);
	return r ? r : copy_before(merge, old, &at, UINT_MAX);
}

/* The line of the CNAME; or, if that was there, of the first that is beside. */
static uint32_t line_of_conflict(const struct merge *merge)
{
	uint32_t line = 0;

	for (size_t i = merge->count; i-- > 0;) {
		const struct change_item *item = &merge->items[i];

		if (item->op != CHANGE_ADD)
			break;
		if (item->rr.type == RR_CNAME)
			return item->line;
		if (!type_goes_with_cname(item->rr.type))
			line = item->line;
	}
	return line;
}

static int check_cname(struct merge *merge)
{
	struct rrsets all = {merge->out->data, merge->out->len};
	struct rrset rrset;
	size_t offset = 0;
	char type[16];

	if (!rrsets_find(all, RR_CNAME, &rrset))
		return 0;
	while (rrsets_next(all, &offset, &rrset)) {
		if (type_goes_with_cname(rrset.type))
			continue;
		rr_type_to_text(rrset.type, type);
		return refuse(merge, line_of_conflict(merge),
			      "a CNAME cannot stand beside other data, and "
			      "this name would have both it and %s",
			      type);
	}
	return 0;
}

/* The limit is for growth: an owner that has more may always have less. */
static int check_size(struct merge *merge, size_t before, uint32_t line)
{
	if (merge->out->len <= RRSETS_SIZE || merge->out->len <= before)
		return 0;
	refuse(merge, line,
	       "the records of one name take %d octets at most, as they are "
	       "stored, and these would take %zu; spread them over more names",
	       RRSETS_SIZE, merge->out->len);
	return EDQUOT;
}

int rrsets_edit(struct rrsets old, const struct change_item *items,
		size_t count, bool fresh, struct buffer *out,
		struct refusal *why)
{
	CLEANUP(freep) const struct change_item **sorted = NULL;
	struct merge merge = {
		.items = items,
		.count = count,
		.fresh = fresh,
		.out = out,
		.why = why,
	};
	size_t adds = 0, before = old.len;
	int r;

	assert(count);
	merge.owner.text_len =
		name_to_text(&items[0].rr.owner, merge.owner_text);
	merge.owner.escapes =
		rrset_json_escapes(merge.owner_text, merge.owner.text_len);
	out->len = 0;

	sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (items[i].op == CHANGE_ADD) {
			sorted[adds++] = &items[i];
		} else { /* what came before a drop does not matter */
			adds = 0;
			old.len = 0;
		}
	}
	if (adds > 1)
		qsort(sorted, adds, sizeof(*sorted), compare_items);
	r = merge_all(&merge, old, sorted, adds);
	if (r == 0)
		r = check_cname(&merge);
	return r ? r : check_size(&merge, before, items[count - 1].line);
}
