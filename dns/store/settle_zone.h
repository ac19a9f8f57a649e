/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle_zone.h - one zone that changes: its serial, its journal, its row
 *
 * Who finds out what changes in it (settle.c, merge.c) says so here, and is
 * told the serial that the zone is to have.
 *
 * Threading: the writer's.
 */
#ifndef DNS_SETTLE_ZONE_H
#define DNS_SETTLE_ZONE_H

#include "dns/store/delegation.h"
#include "dns/store/settle.h"

/* What is known of a nameserver and of a change of its zones. */
struct settling {
	const struct tables *tables;
	MDB_txn *txn;
	uint32_t home_id;
	struct home home;
	enum settle_by by;
	int64_t now_ns;
};

struct settle_zone {
	struct name apex;
	struct zone_row row;
	bool has_row;
	bool was, is; /* with an SOA, before and after */
	/* It has changed since it has its serial: others may have the serial
	 * and something else, so that no entry can begin there. */
	bool was_ahead;
	bool was_bare;	 /* it had an SOA, and nothing else */
	bool is_first;	 /* its first records: settle_zone_decide() */
	bool is_signed;	 /* its SOA is: RFC 4034, section 3 */
	bool changed;	 /* something of it, but for the serial of its SOA */
	bool broken;	 /* and no entry of a journal can tell how */
	uint32_t before; /* the serial, if it was */
	uint32_t wanted; /* what came, if it is; settle_zone_decide() makes */
	uint32_t serial; /* this of it */
};

/** settling_begin() - of a nameserver with a home: 0, -errno */
int settling_begin(struct settling *out, const struct tables *tables,
		   MDB_txn *txn, uint32_t home, enum settle_by by,
		   int64_t now_ns);

/** settle_zone_begin() - nothing has changed yet: 0, -errno */
int settle_zone_begin(struct settle_zone *out, const struct settling *settling,
		      const struct name *apex);

/**
 * settle_zone_soa() - look at the SOA, with what else of it is a difference
 * @before, @after: all that stands at the apex; either may have none
 *
 * Sets was, is and the serials.
 */
void settle_zone_soa(struct settle_zone *zone, struct rrsets before,
		     struct rrsets after);

/** settle_zone_counts() - what it had before, all zero where it was none */
void settle_zone_counts(struct settle_zone *zone,
			const struct zone_counts *before);

/** settle_zone_locked() - is it a secondary, and may who changes it not do so?
 */
bool settle_zone_locked(const struct settle_zone *zone,
			const struct settling *settling);

/** settle_zone_decide() - all is known: which serial? */
void settle_zone_decide(struct settle_zone *zone,
			const struct settling *settling);

/** settle_zone_touched() - is anything to be written? */
bool settle_zone_touched(const struct settle_zone *zone);

/** settle_zone_journals() - and does an entry say what it is? */
bool settle_zone_journals(const struct settle_zone *zone,
			  const struct settling *settling);

/** settle_zone_fits() - it may have a row, if it has to: 0; EDQUOT, with @why
 *
 * What is asked for one zone of a change holds for all of them.
 */
int settle_zone_fits(const struct settle_zone *zone,
		     const struct settling *settling, struct refusal *why);

/** settle_zone_row() - make sure that it has one, if it has to: 0, -errno */
int settle_zone_row(struct settle_zone *zone, const struct settling *settling);

/**
 * settle_zone_end() - write the row; tell who wants to know
 * @entry: octets of the entry that is closed; 0: the journal goes
 *
 * Return: 0; -errno.
 */
int settle_zone_end(struct settle_zone *zone, const struct settling *settling,
		    uint64_t entry);

/**
 * settle_zone_mark() - behind the change, with an SOA: is it ahead of its
 * serial, or not any more? And its journal gets its bound: 0, -errno
 */
int settle_zone_mark(struct settle_zone *zone, const struct settling *settling,
		     uint32_t table);

/** settle_zone_bound() - only the bound of its journal: 0, -errno */
int settle_zone_bound(struct settle_zone *zone, const struct settling *settling,
		      uint32_t table);

/** soa_serial() - of an SOA's RDATA */
uint32_t soa_serial(struct rrset_rr soa);

/** soa_serial_differs() - of two values of an apex, of which either may have no
 * SOA */
bool soa_serial_differs(struct rrsets a, struct rrsets b);

/** zone_set_ahead() - has it changed since its serial? zone.h: 0, -errno */
int zone_set_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		   const struct name *apex, bool is_ahead);

/** soa_replace() - the value of an apex, with another serial: 0, -ENOMEM */
int soa_replace(struct rrsets apex, uint32_t serial, struct buffer *out);

#endif
