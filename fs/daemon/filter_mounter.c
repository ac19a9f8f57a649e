// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/filter_rules.h"

/* It hears the daemon, answers, logs, and ends. */
static const int mounter_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(fstat),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
};

/* Until it has mounted it also looks at mounts, and opens /dev/fuse. */
static const int mounting_calls[] = {
	SCMP_SYS(open),	      SCMP_SYS(openat),	 SCMP_SYS(read),
	SCMP_SYS(lseek),      SCMP_SYS(stat),	 SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx),	 SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getcwd),	 SCMP_SYS(dup2),
	SCMP_SYS(dup3),	      SCMP_SYS(seccomp), /* the second filter */
};

static int add_mounting(scmp_filter_ctx filter)
{
	static const unsigned long always = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const struct filter_condition list[] = {
		{SCMP_SYS(mount), 1, {filter_masked(3, always, always)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_SETFD)}},
		{SCMP_SYS(prctl), 1, {filter_is(0, PR_SET_NO_NEW_PRIVS)}},
		/* Where there is no seccomp(2), this loads the second filter.
		 */
		{SCMP_SYS(prctl), 1, {filter_is(0, PR_SET_SECCOMP)}},
	};
	int r = filter_allow(filter, mounting_calls,
			     ARRAY_SIZE(mounting_calls));

	if (r == 0)
		r = filter_allow_if(filter, list, ARRAY_SIZE(list));
	/*
	 * libfuse keeps a plain /etc/mtab by running mount(8), if it may be
	 * written. Nothing reads one any more.
	 */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EROFS),
				     SCMP_SYS(access), 0);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EROFS),
				     SCMP_SYS(faccessat), 0);
	return r;
}

int filter_load_mounter(bool has_mounted)
{
	const struct filter_condition detach = {
		SCMP_SYS(umount2),
		1,
		{filter_masked(1, MNT_DETACH, MNT_DETACH)}};
	CLEANUP(filter_release) scmp_filter_ctx filter = NULL;
	int r;

	if (FILTER_SANITIZED)
		return 0;
	r = filter_begin(&filter);
	if (r == 0)
		r = filter_allow(filter, mounter_calls,
				 ARRAY_SIZE(mounter_calls));
	if (r == 0)
		r = filter_allow_abort(filter);
	if (r == 0)
		r = filter_allow_if(filter, &detach, 1);
	if (r == 0 && !has_mounted)
		r = add_mounting(filter);
	return r < 0 ? r : seccomp_load(filter);
}
