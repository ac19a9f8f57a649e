// SPDX-License-Identifier: Apache-2.0
/*
 * edited.c - names on their way through many small edits
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/store/edited.h"
#include "dns/store/table_layout.h"

static void free_rrset(struct edited_name *owner, struct edited_rrset *rrset)
{
	struct edited_record *record, *next;

	HASH_ITER (hh, rrset->records, record, next) {
		HASH_DEL(rrset->records, record);
		free(record);
	}
	DL_DELETE(owner->rrsets, rrset);
	free(rrset);
}

static void free_owner(struct edited_name *owner)
{
	while (owner->rrsets)
		free_rrset(owner, owner->rrsets);
	free(owner);
}

void edited_deinit(struct edited_names *owners)
{
	struct edited_name *owner, *next;

	HASH_ITER (hh, owners->all, owner, next) {
		HASH_DEL(owners->all, owner);
		free_owner(owner);
	}
}

struct edited_rrset *edited_rrset(const struct edited_name *owner,
				  uint16_t type)
{
	struct edited_rrset *rrset;

	DL_FOREACH (owner->rrsets, rrset)
		if (rrset->type == type)
			return rrset;
	return NULL;
}

/* RDATA by which two records are told to be the same. */
static void fold(uint16_t type, const uint8_t *rdata, size_t len, uint8_t *out)
{
	struct rr_names names = rr_names(type);
	size_t end = len - names.tail;

	memcpy(out, rdata, len);
	if (!names.count || len < (size_t)names.skip + names.tail)
		return;
	for (size_t i = names.skip; i < end; i++)
		out[i] = name_lower_octet(out[i]);
}

static struct edited_record *new_record(uint16_t type, const uint8_t *rdata,
					uint16_t rdlen)
{
	struct edited_record *record = calloc(1, sizeof(*record) + rdlen);

	if (!record)
		return NULL;
	record->rdata = rdata;
	record->rdlen = rdlen;
	fold(type, rdata, rdlen, record->key);
	return record;
}

struct edited_record *edited_find(const struct edited_rrset *rrset,
				  const uint8_t *rdata, uint16_t rdlen)
{
	CLEANUP(freep)
	struct edited_record *key = new_record(rrset->type, rdata, rdlen);
	struct edited_record *found = NULL;

	if (key)
		HASH_FIND(hh, rrset->records, key->key, rdlen, found);
	return found;
}

static struct edited_rrset *make_rrset(struct edited_name *owner, uint16_t type)
{
	struct edited_rrset *rrset = edited_rrset(owner, type);

	if (rrset)
		return rrset;
	rrset = calloc(1, sizeof(*rrset));
	if (!rrset)
		return NULL;
	rrset->type = type;
	DL_APPEND(owner->rrsets, rrset);
	return rrset;
}

int edited_put(struct edited_name *owner, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t rdlen,
	       const struct rr_measure *measure)
{
	CLEANUP(freep) struct edited_record *new = NULL;
	struct edited_rrset *rrset = make_rrset(owner, type);
	struct edited_record *record;

	new = new_record(type, rdata, rdlen);
	if (!rrset || !new)
		return -ENOMEM;
	rrset->ttl = ttl;
	HASH_FIND(hh, rrset->records, new->key, rdlen, record);
	if (record) {
		record->ttl = ttl;
		return 0;
	}
	record = steal(&new);
	record->ttl = ttl;
	record->is_measured = measure;
	if (measure)
		record->measure = *measure;
	HASH_ADD_KEYPTR(hh, rrset->records, record->key, rdlen, record);
	return 0;
}

void edited_take(struct edited_name *owner, struct edited_rrset *rrset,
		 struct edited_record *record)
{
	HASH_DEL(rrset->records, record);
	free(record);
	if (!rrset->records)
		free_rrset(owner, rrset);
	owner->has_changed = true;
}

void edited_take_rrset(struct edited_name *owner, struct edited_rrset *rrset)
{
	free_rrset(owner, rrset);
	owner->has_changed = true;
}

static int read_owner(struct edited_name *owner, struct rrsets rrsets)
{
	struct rrset rrset;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && rrsets_next(rrsets, &offset, &rrset)) {
		struct rrset_rr rr;
		size_t at = 0;

		while (r == 0 && rrset_next(&rrset, &at, &rr))
			r = edited_put(owner, rrset.type,
				       get_u32(rr.wire + RR_HEAD_TTL), rr.rdata,
				       rr.rdlen, NULL);
	}
	return r;
}

int edited_name(struct edited_names *owners, const struct name *name,
		struct edited_name **out)
{
	struct rrsets rrsets = {0};
	struct edited_name *owner;
	int r = 0;

	HASH_FIND(hh, owners->all, name->wire, name->len, owner);
	*out = owner;
	if (owner)
		return 0;
	if (owners->tables)
		r = table_get_owner(owners->tables, owners->txn, owners->table,
				    name, &rrsets);
	if (r < 0 && r != -ENOENT)
		return r;
	owner = calloc(1, sizeof(*owner));
	if (!owner)
		return -ENOMEM;
	owner->name = *name;
	r = read_owner(owner, rrsets);
	if (r < 0) {
		free_owner(owner);
		return r;
	}
	HASH_ADD_KEYPTR(hh, owners->all, owner->name.wire, owner->name.len,
			owner);
	*out = owner;
	return 0;
}

static int add_record(const struct edited_rrset *rrset,
		      const struct edited_record *record, struct rr *rr,
		      struct change *out)
{
	int r = 0;

	rr->type = rrset->type;
	rr->ttl = rrset->type == RR_RRSIG ? record->ttl : rrset->ttl;
	rr->rdata = record->rdata;
	rr->rdlen = record->rdlen;
	rr->measure = record->measure;
	if (!record->is_measured)
		r = rr_measure(rr->type, rr->rdata, rr->rdlen, &rr->measure);
	return r < 0 ? r : change_add(out, rr, 0);
}

/* All that the name has in the end, in place of all that it had. */
static int add_owner(const struct edited_name *owner, struct change *out)
{
	struct rr rr = {.owner = owner->name};
	struct edited_record *record, *next;
	struct edited_rrset *rrset;
	int r = change_drop(out, &owner->name);

	DL_FOREACH (owner->rrsets, rrset) {
		HASH_ITER (hh, rrset->records, record, next) {
			if (r == 0)
				r = add_record(rrset, record, &rr, out);
		}
	}
	return r;
}

int edited_change(const struct edited_names *owners, struct change *out)
{
	struct edited_name *owner, *next;
	int r = 0;

	HASH_ITER (hh, owners->all, owner, next) {
		if (r == 0 && owner->has_changed)
			r = add_owner(owner, out);
	}
	return r;
}
