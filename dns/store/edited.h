/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edited.h - names on their way through many small edits
 *
 * An UPDATE and an IXFR are lists of records that come and go, each on what
 * those before it have left; they may have thousands for one name that has as
 * many. So a name is read from the transaction when it is first looked at, and
 * from then on its copy is asked and changed, by hash. In the end what has
 * changed is one struct change, which table_apply() judges and makes.
 *
 * Threading: the transaction's.
 */
#ifndef DNS_EDITED_H
#define DNS_EDITED_H

#include <uthash.h>

#include "dns/store/table.h"

struct edited_record {
	UT_hash_handle hh; /* in its RRset, by key: in the order they came */
	uint32_t ttl;
	bool is_measured;
	struct rr_measure measure;
	uint16_t rdlen;
	const uint8_t *rdata; /* borrowed */
	uint8_t key[];	      /* the same, names in lower case */
};

struct edited_rrset {
	struct edited_rrset *prev, *next; /* utlist */
	uint16_t type;
	uint32_t ttl;		       /* of all but RRSIGs */
	struct edited_record *records; /* uthash */
};

struct edited_name {
	UT_hash_handle hh; /* in owners, by name */
	struct name name;
	struct edited_rrset *rrsets; /* utlist */
	bool has_changed;
};

/* All names that were looked at. */
struct edited_names {
	const struct tables *tables; /* NULL: each begins with nothing */
	MDB_txn *txn;		     /* that does not write meanwhile */
	uint32_t table;
	struct edited_name *all; /* uthash */
};

void edited_deinit(struct edited_names *owners);

/** edited_name() - what a name has by now: 0, -ENOMEM, -errno */
int edited_name(struct edited_names *owners, const struct name *name,
		struct edited_name **out);

/** edited_rrset() - of one type; NULL: there is none */
struct edited_rrset *edited_rrset(const struct edited_name *owner,
				  uint16_t type);

/** edited_find() - a record with that data; NULL: there is none; or no memory
 */
struct edited_record *edited_find(const struct edited_rrset *rrset,
				  const uint8_t *rdata, uint16_t rdlen);

/** edited_put() - add a record, or give one that is there the TTL, its names in
 * the case that they have: 0, -ENOMEM */
int edited_put(struct edited_name *owner, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t rdlen,
	       const struct rr_measure *measure);

/** edited_take() - remove a record; its RRset too, if it was the last one */
void edited_take(struct edited_name *owner, struct edited_rrset *rrset,
		 struct edited_record *record);

/** edited_take_rrset() - remove all of a type */
void edited_take_rrset(struct edited_name *owner, struct edited_rrset *rrset);

/** edited_change() - what has changed, as a change: 0, -ENOMEM */
int edited_change(const struct edited_names *owners, struct change *out);

#endif
