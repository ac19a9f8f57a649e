/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - a host's figures, as Prometheus reads them
 *
 * Threading: the main loop only. What workers and the writer count is read
 * without a lock and costs them nothing.
 */
#ifndef ANCHORS_METRICS_H
#define ANCHORS_METRICS_H

#include "anchors/host.h"

/** metrics_render() - append the page: 0, -ENOMEM, -EIO */
int metrics_render(struct host *host, struct buffer *out);

#endif
