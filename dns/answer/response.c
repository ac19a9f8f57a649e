// SPDX-License-Identifier: Apache-2.0
/*
 * response.c - writing a response
 *
 * Compression looks for the longest ending of a name that was written before.
 * Labels that stand in the message are nodes of a tree, found by hashing a
 * label together with the place of its parent; so a name is matched from the
 * root down, one label and one lookup at a time, and no pointer is followed.
 *
 * The first octets of most responses need none of that: the owner is the name
 * of the question, and its RDATA has no names.
 */
#include <assert.h>
#include <errno.h>

#include "dns/answer/response.h"
#include "dns/wire/mix.h"

/* Opcode and RD go back as they came; AD and CD do not. */
#define COPIED_FLAGS (MESSAGE_OPCODE | MESSAGE_RD)

/*
 * Without the bit that tells case. Names that were made to have one slot cost
 * a comparison for each label before them, RESPONSE_NAMES at most.
 */
static uint8_t label_slot(const uint8_t *label, uint16_t parent)
{
	return (uint8_t)mix_octets(parent, label, 1 + (size_t)label[0], 0x20);
}

static bool is_label(const struct response *response, uint16_t offset,
		     const uint8_t *label)
{
	const uint8_t *there = response->out + offset;

	return response->keeps_case
		       ? memcmp(there, label, 1 + (size_t)label[0]) == 0
		       : name_label_equal(there, label);
}

/* The slot that has @label under @parent, or the free one where it goes. */
static uint8_t names_find(const struct response *response, const uint8_t *label,
			  uint16_t parent)
{
	const struct response_names *names = &response->names;
	uint8_t slot = label_slot(label, parent);

	/* Ends: there are more slots than labels. */
	for (; names->slots[slot]; slot++) {
		unsigned i = names->slots[slot] - 1u;

		if (names->labels[i].parent == parent &&
		    is_label(response, names->labels[i].offset, label))
			break;
	}
	return slot;
}

/*
 * Remember the label at @offset, in the slot that names_find() had for it;
 * false if its children cannot be found.
 */
static bool names_add(struct response *response, size_t offset, uint16_t parent,
		      uint8_t slot)
{
	struct response_names *names = &response->names;

	assert(offset >= MESSAGE_HEAD_SIZE && offset < response->len);
	assert(!names->slots[slot]);
	if (names->count == RESPONSE_NAMES || offset >= MESSAGE_POINTER_END)
		return false;
	names->labels[names->count].offset = (uint16_t)offset;
	names->labels[names->count].parent = parent;
	names->labels[names->count].slot = slot;
	names->slots[slot] = ++names->count;
	return true;
}

/*
 * Forget what was added last: newest first, so that no chain of full slots
 * that an older label was put behind is ever broken.
 */
static void names_rewind(struct response_names *names, uint8_t count)
{
	assert(count <= names->count);
	while (names->count > count)
		names->slots[names->labels[--names->count].slot] = 0;
}

/* A name's labels, the root's not counted. */
struct labels {
	unsigned count;
	size_t len; /* octets of the name */
	uint8_t starts[NAME_LABELS_MAX];
};

/* False: no name ends within so many octets. */
static bool labels_read(struct labels *labels, const uint8_t *wire, size_t room)
{
	size_t limit = room < NAME_WIRE_SIZE ? room : NAME_WIRE_SIZE;
	size_t at = 0;

	for (labels->count = 0; at < limit && wire[at];
	     at += 1 + (size_t)wire[at])
		labels->starts[labels->count++] = (uint8_t)at;
	labels->len = at + 1;
	return at < limit;
}

/*
 * Remember the first @count labels of a name that begins at @offset and ends in
 * @parent.
 * @slot: of the last one of them
 */
static void names_add_all(struct response *response, size_t offset,
			  const struct labels *labels, unsigned count,
			  uint16_t parent, uint8_t slot)
{
	while (count--) {
		size_t at = offset + labels->starts[count];

		if (!names_add(response, at, parent, slot))
			return;
		parent = (uint16_t)at;
		if (count)
			slot = names_find(response,
					  response->out + offset +
						  labels->starts[count - 1],
					  parent);
	}
}

/* Most responses never come here, so the table is made for those that do. */
static void names_init(struct response *response)
{
	const struct name *name = response->name;
	struct labels labels;

	response->has_names = true;
	response->names.count = 0;
	memset(response->names.slots, 0, sizeof(response->names.slots));
	if (!name || name->len == 1)
		return;
	labels_read(&labels, name->wire, name->len);
	names_add_all(response, MESSAGE_HEAD_SIZE, &labels, labels.count, 0,
		      names_find(response,
				 name->wire + labels.starts[labels.count - 1],
				 0));
}

static uint8_t *reserve(struct response *response, size_t len)
{
	uint8_t *at = response->out + response->len;

	if (len > response->limit - response->len)
		return NULL;
	response->len += len;
	return at;
}

