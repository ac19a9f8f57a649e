// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter.h"

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int begin(scmp_filter_ctx *out)
{
	*out = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	/* A binary tree: the older kernels walk the list at each call. */
	return *out ? seccomp_attr_set(*out, SCMP_FLTATR_CTL_OPTIMIZE, 2)
		    : -ENOMEM;
}

/*
 * The condition that an argument, counted from 0, is this number. (libseccomp's
 * own macros leave fields out, of which clang warns.)
 */
static struct scmp_arg_cmp is(unsigned arg, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

/* The condition that these bits of an argument are that. */
static struct scmp_arg_cmp masked(unsigned arg, scmp_datum_t mask,
				  scmp_datum_t value)
{
	return (struct scmp_arg_cmp){.arg = arg,
				     .op = SCMP_CMP_MASKED_EQ,
				     .datum_a = mask,
				     .datum_b = value};
}

static int add_calls(scmp_filter_ctx filter, const int *list, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list[i], 0);
	return r;
}

/* A call that is good with some arguments only. */
struct condition {
	int call;
	unsigned count; /* of @args; all of them must hold */
	struct scmp_arg_cmp args[2];
};

static int add_conditions(scmp_filter_ctx filter, const struct condition *list,
			  size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		/* A row without a condition would allow the call as such. */
		assert(list[i].count &&
		       list[i].count <= ARRAY_SIZE(list[i].args));
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, list[i].call,
					   list[i].count, list[i].args);
	}
	return r;
}

/* abort(), when an assertion fails. */
static int add_own_signals(scmp_filter_ctx filter)
{
	const struct condition own = {
		SCMP_SYS(tgkill), 1, {is(0, (unsigned)getpid())}};

	return add_conditions(filter, &own, 1);
}

/* ---- The daemon's ---- */

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
	const struct condition list[] = {
		{SCMP_SYS(socket), 1, {is(0, AF_INET)}},
		{SCMP_SYS(socket), 1, {is(0, AF_INET6)}},
		{SCMP_SYS(socket), 1, {is(0, AF_UNIX)}},
		{SCMP_SYS(ioctl), 1, {is(1, FIONBIO)}},
		{SCMP_SYS(ioctl), 1, {is(1, FIOCLEX)}},
		{SCMP_SYS(ioctl), 1, {is(1, FIONREAD)}},
		{SCMP_SYS(ioctl), 1, {is(1, SIOCOUTQ)}},
		/*
		 * F_SETOWN and F_SETSIG would have the kernel send signals for
		 * us, and so would O_ASYNC, to whom a terminal belongs.
		 */
		{SCMP_SYS(fcntl), 1, {is(1, F_GETFD)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_SETFD)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_GETFL)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_GETLK)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_SETLK)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_SETLKW)}},
		{SCMP_SYS(fcntl), 2, {is(1, F_SETFL), masked(2, O_ASYNC, 0)}},
		/*
		 * Threads, and no processes. What clone3() shall do cannot be
		 * seen from here; told that there is none, libc takes clone().
		 */
		{SCMP_SYS(clone), 1, {masked(0, CLONE_THREAD, CLONE_THREAD)}},
		{SCMP_SYS(prctl), 1, {is(0, PR_SET_NAME)}},
		/* To read a limit of our own. */
		{SCMP_SYS(prlimit64), 2, {is(0, 0), is(2, 0)}},
	};

	return add_conditions(filter, list, ARRAY_SIZE(list));
}

int filter_load(void)
{
	CLEANUP(release) scmp_filter_ctx filter = NULL;
	int r;

	/* Who has changed his user cannot be traced, until he says so. */
	if (FILTER_SANITIZED)
		return prctl(PR_SET_DUMPABLE, 1) < 0 ? -errno : 0;
	r = begin(&filter);
	if (r == 0)
		r = add_calls(filter, calls, ARRAY_SIZE(calls));
	if (r == 0)
		r = add_conditional(filter);
	if (r == 0)
		r = add_own_signals(filter);
	return r < 0 ? r : seccomp_load(filter);
}

/* ---- The mounter's ---- */

/* To hear the daemon, to answer, to log, and to end. */
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

/* Until it has mounted: what is mounted already, /dev/fuse, /dev/null. */
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
	const struct condition list[] = {
		{SCMP_SYS(mount), 1, {masked(3, always, always)}},
		{SCMP_SYS(fcntl), 1, {is(1, F_SETFD)}},
		{SCMP_SYS(prctl), 1, {is(0, PR_SET_NO_NEW_PRIVS)}},
		/* The second filter, where seccomp(2) is not to be had. */
		{SCMP_SYS(prctl), 1, {is(0, PR_SET_SECCOMP)}},
	};
	int r = add_calls(filter, mounting_calls, ARRAY_SIZE(mounting_calls));

	if (r == 0)
		r = add_conditions(filter, list, ARRAY_SIZE(list));
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
	const struct condition detach = {
		SCMP_SYS(umount2), 1, {masked(1, MNT_DETACH, MNT_DETACH)}};
	CLEANUP(release) scmp_filter_ctx filter = NULL;
	int r;

	if (FILTER_SANITIZED)
		return 0;
	r = begin(&filter);
	if (r == 0)
		r = add_calls(filter, mounter_calls, ARRAY_SIZE(mounter_calls));
	if (r == 0)
		r = add_own_signals(filter);
	if (r == 0)
		r = add_conditions(filter, &detach, 1);
	if (r == 0 && !has_mounted)
		r = add_mounting(filter);
	return r < 0 ? r : seccomp_load(filter);
}
