// SPDX-License-Identifier: Apache-2.0
/*
 * rrset_text.c - the RRsets of one owner as text, a record at a time
 *
 * A place is two offsets into the value, so that it can be noted and gone back
 * to; nothing is kept of what was printed.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_layout.h"

void rrsets_walk_begin(struct rrsets_walk *walk, const struct name *owner,
		       struct rrsets rrsets, bool json)
{
	walk->rrsets = rrsets;
	walk->json = json;
	walk->place = (struct rrsets_place){0};
	walk->owner_len = name_to_text(owner, walk->owner);
}

/*
 * Make a JSON string of what stands behind @from, from its end to its start.
 * Presentation format is printable ASCII.
 */
static int quote(struct buffer *out, size_t from)
{
	const char *text = (const char *)out->data + from;
	size_t left = out->len - from;
	size_t more = rrset_json_escapes(text, left) + 2;
	int r = buffer_reserve(out, more);
	uint8_t *at;

	if (r < 0)
		return r;
	text = (const char *)out->data + from;
	out->len += more;
	at = out->data + out->len;
	*--at = '"';
	while (left) {
		char c = text[--left];

		*--at = c == '\t' ? 't' : (uint8_t)c;
		if (c == '"' || c == '\\' || c == '\t')
			*--at = '\\';
	}
	*--at = '"';
	assert(at == out->data + from);
	return 0;
}

static int add_owner(const struct rrsets_walk *walk, struct buffer *out)
{
	size_t from = out->len;
	int r = buffer_add(out, walk->owner, walk->owner_len);

	if (r == 0)
		r = quote(out, from);
	return r < 0 ? r : buffer_add_text(out, ":[");
}

static int add_record(struct rrsets_walk *walk, struct buffer *out)
{
	struct rrsets_place *place = &walk->place;
	bool is_first = !place->rrset && !place->rr;
	size_t next = place->rrset, from;
	struct rrset rrset;
	struct rrset_rr rr;
	int r = 0;

	assert(place->rrset < walk->rrsets.len);
	rrsets_next(walk->rrsets, &next, &rrset);
	rrset_next(&rrset, &place->rr, &rr);
	if (place->rr >= rrset.len) {
		place->rrset = next;
		place->rr = 0;
	}
	if (walk->json && !is_first)
		r = buffer_add(out, ",", 1);
	from = out->len;
	if (r == 0)
		r = rr_to_text(walk->owner, walk->owner_len, rrset.type,
			       get_u32(rr.wire + RR_HEAD_TTL), rr.rdata,
			       rr.rdlen, out);
	if (r < 0)
		return r;
	return walk->json ? quote(out, from) : buffer_add(out, "\n", 1);
}

int rrsets_walk_next(struct rrsets_walk *walk, struct buffer *out)
{
	struct rrsets_place *place = &walk->place;

	if (walk->json && !place->in_list) {
		place->in_list = true;
		return add_owner(walk, out);
	}
	if (place->rrset < walk->rrsets.len)
		return add_record(walk, out);
	if (!walk->json || place->ended)
		return -ENOENT;
	place->ended = true;
	return buffer_add(out, "]", 1);
}

uint64_t rrsets_walk_skip(struct rrsets_walk *walk, uint64_t max)
{
	struct rrsets_place *place = &walk->place;
	struct rrset_head head;
	uint64_t size;

	if (place->rr || place->rrset >= walk->rrsets.len ||
	    (walk->json && !place->in_list))
		return 0;
	head = rrset_head_at(walk->rrsets, place->rrset);
	size = head.text;
	/* A comma stands before each but the first. */
	if (walk->json)
		size = (uint64_t)head.json + head.count - !place->rrset;
	if (size > max)
		return 0;
	place->rrset += sizeof(head) + head.len;
	return size;
}

static int add_all(const struct name *owner, struct rrsets rrsets, bool json,
		   struct buffer *out)
{
	struct rrsets_walk walk;
	int r;

	rrsets_walk_begin(&walk, owner, rrsets, json);
	do
		r = rrsets_walk_next(&walk, out);
	while (r == 0);
	return r == -ENOENT ? 0 : r;
}

int rrsets_to_text(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out)
{
	return add_all(owner, rrsets, false, out);
}

int rrsets_to_json(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out)
{
	return add_all(owner, rrsets, true, out);
}
