// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/rights.h"

static int own_fd; /* a file that nobody else has */

static int run_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int start_a_process(void)
{
	return fork();
}

static int signal_another_process(void)
{
	return kill(getppid(), 0);
}

/* As tgkill(2) does it, without a process that it would hit. */
static int signal_anothers_thread(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int signal_itself(void)
{
	return (int)syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static int own_descriptor(int command, long value)
{
	return fcntl(own_fd, command, value);
}

static int have_the_kernel_signal_another_process(void)
{
	return own_descriptor(F_SETOWN, getppid());
}

static int have_the_kernel_signal_a_thread(void)
{
	struct f_owner_ex owner = {F_OWNER_TID, getppid()};

	return fcntl(own_fd, F_SETOWN_EX, &owner);
}

static int choose_the_signal(void)
{
	return own_descriptor(F_SETSIG, SIGKILL);
}

static int have_a_terminals_owner_signalled(void)
{
	return own_descriptor(F_SETFL, O_ASYNC);
}

static int watch_a_directory(void)
{
	return own_descriptor(F_NOTIFY, DN_MODIFY);
}

static int ask_for_a_lease(void)
{
	return own_descriptor(F_SETLEASE, F_RDLCK);
}

static int make_a_descriptor_nonblocking(void)
{
	return own_descriptor(F_SETFL, O_NONBLOCK);
}

static int lock_a_file(void)
{
	struct flock whole = {.l_type = F_UNLCK};

	return fcntl(own_fd, F_SETLK, &whole);
}

static int splice_a_pipe(void)
{
	int ends[2];

	return pipe(ends) < 0 ? 0
			      : (int)splice(ends[0], NULL, ends[1], NULL, 1,
					    SPLICE_F_NONBLOCK);
}

static int splice_memory(void)
{
	struct iovec piece = {"x", 1};

	return (int)vmsplice(own_fd, &piece, 1, 0);
}

static int double_a_pipe(void)
{
	return (int)tee(own_fd, own_fd, 1, SPLICE_F_NONBLOCK);
}

static int trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int mount_something(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static int become_another_user(void)
{
	return setuid(65534);
}

static int make_a_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int enter_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0
		       ? pthread_join(thread, NULL)
		       : -1;
}

static int start_a_thread_alone(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	/* What clone(2) says of ENOSYS is EAGAIN or so to others. */
	errno = error ? ENOSYS : 0;
	return error ? -1 : 0;
}

static int make_a_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? -1 : 0;
}

static int connect_to_another(void)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				  .sin6_port = htons(9)};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	int r = connect(fd, (struct sockaddr *)&at, sizeof(at));

	/* There may be no IPv6 here. */
	return r < 0 && errno == ENOSYS ? -1 : 0;
}

static int make_a_unix_stream(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

static int have_a_slice(void)
{
	/* Refused it is as it was: so look at what it was refused by. */
	errno = 0;
	thread_slice(THREAD_SLICE_LONG);
	return errno == ENOSYS ? -1 : 0;
}

static int give_another_a_slice(void)
{
	/* A filter is asked before the memory is looked at. */
	return (int)syscall(SYS_sched_setattr, getppid(), NULL, 0);
}

static const struct {
	const char *what;
	int (*act)(void);
	bool allowed;
} cases[] = {
	{"make a stream to this machine's", make_a_unix_stream, false},
	{"run a program", run_a_program, false},
	{"start a process", start_a_process, false},
	{"signal another process", signal_another_process, false},
	{"signal another's thread", signal_anothers_thread, false},
	{"have the kernel signal another process",
	 have_the_kernel_signal_another_process, false},
	{"have the kernel signal a thread", have_the_kernel_signal_a_thread,
	 false},
	{"choose the signal", choose_the_signal, false},
	{"have a terminal's owner signalled", have_a_terminals_owner_signalled,
	 false},
	{"watch a directory", watch_a_directory, false},
	{"ask for a lease", ask_for_a_lease, false},
	{"splice a pipe", splice_a_pipe, false},
	{"splice memory", splice_memory, false},
	{"double a pipe", double_a_pipe, false},
	{"trace", trace, false},
	{"mount", mount_something, false},
	{"become another user", become_another_user, false},
	{"make a netlink socket", make_a_netlink_socket, false},
	{"enter a namespace", enter_a_namespace, false},
	{"start a thread", start_a_thread, true},
	{"make a socket", make_a_socket, true},
	{"connect to another", connect_to_another, true},
	{"signal itself", signal_itself, true},
	{"make a descriptor nonblocking", make_a_descriptor_nonblocking, true},
	{"lock a file", lock_a_file, true},
	{"have short turns", have_a_slice, true},
	{"give another short turns", give_another_a_slice, false},
};

/* In a process of its own: what is given up is gone. */
static int child(int (*act)(void))
{
	int r;

	if (rights_no_more() < 0 || filter_load() < 0)
		return 99;
	errno = 0;
	r = act();
	return r < 0 ? errno : 0;
}

static void expect(const char *what, int (*act)(void), int wanted)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child(act));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != wanted)
		fail_msg("%s: %d", what, WEXITSTATUS(status));
}

