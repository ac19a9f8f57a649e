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

#include "dns/store/rrset_layout.h"

/*
 * What a message needs beside the answer's RRset: the header, a question of
 * the longest name, and an OPT record with room for its options.
 */
#define RRSET_FIT (65535 - 12 - (NAME_WIRE_SIZE + 4) - 64)

static bool type_is_single(uint16_t type)
{
	return rr_type_of(type)->is_single;
}

/* RFC 4035, section 2.5; KEY is RFC 3007's, section 3.1.1. */
static bool type_goes_with_cname(uint16_t type)
{
	return rr_type_of(type)->goes_with_cname;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Length octets are below 64, so folding never touches one. */
static int order_folded(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return lower(a[i]) < lower(b[i]) ? -1 : 1;
	return 0;
}

/*
 * Some order of RDATA; 0: the same data. Domain names in it compare without
 * case (RFC 4343).
 */
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

/* The state of one edit. */
struct edit {
	const struct change_item *items; /* all that are given, in order */
	size_t count;
	const struct name *owner;
	char owner_text[NAME_TEXT_SIZE];
	size_t owner_len;
	uint32_t owner_escapes;
	bool fresh;
	struct buffer *out;
	struct refusal *why;
};

static int PRINTF(3, 4)
	refuse(struct edit *edit, uint32_t line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refusal_vset(edit->why, EINVAL, format, args);
	va_end(args);
	refusal_at_owner(edit->why, line, edit->owner_text, edit->owner_len);
	return EINVAL;
}

/* The RRset that an edit is writing: its head stands at @head in the buffer. */
struct draft {
	struct rrset_head head;
	struct rr_names names;
	size_t at;    /* of the head */
	uint32_t ttl; /* of the first record */
	bool mixed;   /* and others came with another one */
	bool given; /* the only record of a single type came with this write */
};

static struct rrset draft_rrset(const struct edit *edit,
				const struct draft *draft)
{
	return (struct rrset){
		.rrs = edit->out->data + draft->at + sizeof(struct rrset_head),
		.len = draft->head.len,
	};
}

static bool draft_has(const struct edit *edit, const struct draft *draft,
		      const struct rr *rr)
{
	struct rrset rrset = draft_rrset(edit, draft);
	struct rrset_rr old;
	size_t offset = 0;

	while (rrset_next(&rrset, &offset, &old))
		if (!order_rdata(draft->names, old.rdata, old.rdlen, rr->rdata,
				 rr->rdlen))
			return true;
	return false;
}

static void draft_clear(struct edit *edit, struct draft *draft)
{
	edit->out->len = draft->at + sizeof(struct rrset_head);
	draft->head.count = 0;
	draft->head.len = draft->head.text = draft->head.json = 0;
}

static uint32_t ttl_digits(uint32_t ttl)
{
	uint32_t digits = 1;

	for (; ttl > 9; ttl /= 10)
		digits++;
	return digits;
}

/* One TTL for all of the RRset, the newest: RFC 2181, section 5.2. */
static void draft_set_ttl(struct edit *edit, struct draft *draft, uint32_t ttl)
{
	struct rrset rrset = draft_rrset(edit, draft);
	struct rrset_rr rr;
	size_t offset = 0;

	/* RFC 4034, section 3: an RRSIG has the TTL of what it signs. */
	if (!draft->mixed || draft->head.type == RR_RRSIG)
		return;
	while (rrset_next(&rrset, &offset, &rr)) {
		uint8_t *at = edit->out->data + (rr.wire - edit->out->data) + 4;
		uint32_t more = ttl_digits(ttl) - ttl_digits(get_u32(at));

		draft->head.text += more;
		draft->head.json += more;
		put_u32(at, ttl);
	}
}

static int draft_append(struct edit *edit, struct draft *draft,
			const struct rr *rr)
{
	uint32_t text =
		rr_text_len(edit->owner_len, rr->type, rr->ttl, &rr->measure);
	uint8_t wire[RRSET_RR_HEAD];
	int r;

	put_u16(wire, rr->type);
	put_u16(wire + 2, 1); /* class IN */
	put_u32(wire + 4, rr->ttl);
	put_u16(wire + 8, rr->rdlen);
	r = buffer_reserve(edit->out, sizeof(wire) + rr->rdlen);
	if (r < 0)
		return r;
	buffer_add(edit->out, wire, sizeof(wire));
	buffer_add(edit->out, rr->rdata, rr->rdlen);
	draft->head.count++;
	draft->head.len += (uint32_t)sizeof(wire) + rr->rdlen;
	draft->head.text += text + 1;
	/* Two quotes and four tabs are not among the escapes we know of. */
	draft->head.json +=
		text + 6 + edit->owner_escapes + rr->measure.escapes;
	return 0;
}

static int refuse_second(struct edit *edit, const struct change_item *item)
{
	char type[16];

	rr_type_to_text(item->rr.type, type);
	return refuse(edit, item->line,
		      "two different %s records; a name has at most one", type);
}

/* @is_there: a record with this data is, before it */
static int draft_add(struct edit *edit, struct draft *draft,
		     const struct change_item *item, bool is_there)
{
	const struct rr *rr = &item->rr;
	int r;

	if (!draft->head.count)
		draft->ttl = rr->ttl;
	draft->mixed |= draft->ttl != rr->ttl;
	if (is_there) {
		draft->given = true;
		return 0;
	}
	if (type_is_single(rr->type) && draft->head.count) {
		if (draft->given || edit->fresh)
			return refuse_second(edit, item);
		/* RFC 2136, section 3.4.2.2: the new one replaces. */
		draft_clear(edit, draft);
	}
	r = draft_append(edit, draft, rr);
	if (r < 0)
		return r;
	draft->given = true;
	if (draft->head.len + 2u * draft->head.count > RRSET_FIT)
		return refuse(edit, item->line,
			      "the RRset would not fit a DNS message");
	return 0;
}

/*
 * Some items of one type: each is looked for among all before it. More than a
 * few are sorted together with what was there, and equal ones meet: looking
 * for each would take a write of a megabyte seconds.
 */
#define EDIT_FEW 32

/* A record by its data; of equal ones, by who comes first. */
struct entrant {
	const uint8_t *rdata;
	uint16_t rdlen;
	uint32_t place;
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
	for (; rrset_next(&old, &at, &rr); n++)
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

/* Which of the items says what is there before it? The caller frees. */
static int find_repeated(bool **out, struct rrset old, struct rr_names names,
			 const struct change_item *const *items, size_t count)
{
	CLEANUP(freep) struct entrant *sorted = NULL;
	CLEANUP(freep) bool *repeated = calloc(count, sizeof(*repeated));
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

/* Write the items of one type behind what there was of it. */
static int draft_add_all(struct edit *edit, struct draft *draft,
			 struct rrset old,
			 const struct change_item *const *items, size_t count)
{
	CLEANUP(freep) bool *repeated = NULL;
	int r = 0;

	/* Of a single type there is one to look at, and it may go. */
	if (count > EDIT_FEW && !type_is_single(draft->head.type))
		r = find_repeated(&repeated, old, draft->names, items, count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = draft_add(edit, draft, items[i],
			      repeated ? repeated[i]
				       : draft_has(edit, draft, &items[i]->rr));
	if (r == 0 && count)
		draft_set_ttl(edit, draft, items[count - 1]->rr.ttl);
	return r;
}

/* Write one RRset: what there was of @type, then the items of @type. */
static int edit_type(struct edit *edit, uint16_t type, const uint8_t *old,
		     size_t old_len, const struct change_item *const *items,
		     size_t count)
{
	struct draft draft = {
		.head.type = type,
		.names = rr_names(type),
		.at = edit->out->len,
	};
	struct rrset was = {0};
	int r;

	r = buffer_add(edit->out, &draft.head, sizeof(draft.head));
	if (r < 0)
		return r;
	if (old_len) {
		size_t at = 0;

		rrsets_next((struct rrsets){old, old_len}, &at, &was);
		memcpy(&draft.head, old, sizeof(draft.head));
		draft.ttl = was.ttl;
		r = buffer_add(edit->out, was.rrs, was.len);
		if (r < 0)
			return r;
	}
	r = draft_add_all(edit, &draft, was, items, count);
	if (r)
		return r;
	memcpy(edit->out->data + draft.at, &draft.head, sizeof(draft.head));
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
static int copy_before(struct edit *edit, struct rrsets old, size_t *at,
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
	return buffer_add(edit->out, old.data + from, *at - from);
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

static int refuse_types(struct edit *edit, uint32_t line)
{
	refuse(edit, line, "a name has records of %d types at most",
	       RRSETS_TYPES);
	return EDQUOT;
}

static int edit_merge(struct edit *edit, struct rrsets old,
		      const struct change_item *const *items, size_t count)
{
	size_t at = 0, i = 0;
	unsigned types = count_types(old);
	int r = 0;

	while (r == 0 && i < count) {
		uint16_t type = items[i]->rr.type;
		size_t set_len = 0, n = 1;

		r = copy_before(edit, old, &at, rrset_rank(type));
		if (r < 0)
			return r;
		if (at < old.len && rrset_head_at(old, at).type == type)
			set_len = sizeof(struct rrset_head) +
				  rrset_head_at(old, at).len;
		else if (++types > RRSETS_TYPES)
			return refuse_types(edit, items[i]->line);
		while (i + n < count && items[i + n]->rr.type == type)
			n++;
		r = edit_type(edit, type, set_len ? old.data + at : NULL,
			      set_len, items + i, n);
		at += set_len;
		i += n;
	}
	return r ? r : copy_before(edit, old, &at, UINT_MAX);
}

/* The line of the CNAME; or, if that was there, of the first that is beside. */
static uint32_t line_of_conflict(const struct edit *edit)
{
	uint32_t line = 0;

	for (size_t i = edit->count; i-- > 0;) {
		const struct change_item *item = &edit->items[i];

		if (item->op != CHANGE_ADD)
			break;
		if (item->rr.type == RR_CNAME)
			return item->line;
		if (!type_goes_with_cname(item->rr.type))
			line = item->line;
	}
	return line;
}

static int check_cname(struct edit *edit)
{
	struct rrsets all = {edit->out->data, edit->out->len};
	struct rrset rrset;
	size_t offset = 0;
	char type[16];

	if (!rrsets_find(all, RR_CNAME, &rrset))
		return 0;
	while (rrsets_next(all, &offset, &rrset)) {
		if (type_goes_with_cname(rrset.type))
			continue;
		rr_type_to_text(rrset.type, type);
		return refuse(edit, line_of_conflict(edit),
			      "a CNAME cannot stand beside other data, and "
			      "this name would have both it and %s",
			      type);
	}
	return 0;
}

/* The limit is for growth: an owner that has more may always have less. */
static int check_size(struct edit *edit, size_t before, uint32_t line)
{
	if (edit->out->len <= RRSETS_SIZE || edit->out->len <= before)
		return 0;
	refuse(edit, line,
	       "the records of one name take %d octets at most, as they are "
	       "stored, and these would take %zu; spread them over more names",
	       RRSETS_SIZE, edit->out->len);
	return EDQUOT;
}

int rrsets_edit(struct rrsets old, const struct change_item *items,
		size_t count, bool fresh, struct buffer *out,
		struct refusal *why)
{
	CLEANUP(freep) const struct change_item **sorted = NULL;
	struct edit edit = {
		.items = items,
		.count = count,
		.owner = &items[0].rr.owner,
		.fresh = fresh,
		.out = out,
		.why = why,
	};
	size_t adds = 0, before = old.len;
	int r;

	assert(count);
	edit.owner_len = name_to_text(edit.owner, edit.owner_text);
	edit.owner_escapes =
		rrset_json_escapes(edit.owner_text, edit.owner_len);
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
	r = edit_merge(&edit, old, sorted, adds);
	if (r == 0)
		r = check_cname(&edit);
	return r ? r : check_size(&edit, before, items[count - 1].line);
}
