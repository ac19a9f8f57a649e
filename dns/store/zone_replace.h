/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_replace.h - one zone's records become others, and no zone's but these
 *
 * Threading: the writer's. Errors: as table.h.
 */
#ifndef DNS_ZONE_REPLACE_H
#define DNS_ZONE_REPLACE_H

#include "dns/store/settle.h"
#include "dns/store/zone_take.h"
#include "dns/text/scope.h"

/* So many owners are changed at once, in some hundredths of a second; and so
 * many octets of them are kept. */
#define ZONE_CHANGES_MAX    4096
#define ZONE_CHANGES_OCTETS (1 << 20)

/* Owners that are to become others, while others come in between. */
struct zone_changes {
	struct buffer owners; /* each with its key and its new value */
	size_t count;
	bool are_many; /* more than that: nothing is kept */
};

struct zone_replace {
	uint32_t table;
	uint32_t source; /* a table with nothing but the new records */
	bool clears;	 /* there are none, and the SOA goes too */
	struct name apex;
	enum settle_by by;
	int64_t now_ns;
	/* NULL; or those that zone_compare() found, if nothing has changed. */
	const struct zone_changes *changes;
	/* Is told of each owner that becomes another; or NULL. */
	void (*touched)(void *arg, const struct name *owner);
	void *arg;
};

/**
 * zone_replace() - in one transaction, as zone_take.h says
 *
 * What differs is held in memory. From a transfer, what does not belong into
 * the zone is left out; else it is refused. Return: 0; EINVAL, EDQUOT, EROFS
 * refused, with @why; -errno.
 */
int zone_replace(const struct tables *tables, MDB_txn *txn,
		 const struct zone_replace *replace, struct refusal *why);

/**
 * zone_compare() - which owners are to become others, in slices
 * @take: as zone_fill() has it, but that it does not fill
 * @out:  all zero at first
 *
 * Return: as zone_replace(), with @left: was that not all?
 */
int zone_compare(struct zone_take *take, MDB_txn *txn, size_t max,
		 struct zone_changes *out, bool *left);
void zone_changes_deinit(struct zone_changes *changes);

/**
 * zone_fill() - let a table be what another one is with a zone replaced
 * @take: table, source: to be filled, apex, is_loose, clears and why are set,
 *        and fills; kept between slices, each of about @max owners
 *
 * Where much of a large one changes, it is the way that nobody has to wait for;
 * the source is then published. In slices; what else was changed meanwhile, it
 * is to be done again for. Return: as zone_compare().
 */
int zone_fill(struct zone_take *take, MDB_txn *txn, size_t max, int64_t now_ns,
	      bool *left);

/**
 * zone_is_large() - is it to be compared, and then filled where much changes?
 * Return: 1, 0; EROFS, with @why: it is a secondary; -errno.
 */
int zone_is_large(const struct tables *tables, MDB_txn *txn,
		  const struct zone_replace *replace, uint32_t home,
		  struct refusal *why);

/**
 * zone_filter() - what of a change a text of that zone may do
 * @out: empty; gets it. NS and addresses of nested zones are left out
 *
 * Return: 0; EINVAL with @why: a name outside, or of a nested zone; an SOA that
 * is not at the apex; there is none; -errno.
 */
int zone_filter(const struct tables *tables, MDB_txn *txn, uint32_t table,
		const struct name *apex, const struct change *change,
		struct change *out, struct refusal *why);

#endif
