/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - `transfer/catalog`: when the zone that lists zones is looked at
 *
 * Whoever makes, removes or replaces zones says so as for NOTIFY, and then the
 * writer has the catalog list what there is (dns/store/catalog.h): some
 * milliseconds later. A daemon that ends in between does it when it starts.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_CATALOG_H
#define ANCHORS_TRANSFER_CATALOG_H

#include "anchors/host.h"
#include "dns/store/home.h"

/** catalog_look() - at all zones of a nameserver, if it has a catalog or has to
 * have one */
void catalog_look(struct anchor *anchor);

/** catalog_look_at() - the same, in the host's snapshot, which has begun */
void catalog_look_at(struct anchor *anchor, const struct served *served);

/**
 * catalog_zone_changed() - a zone may have come or gone
 *
 * In the host's snapshot, which has begun.
 */
void catalog_zone_changed(struct anchor *anchor, const struct served *served,
			  const struct name *apex);

#endif
