/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remount.h - new options for a mount that is there
 *
 * mount -o remount, and what reloads a line of fstab, call the program as they
 * do to mount: so it finds the mount of a daemon that runs, and has the kernel
 * change what the kernel keeps. All else is the daemon's own and is read once,
 * at its start.
 */
#ifndef FS_REMOUNT_H
#define FS_REMOUNT_H

#include "fs/daemon/options.h"

/**
 * remount() - apply what can be changed, and say what is left
 * Return: 0; -errno, and the reason was logged.
 */
int remount(const struct options *options);

#endif
