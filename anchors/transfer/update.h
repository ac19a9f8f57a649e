/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.h - dynamic updates, from a worker to the writer and back
 *
 * A worker has judged who asks (errand.h). Here the request is read, done in a
 * task like any other change (dns/store/update.h has the rules), and answered
 * when it is on disk.
 *
 * Who hears nothing sends the same octets again, and would then be told that
 * its prerequisites are not true any more. So the answer is remembered, and
 * while the first is under way the second is dropped. Of who did not sign that
 * is so for UPDATE_REMEMBERED_S, by UDP, from the same address and port. What
 * is signed is done once, whoever sends it again: one who has listened could
 * undo with it what came later. So it is remembered for as long as the
 * signature holds (RFC 8945, section 5.2.3), by its MAC, which nobody without
 * the key has another of; not over a restart. Of all that, the newest
 * UPDATES_REMEMBERED.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_UPDATE_H
#define ANCHORS_TRANSFER_UPDATE_H

#include "anchors/host.h"
#include "dns/serve/inbox.h"

#define UPDATE_REMEMBERED_S 30
#define UPDATES_REMEMBERED  32768

struct updates;

struct update_figures {
	uint64_t answers[RCODE_NOTZONE + 1]; /* by RCODE */
};

int updates_new(struct updates **out, struct host *host);
struct updates *updates_free(struct updates *updates);

/** update_asked() - do it, and answer; takes the request */
void update_asked(struct updates *updates, struct inbox_request *request);

/** updates_figures() - so far */
void updates_figures(const struct updates *updates, struct update_figures *out);

#endif
