// SPDX-License-Identifier: Apache-2.0
/*
 * test_descriptors.c - how descriptors are shared out
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "anchors/descriptors.h"

static void what_is_set_aside_leaves_the_rest(void **state)
{
	static const struct {
		size_t limit;
		unsigned workers;
		size_t clients, has_clients, sockets, rest;
	} cases[] = {
		{20000, 1, 1000, 1000, 0, 18932},
		{20000, 2, 1000, 1000, 64, 18864},
		{524288, 4, 1000, 1000, 192, 523016},
		/* half of what the daemon leaves */
		{1024, 2, 1000, 476, 29, 447},
		{1024, 2, 100, 100, 53, 799},
		{100, 4, 1000, 10, 0, 10},
		{64, 4, 1000, 0, 0, 0},
		{0, 4, 1000, 0, 0, 0},
	};
	struct descriptors descriptors;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		descriptors_init(&descriptors, cases[i].limit, cases[i].workers,
				 cases[i].clients);
		assert_int_equal(descriptors.clients, cases[i].has_clients);
		assert_int_equal(descriptors.sockets, cases[i].sockets);
		assert_int_equal(descriptors.rest, cases[i].rest);
		assert_true(descriptors.clients + descriptors.sockets +
				    descriptors.rest <=
			    cases[i].limit);
	}
}

/* All that is given, one by one. */
static size_t take_all(struct descriptors *descriptors,
		       enum descriptors_of whose, size_t each)
{
	size_t count = 0;

	while (descriptors_take(descriptors, whose, each, NULL) == 0)
		count++;
	return count;
}

static void nameservers_leave_a_few_for_files_and_not_more(void **state)
{
	struct descriptors descriptors;
	struct refusal why;
	size_t servers;

	(void)state;
	descriptors_init(&descriptors, 20000, 2, 1000);
	servers =
		take_all(&descriptors, DESCRIPTORS_SERVERS, DESCRIPTORS_SERVER);
	assert_int_equal(servers, descriptors_servers_max(&descriptors));
	assert_int_equal(servers, (18864 - 256) / 2);
	assert_int_equal(
		descriptors_take(&descriptors, DESCRIPTORS_SERVERS, 2, &why),
		-EMFILE);
	assert_non_null(strstr(why.reason, "20000 descriptors"));
	assert_non_null(strstr(why.reason, "LimitNOFILE=)"));
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_FILES, 1), 256);
	descriptors_give(&descriptors, DESCRIPTORS_FILES, 1);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_SERVERS, 2), 0);
	descriptors_give(&descriptors, DESCRIPTORS_SERVERS, 2);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_FILES, 1), 3);
}

static void files_have_a_quarter_at_most(void **state)
{
	struct descriptors descriptors;

	(void)state;
	descriptors_init(&descriptors, 20000, 2, 1000);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_FILES, 1), 4096);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_SERVERS, 2),
			 (18864 - 4096) / 2);
	descriptors_init(&descriptors, 1024, 2, 100);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_FILES, 1), 199);
	/* What was refused is not taken. */
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_SERVERS, 2),
			 (799 - 199) / 2);
	descriptors_give(&descriptors, DESCRIPTORS_FILES, 199);
	assert_int_equal(take_all(&descriptors, DESCRIPTORS_SERVERS, 2),
			 descriptors_servers_max(&descriptors) -
				 (799 - 199) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_aside_leaves_the_rest),
		cmocka_unit_test(
			nameservers_leave_a_few_for_files_and_not_more),
		cmocka_unit_test(files_have_a_quarter_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
