/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the system calls that the daemon may make, and its mounter
 *
 * For the daemon a list of what it, libuv, LMDB, libfuse and the C library use
 * to serve, also when something fails. What is not on it is answered with
 * ENOSYS, as by a kernel that does not have it: to run a program, to start a
 * process, to trace or to signal another one, also by way of a descriptor, to
 * mount. It is not answered with a kill: a C library of next year that tries a
 * new call first goes on with the old one, and a rare path cannot be used to
 * stop every server at once.
 *
 * In builds with sanitizers there is no filter: they trace and read the
 * process by means that it is here to forbid.
 */
#ifndef FS_FILTER_H
#define FS_FILTER_H

#if defined(__has_feature)
#define FILTER_SANITIZED                                                       \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILTER_SANITIZED 1
#else
#define FILTER_SANITIZED 0
#endif

#include <stdbool.h>

/** filter_load() - the daemon's, for this thread and those it will start: 0;
 * -errno
 */
int filter_load(void);

/**
 * filter_load_mounter() - for root's mounter: to mount, and to detach
 * @has_mounted: only to detach. It comes on top of the one before.
 *
 * A mount must be nosuid, nodev and noexec. Without root's rights there can be
 * none: it takes no_new_privs, and fusermount3 is setuid. Return: 0; -errno.
 */
int filter_load_mounter(bool has_mounted);

#endif
