/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_fleet.h - what is said of other hosts, and the files that it names
 *
 * The files are read here, as whoever has started the daemon and before the
 * rights to do so are given up. Their texts are kept: a connection that is lost
 * next month takes them again.
 *
 * Threading: the main thread, at the start, before it leaves its working
 * directory.
 */
#ifndef FS_OPTIONS_FLEET_H
#define FS_OPTIONS_FLEET_H

#include "fs/daemon/options.h"

/* Octets of a file that is named. */
#define OPTIONS_FLEET_FILE_MAX ((size_t)64 * 1024)

/**
 * options_fleet_check() - fleet=, and what goes with it; none is fine
 *
 * options->host is known by now. Return: 0; -EINVAL, and the reason was logged;
 * -ENOMEM.
 */
int options_fleet_check(struct options *options);

/** options_fleet_deinit() - and forget what is secret */
void options_fleet_deinit(struct options *options);

#endif
