/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfers.h - figures of what is asked of other nameservers, for `metrics`
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_TRANSFERS_H
#define ANCHORS_TRANSFER_TRANSFERS_H

#include <stdint.h>

struct secondary_figures {
	uint64_t zones;	     /* fetched whole */
	uint64_t increments; /* by their differences */
	uint64_t failed;     /* transfers that came to nothing */
	uint64_t secondary;  /* zones that have primaries, now */
	uint64_t dark;	     /* those of them that are SERVFAIL */
};

struct notify_figures {
	uint64_t sent;	 /* NOTIFYs, each try counted */
	uint64_t taken;	 /* answered as they should be */
	uint64_t failed; /* not answered, or refused */
};

#endif
