/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_tcp.h - does the other machine take what is sent?
 *
 * An answer may come late since the question is behind much that a slow network
 * carries. So it counts that the other machine takes octets, but only while
 * more of them wait here: a few it takes also for a program that is frozen.
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_BUS_TCP_H
#define FS_FLEET_BUS_TCP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * bus_tcp_moves() - since @taken was set, and does more wait?
 * @taken: octets that the other machine has taken by now
 */
bool bus_tcp_moves(int fd, uint64_t *taken);

#endif
