// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/filter_rules.h"

static const int calls[] = {
	/* memory, threads, and the end of the process */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(msync),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(sched_yield),
	SCMP_SYS(setpriority),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(wait4), /* for the mounter */

	/* files: the state, the scratch files, what libc reads */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),

	/* loops */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(restart_syscall),

	/* sockets; which ones can be made is below */
	SCMP_SYS(bind),
	SCMP_SYS(connect), /* to primaries of zones, and to a fleet's bus */
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),

	/* signals: to take them; which can be sent is below */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),

	/* what it may know */
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrlimit),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
};

static int add_conditional(scmp_filter_ctx filter)
{
	const struct filter_condition list[] = {
		{SCMP_SYS(socket), 1, {filter_is(0, AF_INET)}},
		{SCMP_SYS(socket), 1, {filter_is(0, AF_INET6)}},
		/* For the log and the service manager: nothing that answers. */
		{SCMP_SYS(socket),
		 2,
		 {filter_is(0, AF_UNIX), filter_masked(1, 0xf, SOCK_DGRAM)}},
		/* A thread's own slice: thread_slice(). */
		{SCMP_SYS(sched_getattr), 1, {filter_is(0, 0)}},
		{SCMP_SYS(sched_setattr), 1, {filter_is(0, 0)}},
		{SCMP_SYS(ioctl), 1, {filter_is(1, FIONBIO)}},
		{SCMP_SYS(ioctl), 1, {filter_is(1, FIOCLEX)}},
		{SCMP_SYS(ioctl), 1, {filter_is(1, FIONREAD)}},
		{SCMP_SYS(ioctl), 1, {filter_is(1, SIOCOUTQ)}},
		/*
		 * F_SETOWN and F_SETSIG would have the kernel send signals for
		 * us, and so would O_ASYNC, to whom a terminal belongs.
		 */
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_GETFD)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_SETFD)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_GETFL)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_GETLK)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_SETLK)}},
		{SCMP_SYS(fcntl), 1, {filter_is(1, F_SETLKW)}},
		{SCMP_SYS(fcntl),
		 2,
		 {filter_is(1, F_SETFL), filter_masked(2, O_ASYNC, 0)}},
		/*
		 * Threads, and no processes. What clone3() shall do cannot be
		 * seen from here; told that there is none, libc takes clone().
		 */
		{SCMP_SYS(clone),
		 1,
		 {filter_masked(0, CLONE_THREAD, CLONE_THREAD)}},
		{SCMP_SYS(prctl), 1, {filter_is(0, PR_SET_NAME)}},
		/* It may read its own limits, and set none. */
		{SCMP_SYS(prlimit64), 2, {filter_is(0, 0), filter_is(2, 0)}},
	};

	return filter_allow_if(filter, list, ARRAY_SIZE(list));
}

int filter_load(void)
{
	CLEANUP(filter_release) scmp_filter_ctx filter = NULL;
	int r;

	/* A process that has changed its user must say so to be traced. */
	if (FILTER_SANITIZED)
		return prctl(PR_SET_DUMPABLE, 1) < 0 ? -errno : 0;
	r = filter_begin(&filter);
	if (r == 0)
		r = filter_allow(filter, calls, ARRAY_SIZE(calls));
	if (r == 0)
		r = add_conditional(filter);
	if (r == 0)
		r = filter_allow_abort(filter);
	return r < 0 ? r : seccomp_load(filter);
}