static void the_daemon_can_serve_and_nothing_else(void **state)
{
	(void)state;
	if (FILTER_SANITIZED)
		skip();
	/* tests/arm64.sh: an emulator has the calls to itself. */
	if (getenv("CIRCUITFS_EMULATED")) {
		print_message("an emulator takes no filter\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(cases[i].what, cases[i].act,
		       cases[i].allowed ? 0 : ENOSYS);
}

/* ---- The mounter ---- */

static int mount_as_it_does(void)
{
	return mount("none", "/nosuch", "fuse.circuitfs",
		     MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
}

static int mount_with_set_user_ids(void)
{
	return mount("none", "/nosuch", "fuse.circuitfs", MS_NODEV | MS_NOEXEC,
		     "");
}

static int mount_with_devices(void)
{
	return mount("none", "/nosuch", "fuse.circuitfs", MS_NOSUID | MS_NOEXEC,
		     "");
}

static int mount_with_programs(void)
{
	return mount("none", "/nosuch", "fuse.circuitfs", MS_NOSUID | MS_NODEV,
		     "");
}

static int detach_a_mount(void)
{
	return umount2("/nosuch", MNT_DETACH | UMOUNT_NOFOLLOW);
}

/* It waits until nobody uses the mount. */
static int unmount_by_force(void)
{
	return umount2("/nosuch", MNT_FORCE);
}

static int open_a_file(void)
{
	return open("/nosuch", O_RDONLY);
}

static int look_at_a_file(void)
{
	struct stat st;

	return stat("/nosuch", &st);
}

static int be_told_that_mtab_is_read_only(void)
{
	int r = access("/etc/mtab", W_OK);

	if (r < 0 && errno == EROFS)
		return 0;
	errno = ENOSYS;
	return -1;
}

static int make_any_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static int listen_for_the_daemon(void)
{
	char octet;

	return (int)recv(own_fd, &octet, 1, 0);
}

static const struct {
	const char *what;
	int (*act)(void);
	bool before, after; /* it has mounted: allowed */
} of_mounter[] = {
	{"run a program", run_a_program, false, false},
	{"start a process", start_a_process, false, false},
	{"start a thread", start_a_thread_alone, false, false},
	{"signal another process", signal_another_process, false, false},
	{"signal another's thread", signal_anothers_thread, false, false},
	{"have the kernel signal another process",
	 have_the_kernel_signal_another_process, false, false},
	{"trace", trace, false, false},
	{"become another user", become_another_user, false, false},
	{"enter a namespace", enter_a_namespace, false, false},
	{"make any socket", make_any_socket, false, false},
	{"mount with set-user-IDs", mount_with_set_user_ids, false, false},
	{"mount with devices", mount_with_devices, false, false},
	{"mount with programs", mount_with_programs, false, false},
	{"unmount by force", unmount_by_force, false, false},
	{"mount as it does", mount_as_it_does, true, false},
	{"open a file", open_a_file, true, false},
	{"look at a file", look_at_a_file, true, false},
	{"be told that mtab is read-only", be_told_that_mtab_is_read_only, true,
	 false},
	{"detach a mount", detach_a_mount, true, true},
	{"listen for the daemon", listen_for_the_daemon, true, true},
	{"signal itself", signal_itself, true, true},
};

/* Return: whether the kernel knows of that call. */
static bool mounter_can(int (*act)(void), bool has_mounted)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (rights_no_more() < 0 || filter_load_mounter(false) < 0 ||
		    (has_mounted && filter_load_mounter(true) < 0))
			_exit(99);
		errno = 0;
		_exit(act() < 0 && errno == ENOSYS ? ENOSYS : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ENOSYS);
	return WEXITSTATUS(status) == 0;
}

static void the_mounter_can_mount_once_and_detach_and_nothing_else(void **state)
{
	(void)state;
	if (FILTER_SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(of_mounter); i++) {
		if (mounter_can(of_mounter[i].act, false) !=
		    of_mounter[i].before)
			fail_msg("before it has mounted: %s",
				 of_mounter[i].what);
		if (mounter_can(of_mounter[i].act, true) != of_mounter[i].after)
			fail_msg("after it has mounted: %s",
				 of_mounter[i].what);
	}
}

static int set_up(void **state)
{
	(void)state;
	own_fd = memfd_create("test", MFD_CLOEXEC);
	return own_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(own_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_can_serve_and_nothing_else),
		cmocka_unit_test(
			the_mounter_can_mount_once_and_detach_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
