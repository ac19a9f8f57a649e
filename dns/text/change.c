// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/text/change.h"

/* What stands before owner and RDATA; in host order, it never leaves memory. */
struct head {
	uint8_t op;
	uint8_t owner_len;
	uint16_t type;
	uint32_t ttl;
	uint32_t line;
	uint16_t rdlen;
	struct rr_measure measure;
};

void change_deinit(struct change *change)
{
	buffer_deinit(&change->items);
	change->count = 0;
}

static int add_item(struct change *change, const struct head *head,
		    const struct name *owner, const uint8_t *rdata)
{
	size_t need = sizeof(*head) + owner->len + head->rdlen;
	int r = buffer_reserve(&change->items, need);

	if (r < 0)
		return r;
	/* There is room, so none of these can fail. */
	buffer_add(&change->items, head, sizeof(*head));
	buffer_add(&change->items, owner->wire, owner->len);
	buffer_add(&change->items, rdata, head->rdlen);
	change->count++;
	return 0;
}

int change_add(struct change *change, const struct rr *rr, uint32_t line)
{
	struct head head = {
		.op = CHANGE_ADD,
		.owner_len = rr->owner.len,
		.type = rr->type,
		.ttl = rr->ttl,
		.line = line,
		.rdlen = rr->rdlen,
		.measure = rr->measure,
	};

	return add_item(change, &head, &rr->owner, rr->rdata);
}

int change_drop(struct change *change, const struct name *owner)
{
	struct head head = {.op = CHANGE_DROP, .owner_len = owner->len};

	return add_item(change, &head, owner, NULL);
}

struct change_mark change_mark(const struct change *change)
{
	return (struct change_mark){change->items.len, change->count};
}

void change_rewind(struct change *change, struct change_mark mark)
{
	assert(mark.len <= change->items.len && mark.count <= change->count);
	change->items.len = mark.len;
	change->count = mark.count;
}

/* Read the head of the item at @offset, and step over it: false at the end. */
static bool step(const struct change *change, size_t *offset, struct head *out)
{
	if (*offset >= change->items.len)
		return false;
	assert(change->items.len - *offset >= sizeof(*out));
	memcpy(out, change->items.data + *offset, sizeof(*out));
	*offset += sizeof(*out) + out->owner_len + out->rdlen;
	assert(*offset <= change->items.len);
	return true;
}

bool change_next(const struct change *change, size_t *offset,
		 struct change_item *out)
{
	size_t start = *offset;
	const uint8_t *at;
	struct head head;

	if (!step(change, offset, &head))
		return false;
	at = change->items.data + start + sizeof(head);
	out->op = head.op;
	out->line = head.line;
	out->rr.owner.len = head.owner_len;
	memcpy(out->rr.owner.wire, at, head.owner_len);
	at += head.owner_len;
	out->rr.type = head.type;
	out->rr.ttl = head.ttl;
	out->rr.rdlen = head.rdlen;
	out->rr.rdata = at;
	out->rr.measure = head.measure;
	return true;
}

struct change change_slice(const struct change *change, size_t offset,
			   size_t count)
{
	struct change slice = {0};
	struct head head;
	size_t end = offset;

	assert(offset <= change->items.len);
	while (slice.count < count && step(change, &end, &head))
		slice.count++;
	slice.items.data = change->items.data + offset;
	slice.items.len = end - offset;
	return slice;
}

bool change_adds(const struct change *change)
{
	struct change_item item;
	size_t offset = 0;

	while (change_next(change, &offset, &item))
		if (item.op == CHANGE_ADD)
			return true;
	return false;
}
