/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - a zone that lists the nameserver's zones: RFC 9432
 *
 * It is a zone of the table as others are, so that it is answered, transferred
 * and told of as they are; but files and UPDATE do not change it, as if it were
 * a secondary. It has a member for each zone but itself: those that are a
 * secondary too, for who takes the catalog is to have all that is here. A
 * member's label is made of the zone's name, and so is the same after the zone
 * has gone and come again.
 *
 * Who makes or removes a zone does not look at it: what has changed is looked
 * at right after, in a transaction of its own (anchors/transfer/catalog.h). So
 * it is not in the way of those who make zones, and cannot keep a zone from
 * being made.
 *
 * Threading: the writer's, but for what takes a snapshot.
 */
#ifndef DNS_CATALOG_H
#define DNS_CATALOG_H

#include "dns/store/home.h"

/**
 * catalog_update() - have it list what there is
 * @apex: only this zone has come or gone; NULL: look at all, and at whether
 *        there is to be a catalog, and by which name
 *
 * All takes some microseconds a zone. Return: 0; EBUSY: there is a zone of
 * that name that is not one; as table_apply(), each with @why; -errno.
 */
int catalog_update(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   uint32_t table, const struct name *apex, int64_t now_ns,
		   struct refusal *why);

/** catalog_may_be() - is there no zone in the way of a catalog of that name?
 * 0; EBUSY with @why; -errno */
int catalog_may_be(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   uint32_t table, const struct name *catalog,
		   struct refusal *why);

/** catalog_is_behind() - does it not say of that zone whether it is there? In
 * a snapshot; false without a catalog */
bool catalog_is_behind(struct snapshot *snapshot, uint32_t home, uint32_t table,
		       const struct name *apex);

#endif
