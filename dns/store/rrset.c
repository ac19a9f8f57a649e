// SPDX-License-Identifier: Apache-2.0
/*
 * rrset.c - reading the RRsets of one owner
 *
 * All of it is steps from head to head, and from record to record.
 */
#include <sodium.h>

#include "dns/store/rrset_layout.h"

bool rrsets_next(struct rrsets rrsets, size_t *offset, struct rrset *out)
{
	struct rrset_head head;

	if (*offset >= rrsets.len)
		return false;
	head = rrset_head_at(rrsets, *offset);
	out->type = head.type;
	out->count = head.count;
	out->rrs = rrsets.data + *offset + sizeof(head);
	out->len = head.len;
	out->ttl = get_u32(out->rrs + RR_HEAD_TTL);
	*offset += sizeof(head) + head.len;
	return true;
}

bool rrsets_find(struct rrsets rrsets, uint16_t type, struct rrset *out)
{
	unsigned rank = rrset_rank(type);
	size_t offset = 0;

	while (rrsets_next(rrsets, &offset, out) &&
	       rrset_rank(out->type) <= rank)
		if (out->type == type)
			return true;
	return false;
}

bool rrset_next(const struct rrset *rrset, size_t *offset, struct rrset_rr *out)
{
	if (*offset >= rrset->len)
		return false;
	out->wire = rrset->rrs + *offset;
	out->rdlen = get_u16(out->wire + RR_HEAD_RDLENGTH);
	out->rdata = out->wire + RR_HEAD_SIZE;
	*offset += RR_HEAD_SIZE + out->rdlen;
	return true;
}

/* Nobody gains by two sets that are alike: the key is no secret. */
uint64_t rrsets_digest(struct rrsets rrsets)
{
	static const uint8_t key[crypto_shorthash_KEYBYTES];
	uint64_t out;

	_Static_assert(crypto_shorthash_BYTES == sizeof(out), "the same");
	crypto_shorthash((uint8_t *)&out, rrsets.data, rrsets.len, key);
	return out;
}

uint64_t rrsets_text_size(struct rrsets rrsets)
{
	uint64_t size = 0;

	for (size_t offset = 0; offset < rrsets.len;) {
		struct rrset_head head = rrset_head_at(rrsets, offset);

		size += head.text;
		offset += sizeof(head) + head.len;
	}
	return size;
}

struct rrsets_size rrsets_size(const struct name *owner, struct rrsets rrsets)
{
	struct rrsets_size size = {0};
	char text[NAME_TEXT_SIZE];
	size_t len, offset = 0;

	if (!rrsets.len)
		return size;
	while (offset < rrsets.len) {
		struct rrset_head head = rrset_head_at(rrsets, offset);

		size.records += head.count;
		size.text += head.text;
		size.json += head.json;
		offset += sizeof(head) + head.len;
	}
	/* "owner":[...] and the commas between the records. */
	len = name_to_text(owner, text);
	size.json += len + rrset_json_escapes(text, len) + 5 + size.records - 1;
	return size;
}
