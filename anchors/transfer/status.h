/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - what `status` shows of a nameserver's zones, and of those that
 * they are transferred to and from
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_STATUS_H
#define ANCHORS_TRANSFER_STATUS_H

#include "anchors/host.h"

/* How far a walk through all zones has come. All zero: it begins. */
struct transfer_walk {
	bool is_behind; /* behind that zone, which may be gone by now: */
	struct name apex;
};

/**
 * transfer_status() - append a line of a zone and one for each peer of it
 *
 * Return: 0; -ENODEV, -ENOMEM, -EIO.
 */
int transfer_status(const struct host *host, const struct anchor *anchor,
		    const struct name *apex, struct buffer *out);

/**
 * transfer_status_next() - the same of the next zone, in DNS order
 *
 * Return: 0; -ENOENT: that was the last one; -ENODEV, -ENOMEM, -EIO.
 */
int transfer_status_next(const struct host *host, const struct anchor *anchor,
			 struct transfer_walk *walk, struct buffer *out);

#endif
