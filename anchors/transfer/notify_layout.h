/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify_layout.h - what the files of notify.h share
 *
 * notify_changes.c keeps what the writer says, and notify.c looks at it;
 * notify_zones.c has zones with their peers and serials; notify_peer.c tells
 * one of them, and sees that it has it.
 *
 * Threading: the main loop, but for what is under the mutex.
 */
#ifndef ANCHORS_TRANSFER_NOTIFY_LAYOUT_H
#define ANCHORS_TRANSFER_NOTIFY_LAYOUT_H

#include "anchors/transfer/due.h"
#include "anchors/transfer/looks.h"
#include "anchors/transfer/notify.h"
#include "dns/text/list_line.h"

#define NOTIFY_REASON_SIZE 128

/* A zone with peers. */
struct notify_zone {
	UT_hash_handle hh; /* in notifier->zones, by key */
	uint64_t server;
	struct name apex;
	uint32_t serial;
	struct notify_peer *peers; /* utlist */
	uint8_t key[PEER_KEY_SIZE];
	size_t key_len;
};

enum notify_step {
	NOTIFY_TELL,  /* send a NOTIFY next */
	NOTIFY_CHECK, /* ask for its SOA next */
	NOTIFY_DONE,  /* it has our serial */
};

struct notify_peer {
	struct notify_peer *prev, *next; /* utlist: of the zone */
	struct notifier *notifier;
	struct notify_zone *zone;
	struct address address;
	bool has_key;
	struct name key;
	bool is_listed; /* a line names it: set while the lists are read */

	enum notify_step step;
	struct due due;	     /* when it goes on, while it waits for that */
	struct asked *asked; /* it waits for an answer */
	bool is_plain;	     /* what is signed, it refuses */
	bool was_told;	     /* of this serial */
	bool was_plain;	     /* the last message was not signed */
	unsigned tries;	     /* of the step, since it last went well */
	int64_t since_ns;
	char reason[NOTIFY_REASON_SIZE];
};

/* A zone of which the writer has said that it changed. */
struct notify_change {
	struct notify_change *next;
	size_t txn_id;
	uint32_t home;
	struct name apex;
};

struct notifier {
	struct host *host;
	struct querier *querier; /* borrowed */
	uv_async_t wake;
	uv_timer_t gather;
	uv_timer_t due_timer;
	unsigned handles;
	struct notify_zone *zones; /* uthash */
	struct dues dues;	   /* struct notify_peer */
	size_t peers;		   /* of all zones */
	struct notify_figures figures;
	uint64_t wait_ms;   /* for a commit that is on its way */
	struct look *looks; /* nameservers to be looked at */

	uv_mutex_t mutex; /* protects what follows */
	struct notify_change *changes;
	unsigned count;
	bool too_many; /* so that all are to be looked at */
};

/* ---- notify_changes.c ---- */

/** notify_take_changes() - all that there are; utlist, the caller's
 * @too_many: is set: there were others, which nobody has counted
 */
struct notify_change *notify_take_changes(struct notifier *notifier,
					  bool *too_many);

/** notify_put_back() - it is to be looked at later */
void notify_put_back(struct notifier *notifier, struct notify_change *change);

/* ---- notify_zones.c ---- */

/** notify_find_zone() - NULL: nobody is told of it */
struct notify_zone *notify_find_zone(const struct notifier *notifier,
				     uint64_t server, const struct name *apex);

/** notify_drop_zone() - nobody is any more */
void notify_drop_zone(struct notifier *notifier, struct notify_zone *zone);

/* ---- notify_peer.c ---- */

/** notify_peer_begin() - the zone has another serial, or the peer is new */
void notify_peer_begin(struct notify_peer *peer, enum notify_step step);

/** notify_peer_free() - and forget what is under way; it is in no list */
void notify_peer_free(struct notify_peer *peer);

/** notify_peers_due() - go on with those whose time has come */
void notify_peers_due(struct notifier *notifier);

#endif
