/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn.h - TCP clients take turns, behind what came over UDP
 *
 * A read of a few thousand octets can hold hundreds of queries, and a client
 * may always have sent the next ones by the time that they are answered. So
 * who can be read from, or sent to, is queued for a turn: one read, a number
 * of answers and of octets, one write. Turns are taken when the loop has
 * polled, and all of them together have a slice of a fraction of a
 * millisecond, and the answer that goes over it. Who has queries left goes to
 * the end of the queue, and is read from no further. While somebody is left in
 * it, the loop polls without waiting; when nobody is, nothing runs.
 *
 * Threading: as connection.h.
 */
#ifndef DNS_TURN_H
#define DNS_TURN_H

#include "dns/serve/connection_layout.h"

/** turns_init() - with the loop set; turns_stop() closes what is in it */
void turns_init(struct connections *set);
void turns_stop(struct connections *set);

/** turn_await() - of a new connection: it has a turn when there is something
 * to read */
void turn_await(struct connection *connection);

/** turn_end() - close it in its turn: to close a thousand takes long as well */
void turn_end(struct connection *connection);

/** turn_leave() - it has no turn any more */
void turn_leave(struct connection *connection);

#endif
