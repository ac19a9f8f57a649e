/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_nats_connect.h - connect by nats.c, in time
 *
 * To resolve a name takes as long as the resolver likes, and nats.c waits for
 * ever for the rest of a handshake of TLS. So an attempt has a thread; when its
 * time is over it is left behind, and closes what it may still get. A few of
 * them may hang at once, and beyond that no more are made.
 *
 * Threading: any thread. It waits.
 */
#ifndef FS_FLEET_BUS_NATS_CONNECT_H
#define FS_FLEET_BUS_NATS_CONNECT_H

#include <nats/nats.h>

#include "fs/fleet/bus_nats_socket.h"
#include "fs/fleet/line.h"

/* Attempts that hang. */
#define BUS_NATS_ATTEMPTS_MAX 8

/**
 * bus_nats_connect() - a connection as bus_nats.c wants it
 * @nats, @socket: set on success; the socket is to be adopted
 *
 * Return and @why: as connect() of line.h; -ENOMEM, -EAGAIN, too.
 */
int bus_nats_connect(const struct line_options *options,
		     const struct bus_url *url, unsigned within_ms,
		     natsConnection **nats, struct bus_socket **socket,
		     char why[LINE_WHY_SIZE]);

/** bus_nats_begin() - before all else */
void bus_nats_begin(void);

/** bus_nats_attempts() - that hang, of the whole process */
unsigned bus_nats_attempts(void);

#endif
