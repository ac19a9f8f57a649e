/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - a host's figures, as Prometheus reads them
 *
 * A page of thousands of nameservers takes longer to make than the main loop
 * may be held. So the loop, to which the tree of anchors belongs, only notes
 * what is there at one moment: the name and the address of each nameserver, a
 * reference that keeps its counters, and a snapshot of the store. The page is
 * made of that on another thread, which looks at nothing else that changes but
 * at what workers and the writer count: it is read without a lock, and costs
 * them nothing.
 */
#ifndef ANCHORS_METRICS_H
#define ANCHORS_METRICS_H

#include "anchors/host.h"

struct metrics;

/**
 * metrics_take() - note what there is; on the main loop
 *
 * One at a time: the host has one snapshot for it. Return: 0, -ENOMEM, -EIO.
 */
int metrics_take(struct metrics **out, struct host *host);

/** metrics_render() - append the page; once, on any thread: 0, -ENOMEM, -EIO */
int metrics_render(struct metrics *metrics, struct buffer *out);

/** metrics_free() - on the main loop; NULL is fine */
struct metrics *metrics_free(struct metrics *metrics);

#endif
