/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset_same.h - which records say the same, for rrset_edit.c
 *
 * A set has a record once (RFC 2181, section 5), and domain names in RDATA
 * are the same in any case (RFC 4343). One record is looked for among all that
 * are there. That would take a write of a megabyte seconds, so more than a few
 * are sorted together with what is there, and equal ones meet.
 *
 * Pure functions; any thread may call them.
 */
#ifndef DNS_RRSET_SAME_H
#define DNS_RRSET_SAME_H

#include "dns/store/rrset.h"

/** rrset_same_has() - is there a record with this data in @rrset? */
bool rrset_same_has(const struct rrset *rrset, const struct rr *rr);

/**
 * rrset_same_find() - which of the items say what stands before them?
 * @out:   for each item, whether @old or an item before it has its data; the
 *         caller frees it
 * @old:   may be empty, but tells the type
 * @items: @count of them, 1 at least, of that type
 *
 * Return: 0, -ENOMEM.
 */
int rrset_same_find(bool **out, struct rrset old,
		    const struct change_item *const *items, size_t count);

#endif
