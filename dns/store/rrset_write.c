// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "dns/store/rrset_write.h"
#include "dns/wire/decimal.h"

/* The records end where the buffer does. */
static void check(const struct rrset_write *write)
{
	assert(write->out->len ==
	       write->at + sizeof(write->head) + write->head.len);
}

int rrset_write_begin(struct rrset_write *write, struct buffer *out,
		      struct rrset_owner owner, struct rrset_head old,
		      const uint8_t *rrs)
{
	int r;

	*write = (struct rrset_write){
		.out = out, .owner = owner, .at = out->len, .head = old};
	r = buffer_add(out, &old, sizeof(old));
	if (r == 0)
		r = buffer_add(out, rrs, old.len);
	if (r == 0)
		check(write);
	return r;
}

struct rrset rrset_write_all(const struct rrset_write *write)
{
	return (struct rrset){
		.type = write->head.type,
		.count = write->head.count,
		.rrs = write->out->data + write->at + sizeof(write->head),
		.len = write->head.len,
	};
}

void rrset_write_clear(struct rrset_write *write)
{
	write->out->len = write->at + sizeof(write->head);
	write->head = (struct rrset_head){.type = write->head.type};
	check(write);
}

int rrset_write_add(struct rrset_write *write, const struct rr *rr)
{
	uint32_t text = rr_text_len(write->owner.text_len, rr->type, rr->ttl,
				    &rr->measure);
	uint8_t head[RR_HEAD_SIZE];
	int r;

	assert(rr->type == write->head.type);
	put_u16(head, rr->type);
	put_u16(head + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(head + RR_HEAD_TTL, rr->ttl);
	put_u16(head + RR_HEAD_RDLENGTH, rr->rdlen);
	r = buffer_reserve(write->out, sizeof(head) + rr->rdlen);
	if (r < 0)
		return r;
	buffer_add(write->out, head, sizeof(head));
	buffer_add(write->out, rr->rdata, rr->rdlen);
	write->head.count++;
	write->head.len += (uint32_t)sizeof(head) + rr->rdlen;
	write->head.text += text + 1;
	/* Two quotes and four tabs are not among the escapes we know of. */
	write->head.json +=
		text + 6 + write->owner.escapes + rr->measure.escapes;
	check(write);
	return 0;
}

void rrset_write_ttl(struct rrset_write *write, uint32_t ttl)
{
	struct rrset rrset = rrset_write_all(write);
	uint8_t *data = write->out->data;
	struct rrset_rr rr;
	size_t offset = 0;

	while (rrset_next(&rrset, &offset, &rr)) {
		uint8_t *at = data + (rr.wire - data) + RR_HEAD_TTL;
		/* Fewer digits are less: unsigned arithmetic wraps. */
		uint32_t more = decimal_len(ttl) - decimal_len(get_u32(at));

		write->head.text += more;
		write->head.json += more;
		put_u32(at, ttl);
	}
}

void rrset_write_end(const struct rrset_write *write)
{
	check(write);
	assert(write->head.len);
	memcpy(write->out->data + write->at, &write->head, sizeof(write->head));
}
