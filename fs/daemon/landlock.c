// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/landlock.h"

/* The headers of Debian 12 do not have these yet. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

#define READ  LANDLOCK_ACCESS_FS_READ_FILE
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
/* Of a file that is no directory, no more than this can be granted. */
#define OF_FILE (READ | WRITE)
#define OF_STATE                                                               \
	(OF_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* struct landlock_ruleset_attr of Linux 6.12; older ones take the zeros. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* Beside the state: what the daemon and the libraries look at later. */
static const struct {
	const char *path;
	uint64_t rights;
} others[] = {
	{"/proc", READ}, /* of callers, and the figures of its own process */
	{"/dev/null", OF_FILE},
	{"/dev/urandom", READ},
	{"/etc/localtime", READ},
	{"/usr/share/zoneinfo", READ},
	{"/sys/devices/system/cpu", READ},
};

/*
 * What a resolver and TLS look at. A rule is of a file and not of its name, so
 * for what is replaced while the daemon runs it is of its directory.
 */
static const char *const others_of_fleet[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/usr/lib/ssl",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
};

/* All that a version can forbid: what is not handled stays allowed. */
static struct ruleset ruleset_of(int version)
{
	struct ruleset set = {.handled_access_fs =
				      (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};

	if (version >= 2)
		set.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		set.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (version >= 5)
		set.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (version >= 6)
		set.scoped = LANDLOCK_SCOPE_SIGNAL;
	return set;
}

/* What is not there needs no right. */
static int allow(int ruleset_fd, const struct ruleset *set, const char *path,
		 uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & set->handled_access_fs,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int r = 0;

	if (rule.parent_fd < 0)
		return 0;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset_fd,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		r = -errno;
	close(rule.parent_fd);
	return r;
}

static int allow_others(int fd, const struct ruleset *set, bool has_fleet)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(others); i++)
		r = allow(fd, set, others[i].path, others[i].rights);
	for (size_t i = 0;
	     r == 0 && has_fleet && i < ARRAY_SIZE(others_of_fleet); i++)
		r = allow(fd, set, others_of_fleet[i], READ);
	return r;
}

int landlock_confine(const char *state, bool has_fleet)
{
	struct ruleset set;
	long version;
	int fd, r;

	if (FILTER_SANITIZED)
		return 0;
	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);
	/* The kernel, or a sandbox, has none, or was told to do without. */
	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM
			       ? 0
			       : -errno;
	assert(version > 0 && *state == '/');
	set = ruleset_of((int)version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	if (fd < 0)
		return -errno;
	r = allow(fd, &set, state, OF_STATE);
	if (r == 0)
		r = allow_others(fd, &set, has_fleet);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
