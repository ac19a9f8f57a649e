/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secondary.h - zones whose records are a primary's: RFC 1034, section 4.3.5
 *
 * Each is asked for by its SOA when its refresh time is over, or a NOTIFY says
 * so (RFC 1996); where the primary has a serial that is ahead of ours it is
 * transferred, by differences if that goes, else whole. Primaries are tried in
 * the order of their lines. What fails is tried again after the SOA's retry
 * time, or, as long as nothing has come, after 1, 2, 4 ... 60 seconds. Refresh
 * and retry are SECONDARY_LEAST_S at least. When its expire time is over since
 * a primary has last said that it is the newest, the zone is dark: SERVFAIL,
 * and whatever serial a primary has then is taken.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_SECONDARY_H
#define ANCHORS_TRANSFER_SECONDARY_H

#include "anchors/host.h"
#include "anchors/transfer/peer.h"
#include "anchors/transfer/querier.h"
#include "anchors/transfer/transfers.h"
#include "dns/answer/errand.h"

#define SECONDARY_LEAST_S 10
/* Transfers that are under way at once; the others wait. */
#define SECONDARY_FETCHES      16
#define SECONDARY_FETCHES_EACH 4 /* from one primary */
/* A NOTIFY that brought nothing new is followed by the next one after that. */
#define SECONDARY_NOTIFY_MS 1000

struct secondaries;

/** secondaries_new() - @querier is borrowed: 0, -ENOMEM */
int secondaries_new(struct secondaries **out, struct host *host,
		    struct querier *querier);

/** secondaries_free() - run the loop once more after */
struct secondaries *secondaries_free(struct secondaries *secondaries);

/** secondaries_start() - look at all nameservers; once */
void secondaries_start(struct secondaries *secondaries);

/** secondaries_look() - the primaries of a zone, or keys, may be others */
void secondaries_look(struct secondaries *secondaries, struct anchor *anchor,
		      const struct name *apex);

/** secondaries_gone() - a nameserver is no more */
void secondaries_gone(struct secondaries *secondaries, uint64_t server);

/** secondaries_notified() - by a NOTIFY that was admitted */
void secondaries_notified(struct secondaries *secondaries,
			  const struct errand *errand);

/** secondaries_figures() - so far, and now */
void secondaries_figures(const struct secondaries *secondaries,
			 struct secondary_figures *out);

/** secondaries_each() - the primaries of a zone, in order */
int secondaries_each(const struct secondaries *secondaries, uint64_t server,
		     const struct name *apex, peer_each *each, void *arg);

#endif
