/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - the owner's side: another host's kernel looks at this tree
 *
 * A guest is one requester. What it sends is not trusted: each request is
 * checked (request.h), its nodes and open files are looked up in tables of the
 * guest's own, rights are judged as its kernel would, and then it goes into a
 * view of the guest's (view.h) like a request of this machine's kernel. The
 * response goes back with the guest's numbers in place of addresses.
 *
 * Before anything is executed it is asked whether the guest was heard within
 * GUEST_GONE_MS, and whether this host itself was: a daemon that was frozen
 * must not do what its askers were told was not done. The writer asks it once
 * more of what it begins: lease.h.
 *
 * Files of it: guest.c the session, guest_slots.c each call once, guest_nodes.c
 * the numbers, guest_rights.c who may what.
 *
 * Threading: the main loop, but for guest_session_is_over().
 */
#ifndef FS_FLEET_GUEST_H
#define FS_FLEET_GUEST_H

#include "fs/fleet/wire.h"

#define GUEST_GONE_MS 4000
/*
 * Octets of an answer's body that are kept, for who asks again. A read of more
 * is done again. What cannot be read again, or gives nodes, is read in pieces
 * of so much: a log and a directory. Of a directory a piece is GUEST_LISTING,
 * as long as those that are kept of one guest are not more than
 * GUEST_LISTINGS_MAX.
 */
#define GUEST_ANSWER_KEPT  4096
#define GUEST_LISTING	   ((size_t)64 * 1024)
#define GUEST_LISTINGS_MAX ((size_t)256 * 1024)
#define GUESTS_MAX	   20000
/* Nodes that all guests hold, about 300 octets each; one has half of it at
 * most, and past that finds nothing: ENOMEM. */
#define GUEST_NODES_MAX ((uint64_t)4 << 20)

struct fleet;
struct guest;

/** guest_message() - a message from c.rpc.ME.@from; it makes the guest if need
 * be
 */
bool guest_message(struct fleet *fleet, const char *from,
		   const struct wire_head *head, void *body, size_t len);

/** guests_tick() - ten times a second: who is gone? */
void guests_tick(struct fleet *fleet);

/** guest_heard() - a beat of that host; nothing if it is no guest */
void guest_heard(struct fleet *fleet, const char *from, uint64_t incarnation);

/** guest_gone() - it has said good-bye */
void guest_gone(struct fleet *fleet, const char *from);

/** guests_end() - the daemon stops: all sessions are over; @ended once */
void guests_end(struct fleet *fleet, void (*ended)(void *arg), void *arg);

/* What is to be told of them. */
struct guest_figures {
	size_t guests;
	uint64_t nodes, handles; /* that they hold now */
	uint64_t calls;		 /* executed */
	uint64_t repeated;	 /* sent again, and not done twice */
	uint64_t refused; /* for a reason of the wire: it ended a session */
	uint64_t denied;  /* rights */
	uint64_t sessions_ended;
};
void guests_figures(const struct fleet *fleet, struct guest_figures *out);

#endif