static int add_octets(struct response *response, const uint8_t *octets,
		      size_t len)
{
	uint8_t *at = reserve(response, len);

	if (!at)
		return -ENOSPC;
	copy_octets(at, octets, len);
	return 0;
}

static int add_pointer(struct response *response, uint16_t offset)
{
	uint8_t *at = reserve(response, 2);

	if (!at)
		return -ENOSPC;
	assert(offset >= MESSAGE_HEAD_SIZE && offset < MESSAGE_POINTER_END);
	put_u16(at, MESSAGE_POINTER | offset);
	return 0;
}

/* What the second record of an RRset needs to repeat the owner. */
struct owner {
	const struct name *name;
	uint16_t offset; /* 0: not in reach of a pointer, or not known */
	uint16_t parent; /* of all but its first label; 0: not known */
};

/*
 * Names in RDATA often end in the owner: then those labels need no search.
 *
 * Return: how many labels come before it, or all if it does not end so.
 */
static unsigned labels_before(const struct labels *labels, const uint8_t *wire,
			      const struct owner *owner)
{
	size_t len = owner->offset ? owner->name->len : 0;
	unsigned left = labels->count;
	size_t start;

	if (!len || len > labels->len)
		return labels->count;
	start = labels->len - len;
	while (left && labels->starts[left - 1] > start)
		left--;
	/* In another case it is found by the search. */
	if (!left || labels->starts[left - 1] != start ||
	    memcmp(wire + start, owner->name->wire, len))
		return labels->count;
	return left - 1;
}

/*
 * Write a name, compressed: RFC 1035, section 4.1.4.
 *
 * @owner: of the record that has it in its RDATA; NULL: it is the owner
 *
 * Return: its octets in @wire; -EINVAL: no name ends in @room; -ENOSPC.
 */
static int add_name(struct response *response, const uint8_t *wire, size_t room,
		    const struct owner *owner)
{
	size_t offset = response->len;
	struct labels labels;
	uint16_t parent = 0;
	uint8_t slot = 0;
	unsigned left;
	int r = 0;

	if (!labels_read(&labels, wire, room))
		return -EINVAL;
	left = owner ? labels_before(&labels, wire, owner) : labels.count;
	if (left < labels.count)
		parent = owner->offset;
	if (left && !response->has_names)
		names_init(response);
	for (; left; left--) {
		unsigned found;

		slot = names_find(response, wire + labels.starts[left - 1],
				  parent);
		found = response->names.slots[slot];
		if (!found)
			break;
		parent = response->names.labels[found - 1].offset;
	}
	if (left) {
		const uint8_t *last = wire + labels.starts[left - 1];

		r = add_octets(response, wire,
			       (size_t)(last - wire) + 1 + last[0]);
	}
	if (r == 0)
		r = parent ? add_pointer(response, parent)
			   : add_octets(response, (const uint8_t[]){0}, 1);
	if (r < 0)
		return r;
	names_add_all(response, offset, &labels, left, parent, slot);
	return (int)labels.len;
}

/* Of all sections that records are in. */
static void clear_counts(uint8_t *out)
{
	memset(out + MESSAGE_ANCOUNT, 0, MESSAGE_HEAD_SIZE - MESSAGE_ANCOUNT);
}

void response_init(struct response *response, uint8_t *out, size_t limit,
		   const uint8_t *packet, const struct query *query)
{
	response->out = out;
	response->limit = limit;
	response->len = MESSAGE_HEAD_SIZE + query->question_len;
	response->name = query->question_len ? &query->name : NULL;
	response->keeps_case = false;
	response->has_names = false;
	response->names.count = 0;

	assert(response->len <= limit);
	memcpy(out, packet, response->len);
	/* RA, Z, AD and CD stay clear: as NSD and Knot have it. */
	put_u16(out + MESSAGE_FLAGS,
		MESSAGE_QR | (query->flags & COPIED_FLAGS));
	put_u16(out + MESSAGE_QDCOUNT, query->question_len != 0);
	clear_counts(out);
}

void response_clear(struct response *response)
{
	size_t question = 0;

	if (response->name)
		question = (size_t)response->name->len + MESSAGE_QUESTION_TAIL;
	response->len = MESSAGE_HEAD_SIZE + question;
	response->has_names = false;
	clear_counts(response->out);
}

/* Where the name stands that begins at @at; 0: as response_parent() has it. */
static uint16_t place_of_name(const struct response *response, size_t at)
{
	const uint8_t *label = response->out + at;

	assert(at < response->len);
	if (*label > NAME_LABEL_SIZE)
		return get_u16(label) - MESSAGE_POINTER;
	return *label && at < MESSAGE_POINTER_END ? (uint16_t)at : 0;
}

/* Its first label, and a pointer. */
static int add_first_label(struct response *response, struct owner *owner)
{
	const uint8_t *label = owner->name->wire;
	size_t offset = response->len;
	int r = add_octets(response, label, 1 + (size_t)label[0]);

	if (r == 0)
		r = add_pointer(response, owner->parent);
	if (r == 0 && offset < MESSAGE_POINTER_END)
		owner->offset = (uint16_t)offset;
	return r;
}

