// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/landlock.h"
#include "fs/daemon/rights.h"

/* The state directory has the file "mine", and the one above it "other". */
static char above[] = "/tmp/circuitfs-landlock-XXXXXX";
static char state[sizeof(above) + 8];
static int state_fd;

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int at_parent(const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", getppid(), file);
	return try_open(path, flags);
}

static int read_a_file(void)
{
	return try_open("/etc/passwd", O_RDONLY);
}

static int read_where_names_are(void)
{
	return try_open("/etc/nsswitch.conf", O_RDONLY);
}

static int write_where_names_are(void)
{
	return try_open("/etc/hosts", O_WRONLY);
}

static int write_a_file(void)
{
	return try_open("../other", O_WRONLY);
}

static int cut_a_file(void)
{
	return truncate("../other", 0);
}

static int make_a_file(void)
{
	return try_open("../new", O_WRONLY | O_CREAT);
}

static int remove_a_file(void)
{
	return unlink("../other");
}

static int make_a_directory(void)
{
	return mkdir("../new", 0700);
}

static int list_a_directory(void)
{
	return try_open("..", O_RDONLY | O_DIRECTORY);
}

static int make_a_link(void)
{
	return symlink("/etc/passwd", "link");
}

static int move_a_file_out(void)
{
	return rename("mine", "../new");
}

static int make_a_socket(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static int use_a_device(void)
{
	return try_open("/dev/fuse", O_RDWR);
}

static int write_anothers_memory(void)
{
	return at_parent("mem", O_RDWR);
}

static int read_anothers_memory(void)
{
	return at_parent("mem", O_RDONLY);
}

static int set_what_is_in_proc(void)
{
	return try_open("/proc/self/oom_score_adj", O_WRONLY);
}

static int signal_another_process(void)
{
	return kill(getppid(), 0);
}

static int use_its_own_file(void)
{
	int fd = open("mine", O_RDWR);

	if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) < 0)
		return -1;
	return close(fd);
}

static int use_its_own_directory(void)
{
	if (try_open("new", O_RDWR | O_CREAT | O_TRUNC) < 0)
		return -1;
	return unlink("new") < 0 ? -1 : try_open(".", O_RDONLY | O_DIRECTORY);
}

static int make_a_file_without_a_name(void)
{
	int fd = openat(state_fd, ".", O_TMPFILE | O_RDWR, 0600);

	return fd < 0 && errno == EOPNOTSUPP ? 0 : fd < 0 ? -1 : close(fd);
}

/* As the store does when the disk has failed. */
static int reach_its_directory_by_descriptor(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/mine", state_fd);
	return try_open(path, O_RDONLY);
}

static int look_at_a_caller(void)
{
	return at_parent("stat", O_RDONLY) < 0 ? -1
					       : at_parent("comm", O_RDONLY);
}

static int look_at_itself(void)
{
	return try_open("/proc/self/stat", O_RDONLY);
}

static int use_dev_null(void)
{
	return try_open("/dev/null", O_RDWR);
}

static const struct {
	const char *what;
	int (*act)(void);
	int error;
	long version; /* of Landlock, from which on it is so */
} cases[] = {
	{"read a file", read_a_file, EACCES, 1},
	{"write a file", write_a_file, EACCES, 1},
	{"cut a file", cut_a_file, EACCES, 3},
	{"make a file", make_a_file, EACCES, 1},
	{"remove a file", remove_a_file, EACCES, 1},
	{"make a directory", make_a_directory, EACCES, 1},
	{"list a directory", list_a_directory, EACCES, 1},
	{"make a link", make_a_link, EACCES, 1},
	{"move a file out", move_a_file_out, EACCES, 1},
	{"make a socket", make_a_socket, EACCES, 1},
	{"use a device", use_a_device, EACCES, 1},
	{"write another's memory", write_anothers_memory, EACCES, 1},
	{"read another's memory", read_anothers_memory, EACCES, 1},
	{"set what is in /proc", set_what_is_in_proc, EACCES, 1},
	{"signal another process", signal_another_process, EPERM, 6},
	{"use its own file", use_its_own_file, 0, 1},
	{"use its own directory", use_its_own_directory, 0, 1},
	{"make a file without a name", make_a_file_without_a_name, 0, 1},
	{"reach its directory by descriptor", reach_its_directory_by_descriptor,
	 0, 1},
	{"look at a caller", look_at_a_caller, 0, 1},
	{"look at itself", look_at_itself, 0, 1},
	{"use /dev/null", use_dev_null, 0, 1},
};

