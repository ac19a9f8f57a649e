/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.h - dynamic updates, from a worker to the writer and back
 *
 * A worker has judged who asks (errand.h). Here the request is read, done in a
 * task like any other change (dns/store/update.h has the rules), and answered
 * when it is on disk.
 *
 * Who hears nothing sends the same octets again, and would then be told that
 * its prerequisites are not true any more. So for UPDATE_REMEMBERED_S the
 * answer is remembered, and while the first is under way the second is dropped.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_UPDATE_H
#define ANCHORS_TRANSFER_UPDATE_H

#include "anchors/host.h"
#include "dns/serve/inbox.h"

#define UPDATE_REMEMBERED_S 30
#define UPDATES_REMEMBERED  4096

struct updates;

int updates_new(struct updates **out, struct host *host);
struct updates *updates_free(struct updates *updates);

/** update_asked() - do it, and answer; takes the request */
void update_asked(struct updates *updates, struct inbox_request *request);

#endif
