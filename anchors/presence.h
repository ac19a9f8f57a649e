/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence.h - which nameservers' addresses the machine has
 *
 * An address that is taken from the machine leaves the sockets that are bound
 * to it as they are: nothing tells them, no query reaches them, and when the
 * address is back so are the queries. So nothing is closed here. What changes
 * is what is told: in `error`, in the log, and by server_is_absent().
 *
 * The kernel says on a netlink socket that some address has changed.
 * What it says is not read: when it has said anything, or more than there was
 * room for, every nameserver's address is looked at again, PRESENCE_SLICE at a
 * time between other work, and never more often than PRESENCE_QUIET_MS.
 *
 * Threading: the main loop only, but for presence_open().
 */
#ifndef ANCHORS_PRESENCE_H
#define ANCHORS_PRESENCE_H

#include "anchors/host.h"

#define PRESENCE_QUIET_MS 100
#define PRESENCE_SLICE	  100 /* addresses looked at in one turn */

struct presence;

/**
 * presence_open() - the socket that tells; a filter of system calls may forbid
 * it later
 *
 * Return: a descriptor that does not block; -errno.
 */
int presence_open(void);

/**
 * presence_new() - begin to watch
 * @fd: presence_open()'s; borrowed until the loop is empty again
 *
 * Return: 0; -errno.
 */
int presence_new(struct presence **out, struct host *host, int fd);

/** presence_free() - its handles are closed: run the loop until it is empty */
struct presence *presence_free(struct presence *presence);

#endif