static bool with_fleet;

/* In a process of its own: what is given up is gone. */
static int child(int (*act)(void))
{
	if (rights_no_more() < 0 || landlock_confine(state, with_fleet) < 0)
		return 255;
	errno = 0;
	return act() < 0 ? errno : 0;
}

static int result_of(int (*act)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(child(act));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_daemon_reaches_its_state_and_no_other_file(void **unused)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);

	(void)unused;
	if (FILTER_SANITIZED || version < 0) {
		print_message("no Landlock in %s\n",
			      FILTER_SANITIZED ? "this build" : "this kernel");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r;

		if (version < cases[i].version) {
			print_message("not in this kernel: %s\n",
				      cases[i].what);
			continue;
		}
		r = result_of(cases[i].act);
		if (r != cases[i].error)
			fail_msg("%s: %d", cases[i].what, r);
	}
}

static void with_a_fleet_it_reads_what_a_resolver_reads(void **unused)
{
	(void)unused;
	if (FILTER_SANITIZED || syscall(SYS_landlock_create_ruleset, NULL, 0,
					LANDLOCK_CREATE_RULESET_VERSION) < 0) {
		print_message("no Landlock in this build or kernel\n");
		skip();
	}
	with_fleet = false;
	assert_int_equal(result_of(read_where_names_are), EACCES);
	with_fleet = true;
	assert_int_equal(result_of(read_where_names_are), 0);
	assert_int_equal(result_of(write_where_names_are), EACCES);
	assert_int_equal(result_of(read_a_file), EACCES);
	with_fleet = false;
}

/* All of it together, as the daemon calls it. */
static int confined_and_filtered(void)
{
	struct rights_user nobody_else = {.uid = getuid(), .gid = getgid()};

	if (rights_confine(&nobody_else, state, false) < 0)
		return 0;
	return write_a_file() < 0 && errno == EACCES &&
			       use_its_own_file() == 0 && fork() < 0 &&
			       errno == ENOSYS
		       ? -1
		       : 0;
}

static void giving_up_rights_takes_both(void **unused)
{
	(void)unused;
	if (FILTER_SANITIZED || syscall(SYS_landlock_create_ruleset, NULL, 0,
					LANDLOCK_CREATE_RULESET_VERSION) < 0) {
		print_message("no Landlock in this build or kernel\n");
		skip();
	}
	assert_int_equal(result_of(confined_and_filtered), ENOSYS);
}

static int set_up(void **unused)
{
	(void)unused;
	if (!mkdtemp(above) || chdir(above) < 0 ||
	    try_open("other", O_WRONLY | O_CREAT) < 0)
		return -1;
	snprintf(state, sizeof(state), "%s/state", above);
	if (mkdir(state, 0700) < 0 || chdir(state) < 0 ||
	    try_open("mine", O_WRONLY | O_CREAT) < 0)
		return -1;
	state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0 ? -1 : 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	close(state_fd);
	unlink("mine");
	unlink("../other");
	if (chdir("/") < 0)
		return -1;
	return rmdir(state) < 0 ? -1 : rmdir(above);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_daemon_reaches_its_state_and_no_other_file),
		cmocka_unit_test(with_a_fleet_it_reads_what_a_resolver_reads),
		cmocka_unit_test(giving_up_rights_takes_both),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
