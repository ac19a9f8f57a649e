// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/daemon/mounter.h"
#include "fs/daemon/mountpoint.h"

#define OPTIONS                                                                \
	"-odefault_permissions,nosuid,nodev,noexec,subtype=circuitfs,"         \
	"fsname=test"

static char directory[] = "/tmp/circuitfs-mounter-XXXXXX";

/* How often it is mounted on, and the options of the last one. */
static unsigned mounts(char *options, size_t size)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	unsigned count = 0;

	assert_non_null(file);
	while ((mount = getmntent(file))) {
		if (strcmp(mount->mnt_dir, directory) != 0)
			continue;
		snprintf(options, size, "%s", mount->mnt_opts);
		count++;
	}
	endmntent(file);
	return count;
}

static void start(struct mounter *mounter)
{
	char *argv[] = {(char *)"circuitfs", (char *)OPTIONS, NULL};
	struct options options = {
		.mountpoint = directory,
		.fuse = FUSE_ARGS_INIT(2, argv),
	};

	assert_int_equal(mounter_start(mounter, &options, -1), 0);
}

/* As somebody inside the daemon says it. */
static int say(const struct mounter *mounter, char word)
{
	int result = 0;

	assert_int_equal(send(mounter->fd, &word, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(mounter->fd, &result, sizeof(result), 0),
			 sizeof(result));
	return result;
}

static void it_mounts_once_and_as_it_was_told_at_the_start(void **state)
{
	struct mounter mounter;
	char options[512] = "";
	int fuse_fd = -1;

	(void)state;
	start(&mounter);
	assert_int_equal(say(&mounter, 'd'), -EPERM);
	assert_int_equal(say(&mounter, 'x'), -EPERM);
	assert_int_equal(mounts(options, sizeof(options)), 0);
	assert_true(mountpoint_is_free(directory));

	/* Nobody serves it: who looks at it from here on waits for ever. */
	assert_int_equal(mounter_mount(&mounter, &fuse_fd), 0);
	assert_int_equal(say(&mounter, 'm'), -EPERM);
	assert_int_equal(say(&mounter, 'M'), -EPERM);
	assert_int_equal(mounts(options, sizeof(options)), 1);
	assert_non_null(strstr(options, "nosuid"));
	assert_non_null(strstr(options, "nodev"));
	assert_non_null(strstr(options, "noexec"));
	assert_non_null(strstr(options, "default_permissions"));
	assert_false(mountpoint_is_free(directory));

	mounter_end(&mounter, true);
	assert_int_equal(mounts(options, sizeof(options)), 0);
	close(fuse_fd);
}

static void
where_another_one_is_mounted_meanwhile_it_does_not_look(void **state)
{
	struct mounter one, other;
	char options[512];
	int fuse_fd = -1, none = -1;

	(void)state;
	start(&one);
	start(&other);
	assert_int_equal(mounter_mount(&one, &fuse_fd), 0);
	assert_int_equal(mounter_mount(&other, &none), -EBUSY);
	assert_int_equal(none, -1);
	assert_int_equal(mounts(options, sizeof(options)), 1);
	mounter_end(&other, false);
	assert_int_equal(mounts(options, sizeof(options)), 1);
	mounter_end(&one, true);
	assert_int_equal(mounts(options, sizeof(options)), 0);
	close(fuse_fd);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	char options[512];

	(void)state;
	while (mounts(options, sizeof(options)))
		if (mountpoint_detach(directory) < 0)
			return -1;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			it_mounts_once_and_as_it_was_told_at_the_start),
		cmocka_unit_test(
			where_another_one_is_mounted_meanwhile_it_does_not_look),
	};

	if (access("/dev/fuse", R_OK | W_OK) < 0) {
		print_message("no access to /dev/fuse\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
