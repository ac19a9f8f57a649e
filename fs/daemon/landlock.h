/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.h - the files that the daemon may reach
 *
 * It has its sockets and its state directory, and reads little else. Where the
 * kernel has Landlock, it can do no more than that: no other file is opened,
 * made, removed or cut, whatever the modes say, no process is looked into that
 * has other rights, and none is signalled (Linux 6.12). What is open stays
 * open.
 *
 * Kernels before 5.13 have none, and others are started without. There, and in
 * builds with sanitizers, which write reports, the rest of rights.h must do.
 */
#ifndef FS_LANDLOCK_H
#define FS_LANDLOCK_H

#include <stdbool.h>

/**
 * landlock_confine() - to @state, for this thread and those it will start
 * @has_fleet: and to read what resolving names takes, and believing in servers
 * @state: a directory, which is there by now: what cannot be opened is not
 *         reached later either, and the store will say so
 *
 * After rights_no_more(), before filter_load(). Return: 0, also where there is
 * no Landlock; -errno.
 */
int landlock_confine(const char *state, bool has_fleet);

#endif
