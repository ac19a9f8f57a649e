// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/mountpoint.h"

extern char **environ;

/* Without root's rights the setuid helper does it. */
int mountpoint_detach(const char *path)
{
	char *const argv[] = {(char *)"fusermount3", (char *)"-u", (char *)"-z",
			      (char *)"--",	     (char *)path, NULL};
	pid_t pid;
	int status;

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return -EPERM;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* The path without links, of a place that cannot be looked at itself. */
static char *resolve_dead(const char *path)
{
	CLEANUP(freep) char *copy = strdup(path), *parent = NULL;
	char *out = NULL, *slash;
	size_t len = copy ? strlen(copy) : 0;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = 0;
	slash = copy ? strrchr(copy, '/') : NULL;
	if (!slash)
		parent = realpath(".", NULL);
	else if (slash == copy)
		parent = strdup("");
	else {
		*slash = 0;
		parent = realpath(copy, NULL);
	}
	if (!parent ||
	    asprintf(&out, "%s/%s", parent, slash ? slash + 1 : copy) < 0)
		return NULL;
	return out;
}

static int detach_dead(const char *path)
{
	CLEANUP(freep) char *dead = resolve_dead(path);
	int r = dead ? mountpoint_detach(dead) : -ENOMEM;

	if (r < 0)
		log_line(LOG_ERR,
			 "%s: a dead mount is there, and cannot be detached: "
			 "%s; try umount -l",
			 path, strerror(-r));
	else
		log_line(LOG_NOTICE, "%s: detached the dead mount there", path);
	return r;
}

bool mountpoint_is_ours(const char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	bool found = false;

	while (mounts && (mount = getmntent(mounts)))
		found |= !strcmp(mount->mnt_dir, path) &&
			 !strcmp(mount->mnt_type, "fuse.circuitfs");
	if (mounts)
		endmntent(mounts);
	return found;
}

static int check_device(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), error = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	log_line(LOG_ERR,
		 "/dev/fuse: %s; the kernel's fuse module is needed, and the "
		 "right to use it",
		 strerror(error));
	return -error;
}

/* stat() would not tell: the kernel remembers what the daemon told it. */
bool mountpoint_is_dead(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool dead = fd < 0 && errno == ENOTCONN;

	if (fd >= 0)
		close(fd);
	return dead;
}

int mountpoint_prepare(char **mountpoint)
{
	struct stat st;
	char *path;
	int r = 0;

	if (mountpoint_is_dead(*mountpoint))
		r = detach_dead(*mountpoint);
	if (r < 0)
		return r;
	if (stat(*mountpoint, &st) < 0)
		r = -errno;
	if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	path = r == 0 ? realpath(*mountpoint, NULL) : NULL;
	if (r == 0 && !path)
		r = -errno;
	if (r < 0) {
		log_line(LOG_ERR, "mount point %s: %s; %s", *mountpoint,
			 strerror(-r),
			 r == -ENOENT ? "mkdir it first"
				      : "give a directory that you can enter");
		return r;
	}
	free(*mountpoint);
	*mountpoint = path;
	if (mountpoint_is_ours(path)) {
		log_line(
			LOG_ERR,
			"mount point %s: a circuitfs is mounted there already; "
			"umount it, or give another directory",
			path);
		return -EBUSY;
	}
	return check_device();
}
