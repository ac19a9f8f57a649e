/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - telling secondaries that a zone has changed: RFC 1996
 *
 * Each zone that somebody may transfer has peers: the addresses of its
 * `secondaries`, and of those for all zones, but for networks. When its serial
 * is another, changes of NOTIFY_GATHER_MS are taken together, and each peer is
 * sent a NOTIFY: signed with the line's key; or without, where only that is
 * taken, which is remembered. Of one that mkdir has made and nobody has filled
 * yet nobody is told. Then it is asked for its SOA until it has ours:
 * only that says that it has transferred the zone. What fails is tried again
 * after 1, 2, 4 ... 60 seconds.
 *
 * When the daemon starts, all are asked what they have, and told if that is
 * not ours: who was down, or we, missed nothing.
 *
 * Threading: the main loop, but for notifier_zone_changed().
 */
#ifndef ANCHORS_TRANSFER_NOTIFY_H
#define ANCHORS_TRANSFER_NOTIFY_H

#include "anchors/host.h"
#include "anchors/transfer/peer.h"
#include "anchors/transfer/querier.h"
#include "anchors/transfer/transfers.h"

#define NOTIFY_GATHER_MS 50
#define NOTIFY_REST_MS	 60000 /* between two tries at most */

struct notifier;

/** notifier_new() - @querier is borrowed: 0, -ENOMEM, -errno */
int notifier_new(struct notifier **out, struct host *host,
		 struct querier *querier);

/** notifier_free() - no writer runs any more; run the loop once more after */
struct notifier *notifier_free(struct notifier *notifier);

/** notifier_zone_changed() - struct tables' hook; @arg is the notifier; the
 * writer's thread */
void notifier_zone_changed(void *arg, size_t txn_id, uint32_t home,
			   const struct name *apex);

/** notifier_look() - look at all zones of a nameserver: who may transfer, or
 * its address, has changed; NULL: of all nameservers */
void notifier_look(struct notifier *notifier, struct anchor *anchor);

/** notifier_look_at() - look at one zone: it is dark, or not any more */
void notifier_look_at(struct notifier *notifier, uint64_t server,
		      const struct name *apex);

/** notifier_gone() - a nameserver is no more */
void notifier_gone(struct notifier *notifier, uint64_t server);

/** notifier_figures() - so far */
void notifier_figures(const struct notifier *notifier,
		      struct notify_figures *out);

/**
 * notifier_catch_up() - look at a zone now, and not a moment after its change
 * @served, @server: whose it is, in the host's snapshot, which has begun
 *
 * Who has just written a record or a list, and asks who has it all, must not
 * be told of the moment before.
 */
void notifier_catch_up(struct notifier *notifier, const struct served *served,
		       uint64_t server, const struct name *apex);

/** notifier_each() - the secondaries of a zone that are told of it */
int notifier_each(const struct notifier *notifier, uint64_t server,
		  const struct name *apex, peer_each *each, void *arg);

#endif
