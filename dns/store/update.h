/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.h - dynamic updates: RFC 2136
 *
 * An UPDATE is read whole, then judged and done in the writer's transaction:
 * prerequisites (section 3.2), then the changes one after the other (section
 * 3.4.2), each on what those before it have left. What the RFC says to ignore
 * is ignored in silence; what it says to refuse leaves everything as it was.
 * These rules differ from those of files (rrset_edit.c), and stand here alone.
 * What comes of them is one struct change, that table_apply() makes.
 *
 * A name that is at or below the apex of a zone nested in this one is not in
 * this one (NOTZONE), but for the DS at that apex.
 *
 * Threading: update_parse() on any thread; the rest on the writer's.
 */
#ifndef DNS_UPDATE_H
#define DNS_UPDATE_H

#include "dns/store/table.h"
#include "dns/text/rr_wire.h"

struct update;

/* May they change that RRset? @type 0: all of the name's. */
typedef bool update_may(void *arg, const struct name *name, uint16_t type);

/**
 * update_parse() - read a request
 * @message: @len octets without a TSIG, whose zone section is @zone
 * @may:     asked of each change
 *
 * What speaks against a change is told only once the prerequisites are true
 * (section 3.3 and 3.4.1): by update_run().
 *
 * Return: 0; -EBADMSG: FORMERR, with @why; -ENOMEM.
 */
int update_parse(struct update **out, const uint8_t *message, size_t len,
		 const struct name *zone, update_may *may, void *arg,
		 struct refusal *why);
struct update *update_free(struct update *update); /* NULL is fine */
void update_freep(struct update **update);

/**
 * update_run() - judge it, and do it
 * @done:  is set to what has changed, for the caller to free; nothing, unless
 *         @rcode is NOERROR
 * @rcode: is set: what to answer, if this returns 0
 * @why:   of a refusal, the reason
 *
 * Return: 0, with nothing done unless @rcode is NOERROR; -errno: the
 * transaction is lost, or there is no memory.
 */
int update_run(const struct update *update, const struct tables *tables,
	       MDB_txn *txn, uint32_t table, int64_t now_ns,
	       struct change *done, enum rcode *rcode, struct refusal *why);

#endif
