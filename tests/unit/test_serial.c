// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "dns/store/serial.h"
#include "dns/wire/util.h"

#define DAY    INT64_C(86400000000000)
#define SECOND INT64_C(1000000000)
/* 2026-11-28 00:00:00 UTC */
#define TODAY (INT64_C(1795824000) * SECOND)

static void serials_are_ordered_on_a_circle(void **state)
{
	static const struct {
		uint32_t a, b;
		bool ahead;
	} cases[] = {
		{1, 0, true},
		{0, 1, false},
		{5, 5, false},
		{0, UINT32_MAX, true},
		{44, UINT32_MAX - 100, true},
		{UINT32_C(0x7fffffff), 0, true},
		{UINT32_C(0x80000000), 0, false}, /* not defined */
		{0, UINT32_C(0x80000000), false},
		{UINT32_C(0x80000001), 0, false},
		{0, UINT32_C(0x80000001), true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(serial_is_ahead(cases[i].a, cases[i].b),
				 cases[i].ahead);
}

static void the_next_one_is_by_the_policy_and_always_ahead(void **state)
{
	static const struct {
		enum serial_policy policy;
		uint32_t last;
		int64_t now_ns;
		uint32_t next;
	} cases[] = {
		{SERIAL_INCREMENT, 1, TODAY, 2},
		{SERIAL_AUTO, 1, TODAY, 2},
		{SERIAL_INCREMENT, UINT32_MAX, TODAY, 1}, /* 0 is none */
		{SERIAL_UNIXTIME, 1, TODAY, 1795824000},
		{SERIAL_UNIXTIME, 1795824000, TODAY, 1795824001},
		{SERIAL_UNIXTIME, 2026112800, TODAY, 2026112801},
		{SERIAL_DATE, 1, TODAY, 2026112800},
		{SERIAL_DATE, 2026112800, TODAY, 2026112801},
		{SERIAL_DATE, 2026112899, TODAY, 2026112900},
		{SERIAL_DATE, 2026112900, TODAY, 2026112901},
		{SERIAL_DATE, 2026112900, TODAY + DAY, 2026112901},
		{SERIAL_DATE, 2026112801, TODAY + DAY - 1, 2026112802},
		{SERIAL_DATE, 2026112801, TODAY + DAY, 2026112900},
		{SERIAL_DATE, UINT32_C(4000000000), TODAY,
		 UINT32_C(4000000001)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t next = serial_next(cases[i].policy, cases[i].last,
					    cases[i].now_ns);

		assert_int_equal(next, cases[i].next);
		assert_true(serial_is_ahead(next, cases[i].last));
	}
}

static void a_policy_is_read_as_it_is_printed(void **state)
{
	static const char *const bad[] = {"", "aut", "autos", "Auto", "0"};
	enum serial_policy policy;

	(void)state;
	for (int i = SERIAL_AUTO; i <= SERIAL_KEEP; i++) {
		const char *text = serial_policy_to_text((enum serial_policy)i);

		assert_int_equal(
			serial_policy_from_text(text, strlen(text), &policy),
			0);
		assert_int_equal(policy, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(serial_policy_from_text(bad[i], strlen(bad[i]),
							 &policy),
				 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serials_are_ordered_on_a_circle),
		cmocka_unit_test(
			the_next_one_is_by_the_policy_and_always_ahead),
		cmocka_unit_test(a_policy_is_read_as_it_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
