// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fs/fs.h"

#define STARTER 500
#define ALICE	1000
#define BOB	1001
#define EVE	1002

static int setup(void **state)
{
	static struct commons commons;
	static struct fs fs;

	commons = (struct commons){.uid = STARTER};
	fs = (struct fs){.commons = &commons};
	shares_set(&commons.shares, SHARE_LOGS, 10);
	shares_set(&commons.shares, SHARE_READERS, 1);
	*state = &fs;
	return 0;
}

static int teardown(void **state)
{
	struct fs *fs = *state;

	shares_deinit(&fs->commons->shares);
	return 0;
}

static int take(struct fs *fs, uid_t uid, uint64_t n)
{
	return share_take(fs, SHARE_LOGS, uid, n, NULL, NULL);
}

static void a_user_has_his_share_and_no_more(void **state)
{
	struct fs *fs = *state;

	assert_int_equal(take(fs, ALICE, 9), 0);
	assert_int_equal(take(fs, ALICE, 2), -EMFILE);
	assert_int_equal(take(fs, ALICE, 1), 0);
	assert_int_equal(take(fs, ALICE, 1), -EMFILE);
	assert_int_equal(share_used(fs, SHARE_LOGS, ALICE), 10);
	/* It is of that kind alone, and of her alone. */
	assert_int_equal(take(fs, BOB, 10), 0);
	assert_int_equal(share_take(fs, SHARE_READERS, ALICE, 1, NULL, NULL),
			 0);
	share_give(fs, SHARE_LOGS, ALICE, 3);
	assert_int_equal(take(fs, ALICE, 3), 0);
	assert_int_equal(take(fs, ALICE, 1), -EMFILE);
}

static void all_have_four_shares(void **state)
{
	struct fs *fs = *state;

	for (uid_t uid = ALICE; uid < ALICE + 4; uid++)
		assert_int_equal(take(fs, uid, 10), 0);
	assert_int_equal(take(fs, ALICE + 4, 1), -EMFILE);
	assert_int_equal(take(fs, 0, 1), -EMFILE);
	share_give(fs, SHARE_LOGS, BOB, 1);
	assert_int_equal(take(fs, ALICE + 4, 1), 0);
}

static void root_and_the_starter_have_the_limit_of_all(void **state)
{
	struct fs *fs = *state;

	assert_int_equal(take(fs, 0, 15), 0);
	assert_int_equal(take(fs, STARTER, 20), 0);
	assert_int_equal(take(fs, STARTER, 6), -EMFILE);
	assert_int_equal(take(fs, ALICE, 5), 0);
}

static void of_what_the_option_says_for_all_a_user_has_half(void **state)
{
	struct fs *fs = *state;

	shares_set(&fs->commons->shares, SHARE_SCRATCH_SIZE, 101);
	assert_int_equal(
		share_take(fs, SHARE_SCRATCH_SIZE, ALICE, 52, NULL, NULL),
		-ENOSPC);
	assert_int_equal(
		share_take(fs, SHARE_SCRATCH_SIZE, ALICE, 51, NULL, NULL), 0);
	assert_int_equal(
		share_take(fs, SHARE_SCRATCH_SIZE, BOB, 51, NULL, NULL),
		-ENOSPC);
	assert_int_equal(
		share_take(fs, SHARE_SCRATCH_SIZE, BOB, 50, NULL, NULL), 0);
}

static void sums_do_not_wrap(void **state)
{
	struct fs *fs = *state;

	assert_int_equal(take(fs, ALICE, 5), 0);
	assert_int_equal(take(fs, ALICE, UINT64_MAX), -EMFILE);
	assert_int_equal(take(fs, 0, UINT64_MAX - 4), -EMFILE);
	shares_set(&fs->commons->shares, SHARE_LOGS, UINT64_MAX);
	assert_int_equal(take(fs, ALICE, UINT64_MAX - 5), 0);
	assert_int_equal(take(fs, BOB, 1), -EMFILE);
}

static void who_has_nothing_is_forgotten(void **state)
{
	struct fs *fs = *state;

	assert_int_equal(take(fs, ALICE, 11), -EMFILE);
	assert_null(fs->commons->shares.accounts);
	assert_int_equal(take(fs, ALICE, 0), 0);
	assert_null(fs->commons->shares.accounts);
	assert_int_equal(take(fs, ALICE, 1), 0);
	assert_int_equal(take(fs, EVE, 1), 0);
	share_give(fs, SHARE_LOGS, ALICE, 1);
	share_give(fs, SHARE_LOGS, EVE, 1);
	assert_null(fs->commons->shares.accounts);
	assert_int_equal(fs->commons->shares.used[SHARE_LOGS], 0);
}

static void expect_line(struct anchor *anchor, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};

	assert_int_equal(error_ring_print(&anchor->errors, &out), 0);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	assert_non_null(strstr((char *)out.data, text));
	error_ring_clear(&anchor->errors);
}

static void who_is_refused_is_told_of_the_option(void **state)
{
	struct anchor anchor = {0};
	struct fs *fs = *state;

	assert_int_equal(share_take(fs, SHARE_LOGS, ALICE, 11, &anchor, "log"),
			 -EMFILE);
	expect_line(&anchor, " log: logs=10: one user may have 10 open logs; "
			     "close some, or start circuitfs with more\n");
	assert_int_equal(share_take(fs, SHARE_LOGS, 0, 41, &anchor, "log"),
			 -EMFILE);
	expect_line(&anchor, " log: logs=10: all users together may have 40 "
			     "open logs;");
	shares_set(&fs->commons->shares, SHARE_SCRATCH_SIZE, 100);
	assert_int_equal(
		share_take(fs, SHARE_SCRATCH_SIZE, ALICE, 51, &anchor, "x"),
		-ENOSPC);
	expect_line(&anchor, " x: scratch-size=100: one user may have 50 "
			     "octets in plain files; remove some,");
}

static void metrics_tell_of_each_kind(void **state)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};
	struct fs *fs = *state;
	struct share_figures figures;

	assert_int_equal(take(fs, ALICE, 3), 0);
	assert_int_equal(take(fs, BOB, 4), 0);
	assert_int_equal(take(fs, BOB, 7), -EMFILE);
	shares_note(&fs->commons->shares, &figures);
	assert_int_equal(shares_expose(&figures, &out), 0);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	for (size_t i = 0; i < 5; i++) {
		static const char *const lines[] = {
			"\ncircuitfs_share_used{kind=\"logs\"} 7\n",
			"\ncircuitfs_share_largest{kind=\"logs\"} 4\n",
			"\ncircuitfs_share_limit{kind=\"logs\"} 40\n",
			"\ncircuitfs_share_user_limit{kind=\"logs\"} 10\n",
			"\ncircuitfs_share_refused_total{kind=\"logs\"} 1\n",
		};

		assert_non_null(strstr((char *)out.data, lines[i]));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_user_has_his_share_and_no_more),
		TEST(all_have_four_shares),
		TEST(root_and_the_starter_have_the_limit_of_all),
		TEST(of_what_the_option_says_for_all_a_user_has_half),
		TEST(sums_do_not_wrap),
		TEST(who_has_nothing_is_forgotten),
		TEST(who_is_refused_is_told_of_the_option),
		TEST(metrics_tell_of_each_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
