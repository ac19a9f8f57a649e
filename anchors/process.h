/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - figures of this process, under the names that Prometheus's
 * client libraries give them
 *
 * Threading: any.
 */
#ifndef ANCHORS_PROCESS_H
#define ANCHORS_PROCESS_H

#include "anchors/exposition.h"

/** process_expose() - what /proc tells; without it, what there is */
void process_expose(struct exposition *to);

#endif