static int add_owner(struct response *response, struct owner *owner)
{
	size_t offset = response->len;
	int r;

	if (owner->offset)
		return add_pointer(response, owner->offset);
	if (owner->parent)
		return add_first_label(response, owner);
	r = add_name(response, owner->name->wire, owner->name->len, NULL);
	if (r < 0)
		return r;
	owner->offset = place_of_name(response, offset);
	return 0;
}

/* RDATA with names that are compressed: RFC 3597, section 4. */
static int add_rdata(struct response *response, const struct owner *owner,
		     const struct rrset_rr *rr, struct rr_names shape)
{
	const uint8_t *at = rr->rdata + shape.skip;
	const uint8_t *end = rr->rdata + rr->rdlen;
	size_t start = response->len;
	int r = add_octets(response, rr->rdata, shape.skip);

	for (unsigned i = 0; i < shape.count && r >= 0; i++) {
		r = add_name(response, at, (size_t)(end - at), owner);
		at += r > 0 ? r : 0;
	}
	if (r >= 0)
		r = add_octets(response, at, shape.tail);
	/* Our own writer has checked it. */
	if (r < 0)
		return -ENOSPC;
	put_u16(response->out + start - RR_HEAD_SIZE + RR_HEAD_RDLENGTH,
		(uint16_t)(response->len - start));
	return 0;
}

static int add_record(struct response *response, struct owner *owner,
		      const struct rrset *rrset, const struct rrset_rr *rr,
		      struct rr_names shape)
{
	size_t copied = RR_HEAD_SIZE + (shape.compress ? 0u : rr->rdlen);
	uint8_t *at;
	int r = add_owner(response, owner);

	if (r < 0)
		return r;
	at = reserve(response, copied);
	if (!at)
		return -ENOSPC;
	copy_octets(at, rr->wire, copied);
	put_u32(at + RR_HEAD_TTL, rrset->ttl);
	return shape.compress ? add_rdata(response, owner, rr, shape) : 0;
}

static int add_rrset(struct response *response, enum response_section section,
		     struct owner at, const struct rrset *rrset)
{
	struct rr_names shape = rr_names(rrset->type);
	size_t len = response->len, offset = 0;
	bool has_names = response->has_names;
	uint8_t count = response->names.count;
	struct rrset_rr rr;
	int r = 0;

	while (r == 0 && rrset_next(rrset, &offset, &rr))
		r = add_record(response, &at, rrset, &rr, shape);
	if (r < 0) {
		response->len = len;
		response->has_names = has_names;
		if (has_names)
			names_rewind(&response->names, count);
		return r;
	}
	response_count(response, section, rrset->count);
	return 0;
}

int response_add(struct response *response, enum response_section section,
		 const struct name *owner, const struct rrset *rrset)
{
	struct owner at = {.name = owner};

	/* Also keeps the case of the question: RFC 4343, section 4.1. */
	if (owner == response->name && owner->len > 1)
		at.offset = MESSAGE_HEAD_SIZE;
	return add_rrset(response, section, at, rrset);
}

int response_add_at(struct response *response, enum response_section section,
		    const struct name *owner, uint16_t offset,
		    const struct rrset *rrset)
{
	const struct owner at = {.name = owner, .offset = offset};

	return add_rrset(response, section, at, rrset);
}

int response_add_below(struct response *response, enum response_section section,
		       const struct name *owner, uint16_t parent,
		       const struct rrset *rrset)
{
	const struct owner at = {.name = owner, .parent = parent};

	assert(parent >= MESSAGE_HEAD_SIZE && owner->len > 1);
	return add_rrset(response, section, at, rrset);
}

uint16_t response_parent(const struct response *response, size_t at)
{
	uint8_t len = response->out[at];

	assert(at < response->len);
	/* Of a name that is a pointer altogether we are not told. */
	if (len == 0 || len > NAME_LABEL_SIZE)
		return 0;
	return place_of_name(response, at + 1 + len);
}

uint16_t response_in_question(const struct response *response,
			      const struct name *ending)
{
	size_t before = (size_t)response->name->len - ending->len;

	assert(ending->len <= response->name->len);
	return ending->len > 1 ? (uint16_t)(MESSAGE_HEAD_SIZE + before) : 0;
}

/* Where a name ends that begins at @at. */
static size_t name_end(const struct response *response, size_t at)
{
	const uint8_t *out = response->out;

	while (out[at] && out[at] <= NAME_LABEL_SIZE)
		at += 1 + (size_t)out[at];
	return at + (out[at] ? 2 : 1);
}

uint16_t response_in_rdata(const struct response *response, size_t *at,
			   size_t skip)
{
	size_t head = name_end(response, *at);
	size_t rdata = head + RR_HEAD_SIZE;

	*at = rdata + get_u16(response->out + head + RR_HEAD_RDLENGTH);
	assert(*at <= response->len && rdata + skip < *at);
	return place_of_name(response, rdata + skip);
}
