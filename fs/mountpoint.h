/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountpoint.h - the place that is mounted on
 */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#include <stdbool.h>

/**
 * mountpoint_prepare() - check the mount point and /dev/fuse
 * @mountpoint: is replaced by its absolute path, without links
 *
 * A dead mount there, left by a daemon that was killed, is detached.
 *
 * Return: 0; -errno, and the reason was logged.
 */
int mountpoint_prepare(char **mountpoint);

/** mountpoint_is_dead() - whether a killed daemon's mount is there */
bool mountpoint_is_dead(const char *path);

/** mountpoint_is_ours() - whether a circuitfs is mounted on that path itself */
bool mountpoint_is_ours(const char *path);

/** mountpoint_detach() - unmount lazily, as whoever we are: 0, -errno */
int mountpoint_detach(const char *path);

#endif
