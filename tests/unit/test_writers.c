// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/writers.h"

/* Threads; and tables of files, as the kernel's lock_owner numbers them. */
#define ALICE 1000
#define BOB   1001
#define TABLE 0x1234567890

static void a_child_that_has_written_nothing_ends_no_text(void **state)
{
	struct writers writers = {0};

	(void)state;
	writers_add(&writers, TABLE, ALICE);
	assert_false(writers_have(&writers, TABLE + 1, BOB));
	assert_true(writers_have(&writers, TABLE, ALICE));
}

static void threads_of_one_process_are_one_writer(void **state)
{
	struct writers writers = {0};

	(void)state;
	writers_add(&writers, TABLE, ALICE);
	writers_add(&writers, TABLE, BOB);
	assert_int_equal(writers.count, 1);
	assert_int_equal(writers.last, BOB);
	assert_true(writers_have(&writers, TABLE, ALICE));
}

static void who_has_closed_is_a_writer_no_more(void **state)
{
	struct writers writers = {0};

	(void)state;
	for (unsigned i = 0; i < WRITERS_MAX; i++)
		writers_add(&writers, TABLE + i, ALICE);
	writers_drop(&writers, TABLE + 1);
	writers_drop(&writers, TABLE + WRITERS_MAX); /* is none of them */
	assert_int_equal(writers.count, WRITERS_MAX - 1);
	for (unsigned i = 0; i < WRITERS_MAX; i++)
		assert_int_equal(writers_have(&writers, TABLE + i, ALICE),
				 i != 1);
}

/* Rather is a child's close judged than the text of a writer lost. */
static void of_too_many_writers_everybody_is_one(void **state)
{
	struct writers writers = {0};

	(void)state;
	for (unsigned i = 0; i < 2 * WRITERS_MAX; i++)
		writers_add(&writers, TABLE + i, ALICE);
	assert_true(writers_have(&writers, TABLE - 1, BOB));
	for (unsigned i = 0; i < 2 * WRITERS_MAX; i++)
		writers_drop(&writers, TABLE + i);
	assert_true(writers_have(&writers, TABLE - 1, BOB));
	writers_restart(&writers);
	assert_false(writers_have(&writers, TABLE, ALICE));
}

static void who_cuts_is_told_by_the_thread(void **state)
{
	struct writers writers = {0};

	(void)state;
	assert_false(writers_have(&writers, TABLE, 0));
	writers_cut(&writers, ALICE);
	assert_true(writers.unflushed);
	assert_true(writers_have(&writers, TABLE, ALICE));
	assert_false(writers_have(&writers, TABLE, BOB));
	/* A caller in another namespace of processes has no number. */
	assert_false(writers_have(&writers, TABLE, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_has_written_nothing_ends_no_text),
		cmocka_unit_test(threads_of_one_process_are_one_writer),
		cmocka_unit_test(who_has_closed_is_a_writer_no_more),
		cmocka_unit_test(of_too_many_writers_everybody_is_one),
		cmocka_unit_test(who_cuts_is_told_by_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
