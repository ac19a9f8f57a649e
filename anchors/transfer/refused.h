/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused.h - why a request for a transfer, NOTIFY or UPDATE was refused
 *
 * Its sender sees an rcode, which says little; `error` has the reason. Workers
 * tell only of who is known by a key, or is on this machine: strangers fill
 * nobody's `error`.
 *
 * Threading: the main loop's.
 */
#ifndef ANCHORS_REFUSED_H
#define ANCHORS_REFUSED_H

#include "anchors/host.h"
#include "dns/answer/errand.h"

/** refused_tell() - of an ERRAND_TELL: a line in the nameserver's `error` */
void refused_tell(struct host *host, const struct errand *errand);

#endif
