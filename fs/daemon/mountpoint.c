// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/log.h"
#include "fs/daemon/mountpoint.h"

/* So many links the kernel follows, too, before it says ELOOP. */
#define LINKS_MAX 40
/* How long a look at the mount point may take. */
#define LOOK_MS 2000

extern char **environ;

/* Who may not do it himself has fusermount3, which is setuid root, do it. */
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

/* ---- What is there, without touching it ---- */

/* @path without links, but that its last part is left as it is. */
static char *resolve_parent(const char *path)
{
	CLEANUP(freep) char *copy = strdup(path), *parent = NULL;
	char *out = NULL, *slash;
	size_t len = copy ? strlen(copy) : 0;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = 0;
	slash = copy ? strrchr(copy, '/') : NULL;
	if (!copy || !strcmp(slash ? slash + 1 : copy, ".") ||
	    !strcmp(slash ? slash + 1 : copy, "..") || !strcmp(copy, "/"))
		return copy ? realpath(copy, NULL) : NULL;
	if (!slash)
		parent = realpath(".", NULL);
	else if (slash == copy)
		parent = strdup("");
	else {
		*slash = 0;
		parent = realpath(copy, NULL);
	}
	if (!parent ||
	    asprintf(&out, "%s/%s", strcmp(parent, "/") ? parent : "",
		     slash ? slash + 1 : copy) < 0)
		return NULL;
	return out;
}

/*
 * The path without links, or NULL and errno. The last part may be a mount
 * whose daemon does not answer, or no longer: it is not looked at. readlink(2)
 * asks none, since a mount is no link.
 */
static char *resolve(const char *path)
{
	char *out = resolve_parent(path);

	for (int links = 0; out && links < LINKS_MAX; links++) {
		CLEANUP(freep) char *from = out, *at = NULL;
		char to[PATH_MAX];
		ssize_t len = readlink(from, to, sizeof(to) - 1);

		if (len < 0)
			return steal(&from);
		to[len] = 0;
		/* It is relative to where the link is. */
		*(strrchr(from, '/') + 1) = 0;
		if (asprintf(&at, "%s%s", *to == '/' ? "" : from, to) < 0)
			return NULL;
		out = resolve_parent(at);
	}
	if (out)
		errno = ELOOP;
	free(out);
	return NULL;
}

/* The type of the topmost mount there: "" if there is none. */
static void mounted_type(const char *path, char *type, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;

	*type = 0;
	while (mounts && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_dir, path))
			snprintf(type, size, "%s", mount->mnt_type);
	if (mounts)
		endmntent(mounts);
}

static bool is_fuse(const char *type)
{
	return !strncmp(type, "fuse", 4);
}

bool mountpoint_is_free(const char *path)
{
	char type[64];

	mounted_type(path, type, sizeof(type));
	return !is_fuse(type);
}

/* ---- A look at it ---- */

/* 0; -ENOTCONN: a dead mount; -ENOTDIR, -errno. */
static int look(const char *path, bool fuse)
{
	struct stat st;
	int fd;

	/* stat() does not tell: the kernel answers it from memory. */
	if (fuse) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOTCONN)
			return -ENOTCONN;
		if (fd >= 0)
			close(fd);
	}
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* The child keeps nothing open: who waits for the end of our stderr gets it. */
static void look_and_tell(const char *path, bool fuse, int fd)
{
	int r;

	dup2(fd, 0);
	closefrom(1);
	r = look(path, fuse);
	if (write(0, &r, sizeof(r)) < 0)
		_exit(1);
	_exit(0);
}

/*
 * A look by a child that may hang: what is mounted there asks its daemon, and
 * who waits for that one is deaf even to SIGKILL. -ETIMEDOUT: no answer.
 */
static int look_in_time(const char *path, bool fuse)
{
	int ends[2], r = -ETIMEDOUT;
	struct pollfd answer;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		look_and_tell(path, fuse, ends[1]);
	close(ends[1]);
	answer = (struct pollfd){.fd = ends[0], .events = POLLIN};
	if (pid < 0)
		r = -errno;
	else if (poll(&answer, 1, LOOK_MS) == 1 &&
		 read(ends[0], &r, sizeof(r)) != sizeof(r))
		r = -EIO;
	close(ends[0]);
	if (pid > 0 && r == -ETIMEDOUT)
		kill(pid, SIGKILL);
	else if (pid > 0)
		waitpid(pid, NULL, 0);
	return r;
}

static int detach_dead(const char *path)
{
	int r = mountpoint_detach(path);

	if (r < 0)
		log_line(LOG_ERR,
			 "%s: a dead mount is there, and cannot be detached: "
			 "%s; try umount -l",
			 path, strerror(-r));
	else
		log_line(LOG_NOTICE, "%s: detached the dead mount there", path);
	return r;
}

/* ---- Checks ---- */

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

static int refuse(const char *path, int r)
{
	log_line(LOG_ERR, "mount point %s: %s; %s", path, strerror(-r),
		 r == -ENOENT ? "mkdir it first"
			      : "give a directory that you can enter");
	return r;
}

static int refuse_mounted(const char *path, const char *what)
{
	log_line(LOG_ERR,
		 "mount point %s: %s; umount it, or give another directory",
		 path, what);
	return -EBUSY;
}

/* 0; 1: there is another look to take; -errno. */
static int check(const char *path)
{
	char type[64];
	bool ours;
	int r;

	mounted_type(path, type, sizeof(type));
	ours = !strcmp(type, "fuse.circuitfs");
	r = look_in_time(path, is_fuse(type));
	if (r == -ENOTCONN) {
		r = detach_dead(path);
		return r < 0 ? r : 1;
	}
	/* A daemon that is stopped, or busy, is there nevertheless. */
	if (ours && (r == 0 || r == -ETIMEDOUT))
		return refuse_mounted(path,
				      "a circuitfs is mounted there already");
	if (r == -ETIMEDOUT)
		return refuse_mounted(path,
				      "what is mounted there does not answer");
	return r < 0 ? refuse(path, r) : 0;
}

int mountpoint_prepare(char **mountpoint)
{
	char *path = resolve(*mountpoint);
	int r;

	if (!path)
		return refuse(*mountpoint, -errno);
	assert(*path == '/');
	free(*mountpoint);
	*mountpoint = path;
	do
		r = check(path);
	while (r > 0);
	return r < 0 ? r : check_device();
}

int mountpoint_find(const char *mountpoint, char **out)
{
	CLEANUP(freep) char *path = resolve(mountpoint);
	char type[64];

	if (!path)
		return -errno;
	mounted_type(path, type, sizeof(type));
	if (strcmp(type, "fuse.circuitfs"))
		return -EINVAL;
	if (look_in_time(path, true) == -ENOTCONN)
		return -ENOTCONN;
	assert(*path == '/');
	*out = steal(&path);
	return 0;
}
