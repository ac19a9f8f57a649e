/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.h - the requester's side: this machine's kernel looks at another tree
 *
 * A remote is one owner. Requests for its nodes are taken before libfuse sees
 * them, wait for a slot and for what must come before them, and travel. Each is
 * answered to the kernel exactly once: with the owner's response, or with
 * EHOSTDOWN when the owner is not heard any more, or with EINTR when the caller
 * has been killed and the owner does not say so soon.
 *
 * Nodes and open files of others have numbers of this mount's own, which are
 * never used twice; the highest bit tells them from those of this host, which
 * are addresses.
 *
 * Files of it: see remote_layout.h.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_REMOTE_H
#define FS_FLEET_REMOTE_H

#include "fs/fleet/wire.h"

/* The owner was not heard for so long: EHOSTDOWN. */
#define REMOTE_GONE_MS 5000
/* It beats, but has said nothing to what it was asked: the same. Whoever serves
 * says within a second what he knows of a call, however long that takes. */
#define REMOTE_MUTE_MS 30000
/* Nobody has answered to its name for so long: the same. */
#define REMOTE_ABSENT_MS 2600
/* Where calls are on their way and nothing is heard, it is asked whether there
 * is somebody: that adds to it. */
#define REMOTE_SILENT_MS 300
/* A call that waits for its answer is asked after, each so often. */
#define REMOTE_PROBE_MS 1000
/* A killed caller waits for the owner's word for so long. */
#define REMOTE_INTERRUPT_MS 800
/* Calls that wait for a slot, of one owner and one user. */
#define REMOTE_WAITING_MAX 1024

#define REMOTE_NODE_BIT ((uint64_t)1 << 63)

struct fleet;
struct fuse_buf;
struct remote;
struct session;

/**
 * remote_takes() - a request of this machine's kernel, before all else
 * @request: forgets of others' nodes are taken out of it
 *
 * Also where there is no fleet, or none any more: then what is for another host
 * is answered EHOSTDOWN.
 * Return: true: it is for another host, or for none and is answered; it is
 * answered later or was already. false: it is this host's.
 */
bool remote_takes(struct session *session, const struct fuse_buf *request);

/** remote_message() - a message from c.in.ME.@from, but for beats
 *
 * Return: whether it is the answer to a call that waits for it, or its next
 * part.
 */
bool remote_message(struct fleet *fleet, const char *from,
		    const struct wire_head *head, void *body, size_t len);

/** remote_nobody() - nobody listens to c.rpc.@name */
void remote_nobody(struct fleet *fleet, const char *name);

/** remote_heard() - a beat of that host's */
void remote_heard(struct fleet *fleet, const char *name, uint64_t incarnation);

/** remote_gone() - it has said good-bye */
void remote_gone(struct fleet *fleet, const char *name);

/** remotes_changed() - the bus has come up or gone down */
void remotes_changed(struct fleet *fleet, bool up);

/** remotes_tick() - ten times a second */
void remotes_tick(struct fleet *fleet);

/** remotes_closing() - does a close that has returned still do something at its
 * owner, as clear what was there?
 */
bool remotes_closing(const struct fleet *fleet);

/** remotes_end() - the daemon stops: all that wait are answered EHOSTDOWN, all
 * sessions are closed, and what is left is freed
 */
void remotes_end(struct fleet *fleet);

/* What is to be told of them. */
struct remote_figures {
	size_t remotes;
	uint64_t nodes, handles;
	uint64_t calls, answered, host_down, interrupted;
	uint64_t resent; /* calls that were sent again */
	size_t pending;
};
void remotes_figures(const struct fleet *fleet, struct remote_figures *out);

/** remote_round_trip_ns() - of the last call to that host; 0: none yet */
uint64_t remote_round_trip_ns(const struct fleet *fleet, const char *name);

#endif
