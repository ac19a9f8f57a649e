// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/util.h"
#include "fs/filter.h"
#include "fs/rights.h"

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
	return fcntl(STDIN_FILENO, command, value);
}

static int have_the_kernel_signal_another_process(void)
{
	return own_descriptor(F_SETOWN, getppid());
}

static int have_the_kernel_signal_a_thread(void)
{
	struct f_owner_ex owner = {F_OWNER_TID, getppid()};

	return fcntl(STDIN_FILENO, F_SETOWN_EX, &owner);
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

	return fcntl(STDIN_FILENO, F_SETLK, &whole);
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

	return (int)vmsplice(STDIN_FILENO, &piece, 1, 0);
}

static int double_a_pipe(void)
{
	return (int)tee(STDIN_FILENO, STDOUT_FILENO, 1, SPLICE_F_NONBLOCK);
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

static int make_a_socket(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? -1 : 0;
}

static const struct {
	const char *what;
	int (*act)(void);
	bool allowed;
} cases[] = {
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
	{"signal itself", signal_itself, true},
	{"make a descriptor nonblocking", make_a_descriptor_nonblocking, true},
	{"lock a file", lock_a_file, true},
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

static void the_daemon_can_serve_and_nothing_else(void **state)
{
	(void)state;
	if (FILTER_SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(child(cases[i].act));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != (cases[i].allowed ? 0 : ENOSYS))
			fail_msg("%s: %d", cases[i].what, WEXITSTATUS(status));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_can_serve_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
