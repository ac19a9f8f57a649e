// SPDX-License-Identifier: Apache-2.0
/*
 * zone_share.c - what of which owner counts for which zone
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/rrset_layout.h"
#include "dns/store/zone_layout.h"

size_t zone_key_owner_len(const uint8_t *key, size_t len)
{
	const uint8_t *at = key + TABLE_NUMBER_SIZE, *end = key + len;
	/* A length octet for each end of a label, and the root's. */
	size_t owner_len = len - TABLE_NUMBER_SIZE + 1;

	assert(len >= TABLE_NUMBER_SIZE);
	/* 0x01 and the octet behind it are one octet of a label. */
	while (at < end && (at = memchr(at, 1, (size_t)(end - at)))) {
		owner_len--;
		at += 2;
	}
	return owner_len;
}

static struct zone_size size_of(struct rrset_head head, size_t owner_len)
{
	return (struct zone_size){
		.records = head.count,
		.text = head.text,
		.wire = head.count * (uint64_t)owner_len + head.len,
	};
}

struct zone_share zone_share_of(const uint8_t *key, size_t len,
				struct rrsets rrsets, bool is_delegated)
{
	size_t owner_len = zone_key_owner_len(key, len);
	struct zone_share share = {0};

	for (size_t at = 0; at < rrsets.len;) {
		struct rrset_head head = rrset_head_at(rrsets, at);
		struct zone_size size = size_of(head, owner_len);

		at += sizeof(head) + head.len;
		if (is_delegated && head.type == RR_DS)
			continue;
		share.names = 1;
		zone_size_add(&share.size, &size, 1);
	}
	return share;
}

/* Of some types alone; 0 is none. */
static void add_types(const uint8_t *key, size_t len, struct rrsets rrsets,
		      uint16_t one, uint16_t other, struct zone_size *out)
{
	size_t owner_len = zone_key_owner_len(key, len);

	for (size_t at = 0; at < rrsets.len;) {
		struct rrset_head head = rrset_head_at(rrsets, at);
		struct zone_size size = size_of(head, owner_len);

		at += sizeof(head) + head.len;
		if (head.type == one || head.type == other)
			zone_size_add(out, &size, 1);
	}
}

int zone_get_owner(const struct tables *tables, MDB_txn *txn,
		   const struct zone_key *owner, struct rrsets *out)
{
	MDB_val value, key = {owner->len, (void *)owner->octets};
	int rc = mdb_get(txn, tables->records, &key, &value);

	*out = (struct rrsets){0};
	if (rc == 0)
		*out = (struct rrsets){value.mv_data, value.mv_size};
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

bool zone_server_key(const struct zone_key *apex, const struct rrset_rr *ns,
		     struct zone_key *out)
{
	struct name server;

	if (name_from_wire(ns->rdata, ns->rdlen, &server) < 0)
		return false;
	out->len = table_key(out->octets, get_u32(apex->octets), &server);
	return table_key_is_under(out->octets, out->len, apex->octets,
				  apex->len);
}

static int add_glue(const struct tables *tables, MDB_txn *txn,
		    const struct zone_key *apex, const struct rrset *ns,
		    struct zone_size *out)
{
	struct zone_key server;
	struct rrsets rrsets;
	struct rrset_rr rr;
	size_t at = 0;
	int r = 0;

	while (r == 0 && rrset_next(ns, &at, &rr)) {
		if (!zone_server_key(apex, &rr, &server))
			continue;
		r = zone_get_owner(tables, txn, &server, &rrsets);
		if (r == 0)
			add_types(server.octets, server.len, rrsets, RR_A,
				  RR_AAAA, out);
	}
	return r;
}

int zone_up(const struct tables *tables, MDB_txn *txn,
	    const struct zone_key *apex, struct zone_size *out)
{
	struct zone_size size = {0};
	struct rrsets rrsets;
	struct rrset ns;
	int r = zone_get_owner(tables, txn, apex, &rrsets);

	if (r < 0)
		return r;
	add_types(apex->octets, apex->len, rrsets, RR_NS, RR_DS, &size);
	if (rrsets_find(rrsets, RR_NS, &ns))
		r = add_glue(tables, txn, apex, &ns, &size);
	*out = size;
	return r;
}

bool zone_names_server(const struct zone_key *apex, struct rrsets rrsets,
		       const uint8_t *owner, size_t owner_len)
{
	struct zone_key server;
	struct rrset_rr rr;
	struct rrset ns;
	size_t at = 0;

	if (!rrsets_find(rrsets, RR_NS, &ns))
		return false;
	while (rrset_next(&ns, &at, &rr))
		if (zone_server_key(apex, &rr, &server) &&
		    zone_key_is(&server, owner, owner_len))
			return true;
	return false;
}
