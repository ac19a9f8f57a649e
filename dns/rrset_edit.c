// SPDX-License-Identifier: Apache-2.0
/*
 * rrset_edit.c - the rules by which an owner's records change
 *
 * An edit merges two sorted things, the RRsets an owner has and the items of
 * a change ordered by type, straight into the new value: one RRset after the
 * other, the old records first.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "dns/rrset_layout.h"

/*
 * What a message needs beside the answer's RRset: the header, a question of
 * the longest name, and an OPT record with room for its options.
 */
#define RRSET_FIT (65535 - 12 - (NAME_WIRE_SIZE + 4) - 64)

/* SOA, NS, and the rest by number: the order of a zone file's reader. */
static unsigned type_rank(uint16_t type)
{
	return type == RR_SOA ? 0 : type == RR_NS ? 1 : 2u + type;
}

static bool type_is_single(uint16_t type)
{
	return type == RR_SOA || type == RR_CNAME || type == RR_DNAME;
}

/* RFC 4035, section 2.5; KEY is RFC 3007's, section 3.1.1. */
static bool type_goes_with_cname(uint16_t type)
{
	return type == RR_CNAME || type == RR_RRSIG || type == RR_NSEC ||
	       type == 25;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same_octets(const uint8_t *a, const uint8_t *b, size_t len,
			bool fold)
{
	if (!fold)
		return !memcmp(a, b, len);
	/* Length octets are below 64, so folding never touches one. */
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* The same data: domain names in it compare without case (RFC 4343). */
static bool same_rdata(uint16_t type, const uint8_t *a, size_t a_len,
		       const uint8_t *b, size_t b_len)
{
	struct rr_names names = rr_names(type);
	size_t end;

	if (a_len != b_len)
		return false;
	if (!memcmp(a, b, a_len))
		return true;
	if (!names.count || a_len < (size_t)names.skip + names.tail)
		return false;
	end = a_len - names.tail;
	return same_octets(a, b, names.skip, false) &&
	       same_octets(a + names.skip, b + names.skip, end - names.skip,
			   true) &&
	       same_octets(a + end, b + end, names.tail, false);
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

	struct refusal *why = edit->why;

	why->line = line;
	memcpy(why->text, edit->owner_text, edit->owner_len + 1);
	va_start(args, format);
	vsnprintf(why->reason, sizeof(why->reason), format, args);
	va_end(args);
	return EINVAL;
}

/* The RRset that an edit is writing: its head stands at @head in the buffer. */
struct draft {
	struct rrset_head head;
	size_t at;  /* of the head */
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
		if (same_rdata(rr->type, old.rdata, old.rdlen, rr->rdata,
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
	if (draft->head.type == RR_RRSIG)
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

static int draft_add(struct edit *edit, struct draft *draft,
		     const struct change_item *item)
{
	const struct rr *rr = &item->rr;
	int r = 0;

	if (draft_has(edit, draft, rr)) {
		draft_set_ttl(edit, draft, rr->ttl);
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
	draft_set_ttl(edit, draft, rr->ttl);
	if (draft->head.len + 2u * draft->head.count > RRSET_FIT)
		return refuse(edit, item->line,
			      "the RRset would not fit a DNS message");
	return 0;
}

/* Write one RRset: what there was of @type, then the items of @type. */
static int edit_type(struct edit *edit, uint16_t type, const uint8_t *old,
		     size_t old_len, const struct change_item *const *items,
		     size_t count)
{
	struct draft draft = {.head.type = type, .at = edit->out->len};
	int r;

	r = buffer_add(edit->out, &draft.head, sizeof(draft.head));
	if (r < 0)
		return r;
	if (old_len) {
		memcpy(&draft.head, old, sizeof(draft.head));
		r = buffer_add(edit->out, old + sizeof(draft.head),
			       old_len - sizeof(draft.head));
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++) {
		r = draft_add(edit, &draft, items[i]);
		if (r)
			return r;
	}
	memcpy(edit->out->data + draft.at, &draft.head, sizeof(draft.head));
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	const struct change_item *x = *(const struct change_item *const *)a;
	const struct change_item *y = *(const struct change_item *const *)b;
	unsigned xr = type_rank(x->rr.type), yr = type_rank(y->rr.type);

	if (xr != yr)
		return xr < yr ? -1 : 1;
	/* They lie in one array, in the order they were given. */
	return x < y ? -1 : x > y;
}

static int edit_merge(struct edit *edit, struct rrsets old,
		      const struct change_item *const *items, size_t count)
{
	size_t at = 0, i = 0;

	while (at < old.len || i < count) {
		const uint8_t *set = NULL;
		struct rrset_head head = {0};
		unsigned old_rank = UINT32_MAX, new_rank = UINT32_MAX;
		size_t set_len = 0, n = 0;
		uint16_t type;
		int r;

		if (at < old.len) {
			set = old.data + at;
			head = rrset_head_at(old, at);
			old_rank = type_rank(head.type);
		}
		if (i < count)
			new_rank = type_rank(items[i]->rr.type);
		type = old_rank <= new_rank ? head.type : items[i]->rr.type;
		if (old_rank <= new_rank)
			set_len = sizeof(head) + head.len;
		while (i + n < count && items[i + n]->rr.type == type)
			n++;
		r = edit_type(edit, type, set, set_len, items + i, n);
		if (r)
			return r;
		at += set_len;
		i += n;
	}
	return 0;
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
	size_t adds = 0;
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
	if (r)
		return r;
	return check_cname(&edit);
}
