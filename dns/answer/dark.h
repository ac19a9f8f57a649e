/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dark.h - zones that are held here, with nothing to answer from
 *
 * A secondary zone whose records have not come yet, or that has expired (RFC
 * 1034, section 4.3.5), is dark: its names get SERVFAIL, until one comes to a
 * zone nested in it. Few nameservers ever have one, and struct home counts
 * them, so that nobody else looks.
 *
 * Threading: as the snapshot.
 */
#ifndef DNS_DARK_H
#define DNS_DARK_H

#include "dns/store/home.h"

/**
 * dark_covers() - is the zone that a name is in a dark one?
 * @is_above: of the name's own zone, if it is an apex, look at the one above
 *
 * Bounded: two looks at the store for each label. Return: 1: it is; 0; -EIO.
 */
int dark_covers(struct snapshot *snapshot, const struct served *served,
		const struct name *name, bool is_above);

#endif
