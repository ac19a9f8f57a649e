// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "fs/daemon/mountpoint.h"
#include "fs/remount.h"

/* The tree always has these. */
#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static int find(const char *mountpoint, char **out)
{
	int r = mountpoint_find(mountpoint, out);

	if (r == -ENOTCONN)
		log_line(
			LOG_ERR,
			"%s: the daemon of this mount is dead; start circuitfs "
			"there, without remount",
			mountpoint);
	else if (r < 0)
		log_line(LOG_ERR,
			 "%s: no circuitfs is mounted there; mount it without "
			 "remount",
			 mountpoint);
	return r;
}

int remount(const struct options *options)
{
	CLEANUP(freep) char *path = NULL;
	int r = find(options->mountpoint, &path);

	if (r < 0)
		return r;
	if (mount(NULL, path, NULL, MS_REMOUNT | SAFE | options->flags, NULL) <
	    0) {
		r = -errno;
		log_line(LOG_ERR, "%s: cannot remount: %s; see circuitfs(8)",
			 path, strerror(-r));
		return r;
	}
	if (options->has_more)
		log_line(LOG_NOTICE,
			 "%s: ro, rw, sync and times of access are as given; "
			 "all other options change at the next start",
			 path);
	return 0;
}
