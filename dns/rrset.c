// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "dns/rrset_layout.h"

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
	out->ttl = get_u32(out->rrs + 4);
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
	out->rdlen = get_u16(out->wire + 8);
	out->rdata = out->wire + RRSET_RR_HEAD;
	*offset += RRSET_RR_HEAD + out->rdlen;
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

/* Append @text as a JSON string. Presentation format is printable ASCII. */
static int add_json_string(struct buffer *out, const char *text, size_t len)
{
	uint8_t *at;
	int r = buffer_reserve(out, 2 * len + 2);

	if (r < 0)
		return r;
	at = out->data + out->len;
	*at++ = '"';
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\' || text[i] == '\t')
			*at++ = '\\';
		*at++ = text[i] == '\t' ? 't' : (uint8_t)text[i];
	}
	*at++ = '"';
	out->len = (size_t)(at - out->data);
	return 0;
}

int rrsets_to_text(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out)
{
	char text[NAME_TEXT_SIZE];
	size_t len = name_to_text(owner, text), offset = 0;
	struct rrset rrset;

	while (rrsets_next(rrsets, &offset, &rrset)) {
		struct rrset_rr rr;
		size_t at = 0;

		while (rrset_next(&rrset, &at, &rr)) {
			int r = rr_to_text(text, len, rrset.type,
					   get_u32(rr.wire + 4), rr.rdata,
					   rr.rdlen, out);
			if (r == 0)
				r = buffer_add(out, "\n", 1);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int rrsets_to_json(const struct name *owner, struct rrsets rrsets,
		   struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer lines = {0};
	char text[NAME_TEXT_SIZE];
	const char *line;
	size_t left;
	int r;

	r = rrsets_to_text(owner, rrsets, &lines);
	if (r == 0)
		r = add_json_string(out, text, name_to_text(owner, text));
	if (r == 0)
		r = buffer_add_text(out, ":[");
	line = (const char *)lines.data;
	for (left = lines.len; r == 0 && left;) {
		size_t len =
			(size_t)((const char *)memchr(line, '\n', left) - line);

		r = add_json_string(out, line, len);
		line += len + 1;
		left -= len + 1;
		if (r == 0 && left)
			r = buffer_add(out, ",", 1);
	}
	return r < 0 ? r : buffer_add(out, "]", 1);
}
