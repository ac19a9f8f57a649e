/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountpoint.h - the place that is mounted on
 *
 * What is mounted there already may belong to a daemon that is dead, stopped
 * or busy. A look at a mount asks its daemon, and who waits for that one is
 * deaf even to SIGKILL: so paths are resolved without touching their last
 * part, /proc/self/mounts tells what is there, and a child takes the look.
 *
 * Threading: one thread: the daemon's before others start, or the mounter's.
 */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#include <stdbool.h>

/**
 * mountpoint_prepare() - check the mount point and /dev/fuse
 * @mountpoint: is replaced by its absolute path, without links
 *
 * A dead mount there, left by a daemon that was killed, is detached. A mount
 * that is alive is refused, also if it does not answer: the mount point itself
 * is looked at by a child only, which has two seconds.
 *
 * Return: 0; -errno, and the reason was logged.
 */
int mountpoint_prepare(char **mountpoint);

/**
 * mountpoint_find() - the circuitfs that is mounted there
 * @out: its path without links; the caller frees it
 *
 * Return: 0; -ENOTCONN: its daemon is dead; -EINVAL: none is; -errno.
 */
int mountpoint_find(const char *mountpoint, char **out);

/** mountpoint_is_free() - no FUSE mount is there, without looking at it
 *
 * @path: of mountpoint_prepare()
 */
bool mountpoint_is_free(const char *path);

/** mountpoint_detach() - unmount lazily, as whoever we are: 0, -errno */
int mountpoint_detach(const char *path);

#endif
