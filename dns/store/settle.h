/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle.h - a change is about to be written: serials, journals, and who may
 *
 * table_apply() and what is like it know each owner's old and new value. Of a
 * nameserver with a home, what the change means for its zones is settled here,
 * in the same transaction and before it is written:
 *
 * - a zone that is a secondary takes no change but from a transfer (EROFS);
 * - a zone whose serial is counted (zone_is_counted()) gets the next one, if
 *   anything but its serial changed. An SOA that comes with a serial ahead of
 *   the last one keeps it (RFC 1982); an equal or lower one is the last one
 *   and the policy; nothing but such a serial is no change at all;
 * - one that is shared gets a journal entry;
 * - a zone above, which shows a nested zone's NS, DS and glue, changes with
 *   them; a nested apex that comes or goes drops the journal of the zone above.
 *
 * One change is one serial. There is no other place where serials are made.
 *
 * Threading: the writer's.
 */
#ifndef DNS_SETTLE_H
#define DNS_SETTLE_H

#include "dns/store/journal.h"
#include "dns/store/zone.h"

struct apply;
struct settle;

/**
 * settle_judge() - what a change that is judged means for the zones
 *
 * It sets serials in the new values, and adds an owner where only the SOA
 * changes. Nothing is written. Return: 0 with @out, NULL if there is no home;
 * EROFS, with the change's refusal; -errno.
 */
int settle_judge(struct settle **out, struct apply *apply);

/** settle_write() - journals and rows; before the owners: 0, -errno */
int settle_write(struct settle *settle);
/** settle_end() - what is known of the zones; behind them: 0, -errno */
int settle_end(struct settle *settle);

/** settle_serials() - without a home: who has given a zone a serial by the
 * change, which is behind it, has told of all that has changed: 0, -errno */
int settle_serials(const struct apply *apply);

struct settle *settle_free(struct settle *settle); /* NULL is fine */
void settle_freep(struct settle **settle);

/** settle_locked() - 0: that zone may be changed; EROFS, with @why; -errno */
int settle_locked(const struct tables *tables, MDB_txn *txn, uint32_t home,
		  const struct name *apex, enum settle_by by,
		  struct refusal *why);

/**
 * settle_ahead() - give zones that have changed since their serial the next one
 * @apex:  that zone; NULL: all of the nameserver's
 *
 * For when somebody may transfer them from now on. A zone whose serial is not
 * counted, or has not changed, stays. Of all zones the rows are looked at, some
 * tenths of a second for a million. Return: 0; -ENOENT: no such zone; -errno.
 */
int settle_ahead(const struct tables *tables, MDB_txn *txn, uint32_t table,
		 const struct name *apex, int64_t now_ns);

/**
 * settle_serial() - give a zone that serial
 * @changed: is set: it had another one
 *
 * Return: 0, also where it has it; ERANGE: it is not ahead; EROFS: it is a
 * secondary; ENOENT: there is no SOA; each with @why; -errno.
 */
int settle_serial(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  const struct name *apex, uint32_t serial, int64_t now_ns,
		  bool *changed, struct refusal *why);

#endif
