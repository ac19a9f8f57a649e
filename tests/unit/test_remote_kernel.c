// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel that has no memory for an answer gets one all the same: whoever has
 * asked sleeps until then, and cannot be killed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/uio.h>

#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

int __wrap_fuse_session_fd(struct fuse_session *fuse);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count);

static struct remotes remotes;
static struct fleet fleet;
static struct commons commons;
static struct fs fs = {.commons = &commons};
static struct session session = {.fs = &fs};
static int kernel_says;
static unsigned taken;
static struct fuse_out_header last;

int __wrap_fuse_session_fd(struct fuse_session *fuse)
{
	(void)fuse;
	return 7;
}

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count)
{
	assert_int_equal(fd, 7);
	errno = kernel_says;
	if (kernel_says)
		return -1;
	taken++;
	memcpy(&last, pieces[0].iov_base, sizeof(last));
	return (ssize_t)(count > 1 ? pieces[0].iov_len + pieces[1].iov_len
				   : pieces[0].iov_len);
}

static int setup(void **state)
{
	(void)state;
	remotes = (struct remotes){.fleet = &fleet};
	fleet = (struct fleet){.session = &session, .remotes = &remotes};
	commons = (struct commons){.fleet = &fleet};
	kernel_says = 0;
	taken = 0;
	return 0;
}

static int say_text(uint64_t unique)
{
	return remote_kernel_answer(&session, unique, 0, "text", 4);
}

static void what_the_kernel_had_no_memory_for_is_answered_later(void **state)
{
	(void)state;
	kernel_says = ENOMEM;
	assert_int_equal(say_text(12), -ENOMEM);
	remote_kernel_tick(&remotes);
	kernel_says = 0;
	remote_kernel_tick(&remotes);
	assert_int_equal(taken, 1);
	assert_int_equal(last.unique, 12);
	assert_int_equal(last.error, -EIO);
	assert_int_equal(last.len, sizeof(last));
	remote_kernel_tick(&remotes);
	assert_int_equal(taken, 1);
}

static void what_nobody_waits_for_is_not_tried_again(void **state)
{
	static const int refusals[] = {ENOENT, EINVAL, ENODEV};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		kernel_says = refusals[i];
		assert_int_equal(say_text(12), -refusals[i]);
	}
	kernel_says = 0;
	remote_kernel_tick(&remotes);
	assert_int_equal(taken, 0);
}

static void so_many_are_tried_again(void **state)
{
	(void)state;
	kernel_says = ENOMEM;
	for (uint64_t i = 1; i <= REMOTE_OWED_MAX + 10; i++)
		say_text(2 * i);
	kernel_says = 0;
	remote_kernel_tick(&remotes);
	assert_int_equal(taken, REMOTE_OWED_MAX);
	assert_int_equal(last.unique, 2 * (REMOTE_OWED_MAX + 10));
}

static void without_a_fleet_it_is_told_and_that_is_all(void **state)
{
	(void)state;
	commons.fleet = NULL;
	kernel_says = ENOMEM;
	assert_int_equal(say_text(12), -ENOMEM);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_had_no_memory_for_is_answered_later),
		TEST(what_nobody_waits_for_is_not_tried_again),
		TEST(so_many_are_tried_again),
		TEST(without_a_fleet_it_is_told_and_that_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
