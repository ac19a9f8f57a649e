/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figures.h - what `metrics` tells of other hosts
 *
 * Noted on the main loop, and written on any thread.
 */
#ifndef FS_FLEET_FIGURES_H
#define FS_FLEET_FIGURES_H

#include "dns/wire/buffer.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/remote.h"

struct figures {
	bool any; /* false: a host alone, of which nothing is told */
	bool serves;
	size_t peers; /* that are known and can be used */
	uint64_t malformed;
	struct bus_figures bus;
	struct guest_figures guests;
	struct remote_figures remotes;
	struct histogram calls;
};

/** figures_note() - @fleet: NULL: a host alone */
void figures_note(struct fleet *fleet, struct figures *out);

/** figures_expose() - 0, -ENOMEM */
int figures_expose(const struct figures *figures, struct buffer *out);

#endif
